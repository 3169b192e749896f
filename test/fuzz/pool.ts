/** Runs cases in a process of their own, which is watched: its death, ten seconds of silence and a gigabyte are faults. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CaseId } from './cases.ts';
import type { Answer, Job } from './worker.ts';

/** Ratio of the time that a case may wait to the time that it may work. */
const PATIENCE = 6;
/** Cases that one process takes: what they leave in memory adds up. */
const CASES_A_PROCESS = 400;

export interface Watch {
  /** Program that runs the cases. */
  readonly worker: string;
  /** Limits of one case. */
  readonly seconds: number;
  readonly bytes: number;
}
const WATCH: Watch = {
  worker: fileURLToPath(new URL('worker.ts', import.meta.url)),
  seconds: 10,
  bytes: 2 ** 30,
};

export interface Result extends Partial<Pick<Answer, 'done' | 'code' | 'said'>> {
  readonly id: CaseId;
  readonly fault: string | undefined;
  readonly seconds: number;
}

export interface Places {
  /** Folder that `makeSeeds` has written into. */
  readonly seeds: string;
  /** A folder for the case at hand. */
  readonly folder: string;
}

/** Memory and processor time of a process so far, in bytes and seconds, where the system tells. */
function useOf(pid: number | undefined): { readonly bytes: number; readonly seconds: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    const [user = 0, system = 0, pages = 0] = [fields[11], fields[12], fields[21]].map(Number);
    return { bytes: pages * 4096, seconds: (user + system) / 100 };
  } catch {
    return undefined;
  }
}

class Worker {
  readonly #limits: Watch;
  readonly #child: ChildProcess;
  readonly #ready: Promise<unknown>;
  #errors = '';
  cases = 0;

  constructor(limits: Watch) {
    this.#limits = limits;
    this.#child = fork(limits.worker, [], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#errors = (this.#errors + text.toString('utf8')).slice(-4000);
    });
    this.#ready = new Promise((resolve, reject) => {
      this.#child.once('message', resolve);
      this.#child.once('exit', () => reject(new Error(`The worker does not start: ${this.#errors}`)));
    });
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.connected;
  }

  /** The worker's answer to a job, or what became of the worker. */
  async take(job: Job): Promise<Answer | string> {
    await this.#ready;
    this.cases += 1;
    this.#errors = '';
    const child = this.#child;
    const limits = this.#limits;
    return new Promise((resolve) => {
      const end = (result: Answer | string): void => {
        clearInterval(watch);
        child.off('message', end).off('exit', died);
        resolve(result);
      };
      const kill = (why: string): void => {
        child.kill('SIGKILL');
        end(why);
      };
      const died = (code: number | null, signal: string | null): void =>
        end(`the process ended with ${signal ?? code}: ${this.#errors.trim().slice(-1500)}`);
      const [start, before] = [performance.now(), useOf(child.pid)?.seconds ?? 0];
      const watch = setInterval(() => {
        const [waited, use] = [(performance.now() - start) / 1000, useOf(child.pid)];
        // A busy machine makes anything wait: there the time counts that the processor has worked.
        const worked = use === undefined ? waited : Math.max(use.seconds - before, waited / PATIENCE);
        if (worked > limits.seconds) kill(`no end after ${limits.seconds} s`);
        if ((use?.bytes ?? 0) > limits.bytes) kill(`${Math.round((use?.bytes ?? 0) / 2 ** 20)} MB of memory`);
      }, 20);
      child.on('message', end).on('exit', died);
      child.send(job);
    });
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

/** Tries cases; a worker that came to harm is replaced. */
export class Pool implements Disposable {
  readonly #places: Places;
  readonly #watch: Watch;
  #worker: Worker | undefined;

  constructor(places: Places, watch: Partial<Watch> = {}) {
    this.#places = places;
    this.#watch = { ...WATCH, ...watch };
  }

  async #once(id: CaseId, fresh: boolean): Promise<Result> {
    if (fresh || (this.#worker?.cases ?? 0) >= CASES_A_PROCESS || this.#worker?.alive === false)
      this[Symbol.dispose]();
    this.#worker ??= new Worker(this.#watch);
    const start = performance.now();
    const answer = await this.#worker.take({ id, ...this.#places });
    const seconds = (performance.now() - start) / 1000;
    if (typeof answer === 'string') {
      this[Symbol.dispose]();
      return { id, fault: answer, seconds };
    }
    const { done, code, said, peak } = answer;
    const heavy =
      peak > this.#watch.bytes ? `${Math.round(peak / 2 ** 20)} MB of memory at its highest` : undefined;
    if (heavy !== undefined) this[Symbol.dispose]();
    return { id, done, code, said, seconds, fault: answer.fault ?? heavy };
  }

  /** Tries a case; what seems a fault counts when it is one again in a new process, as a busy machine makes its own. */
  async try(id: CaseId): Promise<Result> {
    const first = await this.#once(id, false);
    return first.fault === undefined ? first : this.#once(id, true);
  }

  [Symbol.dispose](): void {
    this.#worker?.[Symbol.dispose]();
    this.#worker = undefined;
  }
}
