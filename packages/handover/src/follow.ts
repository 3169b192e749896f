/** Follows a job that Ray has: its state and its log, from wherever either was, as events of a run. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileError, writeAtomic } from '../../../src/base/files.ts';
import { UserError } from '../../../src/base/errors.ts';
import type { RunEvent } from '../../../src/train/events.ts';
import { type JobEvent, readLog, runStep } from './protocol.ts';
import { type Ray, type RayJob, RayUnreachable } from './ray.ts';

/** Milliseconds between two looks, and without an answer after which Ray is given up. */
export interface Pace {
  readonly every: number;
  readonly patience: number;
}
export const PACE: Pace = { every: 1000, patience: 600_000 };
/** Share of the time that is spent on fetching a log, which Ray gives as a whole. */
const FETCH_SHARE = 0.05;
const LONGEST_PAUSE = 30_000;
/** Milliseconds of silence that a watcher is told of. */
const TOLD_AFTER = 15_000;
/** Lines of a failed job's log that are shown. */
const LAST_LINES = 12;

export interface Followed {
  readonly ray: Ray;
  readonly id: string;
  readonly stage: string;
  /** File that the engine's own log is kept in. */
  readonly engineLog: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly pace: Pace;
}

/** Outcome of a job that has ended. */
export interface Outcome {
  readonly job: RayJob;
  /** Last lines of the engine's log. */
  readonly last: readonly string[];
}

/** Waits; throws the signal's reason when it fires. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}

/** Tells the engine's lines from events, of a log that is read anew each time and grows. */
class LogReader {
  readonly #path: string;
  #read = 0;
  #begun = false;
  #last: string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** Last lines of the engine. */
  get last(): readonly string[] {
    return this.#last;
  }

  /** Events that were not there before; lines that may still grow wait, unless the log `isWhole`. */
  take(log: string, isWhole: boolean): JobEvent[] {
    // A log that has become shorter is another one.
    if (log.length < this.#read) this.#read = 0;
    const end = isWhole ? log.length : log.lastIndexOf('\n') + 1;
    const fresh = [...readLog(log.slice(this.#read, end))];
    const lines = fresh.filter((one) => typeof one === 'string');
    this.#keep(lines);
    this.#read = Math.max(end, this.#read);
    return fresh.filter((one) => typeof one !== 'string');
  }

  #keep(lines: readonly string[]): void {
    this.#last = [...this.#last, ...lines].slice(-LAST_LINES);
    const text = lines.map((line) => `${line}\n`).join('');
    // The whole log is there each time: what an earlier process had kept of it is in it.
    if (!this.#begun) writeAtomic(this.#path, text);
    else if (text !== '')
      try {
        appendFileSync(this.#path, text);
      } catch (thrown) {
        throw fileError('write', this.#path, thrown);
      }
    this.#begun = true;
  }
}

/** Asks Ray again until it answers; says so after a while. Throws a UserError when its patience is at an end. */
async function* answered<T>(
  ask: () => Promise<T>,
  { stage, signal, now, pace, ray }: Followed,
): AsyncGenerator<RunEvent, T> {
  const start = now();
  let [wait, told] = [pace.every, false];
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (thrown) {
      if (!(thrown instanceof RayUnreachable)) throw thrown;
      const silence = now() - start;
      if (silence > pace.patience)
        throw new UserError(
          'RAY_LOST',
          `Ray at ${ray.url} has not answered for ${Math.round(silence / 60_000)} minutes (${thrown.message}); if its cluster lives, the job goes on, and the same command attaches to it again.`,
        );
      if (!told && silence > TOLD_AFTER) {
        told = true;
        yield { type: 'warning', stage, text: `${thrown.message} It is asked again; the job goes on.` };
      }
    }
    await pause(wait, signal);
    wait = Math.min(2 * wait, LONGEST_PAUSE);
  }
}

/** Words for a job's state, for what is worth telling. */
const STATE_WORDS: Partial<Record<RayJob['status'], string>> = {
  PENDING: 'waiting for a place in the cluster',
  RUNNING: 'running',
};

/**
 * Follows a job to its end; `heard` is told of every event of its log but steps and samples, which are yielded. Throws a
 * UserError when Ray has forgotten the job or is away for long, and the signal's reason when it fires.
 */
export async function* follow(
  followed: Followed,
  heard: (event: JobEvent) => void,
): AsyncGenerator<RunEvent, Outcome> {
  const { ray, id, stage, engineLog, signal, now, pace } = followed;
  const log = new LogReader(engineLog);
  let told: string | undefined;
  for (;;) {
    const job = yield* answered(() => ray.job(id), followed);
    if (job === undefined)
      throw new UserError(
        'RAY_FORGOT',
        `Ray at ${ray.url} knows no job ${id} any more: its head was started anew, or it is another cluster; give the right address by --ray, or --again to submit the job anew (its log so far is ${engineLog}).`,
      );
    const hasEnded = !['PENDING', 'RUNNING'].includes(job.status);
    const isFailed = job.status === 'FAILED' || job.status === 'STOPPED';
    const words = STATE_WORDS[job.status];
    if (words !== undefined && words !== told) yield { type: 'waiting', stage, text: words };
    told = words;
    const start = now();
    if (job.status !== 'PENDING') {
      // A job that could not be started has no log.
      const text = yield* answered(async () => {
        try {
          return await ray.logs(id);
        } catch (thrown) {
          if (thrown instanceof RayUnreachable && thrown.code === 'RAY_FAULT' && isFailed) return '';
          throw thrown;
        }
      }, followed);
      for (const event of log.take(text, hasEnded)) {
        heard(event);
        if (event.event === 'step') yield runStep(stage, event);
        else if (event.event === 'sample')
          yield { type: 'sample', stage, step: event.step, samples: event.samples };
        else if (event.event === 'warning') yield { type: 'warning', stage, text: event.text };
      }
    }
    if (hasEnded) return { job, last: log.last };
    const spent = now() - start;
    await pause(Math.min(LONGEST_PAUSE, Math.max(pace.every, spent / FETCH_SHARE)), signal);
  }
}
