/**
 * Submits a job folder to Ray, follows it and brings its checkpoint back into the run, where `tinystar run` goes on. All
 * that is needed to find the job again lies in its folder before Ray is asked.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import { lockFolder } from '../../../src/base/lock.ts';
import { kindOf } from '../../../src/stages/index.ts';
import type { RunEvent } from '../../../src/train/events.ts';
import { follow, type Outcome, PACE, type Pace, pause } from './follow.ts';
import { HandedStage } from './handed-stage.ts';
import type { Job } from './job.ts';
import type { JobEvent } from './protocol.ts';
import { jobEnvironment, post, type PostOptions } from './post.ts';
import { Ray } from './ray.ts';
import { receive } from './receive.ts';
import {
  ENGINE_LOG,
  newSubmission,
  readJob,
  readSubmission,
  type Submission,
  writeSubmission,
} from './submission.ts';
import { takeCheckpoint } from './take.ts';

export interface SubmitOptions extends PostOptions {
  /** Address of Ray's head; without it, the one that the job was submitted to. */
  readonly ray?: string;
  /** Token of the cluster, if it asks for one. */
  readonly token?: string;
  /** Folder, seen by both sides under one name, that the job leaves its checkpoint in; the job folder's own, without. */
  readonly output?: string;
  /** Host and port that the job sends its checkpoint to. */
  readonly listen?: string;
  /** Gives an earlier submission up. */
  readonly again?: boolean;
  readonly signal: AbortSignal;
  /** Milliseconds since some fixed moment. */
  readonly now: () => number;
  readonly pace?: Pace;
}

/** A job folder at work: locked, with its stage. */
interface Work extends Disposable {
  readonly folder: string;
  readonly job: Job;
  readonly handed: HandedStage;
}

function openWork(given: string): Work {
  const folder = resolve(given);
  const job = readJob(folder);
  const lock = lockFolder(folder, 'submit.lock');
  try {
    const handed = new HandedStage(job);
    return {
      folder,
      job,
      handed,
      [Symbol.dispose]() {
        handed[Symbol.dispose]();
        lock[Symbol.dispose]();
      },
    };
  } catch (thrown) {
    lock[Symbol.dispose]();
    throw thrown;
  }
}

/** Words for who has trained, with versions. */
function trainer(
  job: Job,
  rayVersion: string,
  { packages, python }: Extract<JobEvent, { event: 'versions' }>,
): string {
  const known = Object.entries(packages).flatMap(([name, version]) =>
    version === null || name === 'ray' ? [] : [`${name} ${version}`],
  );
  return `${job.engine} on Ray ${rayVersion} (${[...known, `Python ${python}`].join(', ')})`;
}

/** Error for a job that has ended without success. */
function failure(
  { folder, job }: Work,
  { job: state, last }: Outcome,
  fault: JobEvent | undefined,
): UserError {
  const path = join(folder, ENGINE_LOG);
  const rest = `the log of the job is ${path}`;
  if (state.status === 'STOPPED')
    return new UserError(
      'JOB_STOPPED',
      `The job was stopped; run the same command to submit it anew (${rest}).`,
    );
  if (fault?.event === 'fault') {
    const words = {
      versions: `The cluster does not have what the job needs (${job.requirements}): ${fault.text}; install that there, or give --pip, and run the same command to submit it anew.`,
      reward: `The job lost its reward server: ${fault.text}; start it where the job finds it (--reward-url), and run the same command to submit the job anew (${rest}).`,
      output: `The job brings no checkpoint: ${fault.text}; ${rest}.`,
    };
    return new UserError(`JOB_${fault.what.toUpperCase()}`, words[fault.what]);
  }
  const code = typeof state.driver_exit_code === 'number' ? ` with exit code ${state.driver_exit_code}` : '';
  const shown = last.length > 0 ? last : [state.message ?? 'Ray gives no reason'];
  return new UserError(
    'JOB_FAILED',
    `The job failed on Ray${code}; ${rest}, and ends:\n${shown.map((line) => `  ${line}`).join('\n')}\nMend it and run the same command to submit it anew.`,
  );
}

/** Finds the folder that a job has left its checkpoint in. Throws a UserError where this side does not see it. */
function checkpointFolder({ folder }: Work, { made, output, listen }: Submission): string {
  const source = listen === undefined ? output : join(folder, 'received');
  const isThere = made?.files.every(({ name }) => existsSync(join(source, name))) === true;
  if (isThere) return source;
  const where =
    made === undefined ? 'the job has not said where it is' : `it is in ${made.folder} on ${made.host}`;
  throw new UserError(
    'NO_CHECKPOINT',
    `The job has ended, and its checkpoint cannot be seen in ${source}: ${where}; copy that folder here and give it by tinystar submit ${folder} --take FOLDER.`,
  );
}

/** Takes a checkpoint and tells of the stage's end. */
function* bringBack(
  work: Work,
  source: string,
  submission: Submission | undefined,
  seconds: number,
): Generator<RunEvent> {
  const { folder, job, handed } = work;
  const hasChanged = takeCheckpoint(handed, source, submission?.made?.files);
  const by = submission?.by ?? `${job.engine} (its versions are not known)`;
  const outputs = handed.finish(job, folder, handed.model, by);
  if (submission !== undefined) writeSubmission(folder, { ...submission, state: 'ended' });
  yield { type: 'waiting', stage: job.stage, text: `trained by ${by}` };
  if (!hasChanged)
    yield {
      type: 'warning',
      stage: job.stage,
      text: `no weight of ${handed.stage.model} has changed: look into ${join(folder, ENGINE_LOG)} for why nothing was learned (a learning rate of 0, weights saved in bf16)`,
    };
  yield { type: 'done', stage: job.stage, seconds, outputs };
}

/** Finds a job folder's submission, or begins one; what it is lies on the disk before this returns. */
function submissionOf(work: Work, ray: Ray, { again, output, listen }: SubmitOptions): Submission {
  const { folder, job } = work;
  const before = again === true ? undefined : readSubmission(folder);
  if (before !== undefined && before.state !== 'ended') {
    const moved = [
      ['--output', output === undefined ? undefined : resolve(output), before.output],
      ['--listen', listen, before.listen],
    ].find(([, now, then]) => now !== undefined && now !== then);
    if (moved !== undefined)
      throw new UserError(
        'SUBMITTED',
        `The job in ${folder} was submitted with ${moved[0]} ${moved[2] ?? 'left out'}; leave ${moved[0]} out, or stop the job first (--stop).`,
      );
    return before.ray === ray.url ? before : { ...before, ray: ray.url };
  }
  const submission = newSubmission(folder, job, {
    ray: ray.url,
    ...(output !== undefined && { output }),
    ...(listen !== undefined && { listen }),
  });
  return submission;
}

function rayOf(folder: string, { ray, token }: Pick<SubmitOptions, 'ray' | 'token'>): Ray {
  const url = ray ?? readSubmission(folder)?.ray;
  if (url === undefined)
    throw new UserError(
      'RAY_URL',
      'Where is Ray? Give the address of its dashboard by --ray http://HEAD:8265.',
    );
  return new Ray(url, token);
}

/**
 * Submits the job in a folder, or attaches to it, follows it to its end and takes its checkpoint, as a stream of events.
 * Throws UserErrors, and the signal's reason when it fires: the job then goes on.
 */
export async function* submitJob(given: string, options: SubmitOptions): AsyncGenerator<RunEvent> {
  const { signal, now, pace = PACE } = options;
  const start = now();
  using work = openWork(given);
  const { folder, job, handed } = work;
  const stage = job.stage;
  const kind = handed.stage.kind;
  if (handed.isDone) {
    yield { type: 'stage', stage, kind, total: 0, done: 0 };
    yield { type: 'done', stage, seconds: 0, outputs: { model: handed.model } };
    return;
  }
  const ray = rayOf(folder, options);
  const rayVersion = await ray.version();
  let submission = submissionOf(work, ray, options);
  const { id } = submission;
  await using receiver =
    submission.listen === undefined
      ? undefined
      : await receive(submission.listen, submission.token, join(folder, 'received'));
  const isNew = submission.state === 'prepared' && (await ray.job(id)) === undefined;
  if (isNew) jobEnvironment(work, submission, options, receiver?.url);
  handed.begin(job, folder);
  writeSubmission(folder, submission);
  if (isNew) await post(work, submission, ray, options, receiver?.url);
  submission = { ...submission, state: 'submitted' };
  writeSubmission(folder, submission);
  yield {
    type: 'waiting',
    stage,
    text: `${isNew ? 'submitted to' : 'attached to'} Ray ${rayVersion} at ${ray.url} as ${id}`,
  };

  let fault: JobEvent | undefined;
  let notice: string | undefined;
  const heard = (event: JobEvent): void => {
    if (event.event === 'fault') fault = event;
    else if (event.event === 'output') {
      const { host, folder: place, files } = event;
      submission = { ...submission, made: { host, folder: place, files } };
      writeSubmission(folder, submission);
    } else if (event.event === 'versions') {
      submission = { ...submission, by: trainer(job, rayVersion, event) };
      if (event.shared === false && submission.listen === undefined)
        notice = `the node ${event.host} does not see ${submission.output}: when the job has ended, its checkpoint must be copied from there and given by --take, unless you stop the job and give --output or --listen`;
    }
  };
  const events = follow({ ray, id, stage, engineLog: join(folder, ENGINE_LOG), signal, now, pace }, heard);
  let isBegun = false;
  const begun = (total: number): RunEvent => {
    isBegun = true;
    const by = submission.by ?? job.engine;
    return { type: 'stage', stage, kind, total, done: 0, watch: kindOf(handed.stage).watch, by };
  };
  let outcome: Outcome;
  for (;;) {
    const { done, value } = await events.next();
    handed.check();
    if (notice !== undefined) {
      yield { type: 'warning', stage, text: notice };
      notice = undefined;
    }
    if (done === true) {
      outcome = value;
      break;
    }
    const first = value.type === 'step' && !isBegun ? begun(value.total) : undefined;
    for (const event of first === undefined ? [value] : [first, value]) {
      handed.journal.record(event);
      yield event;
    }
  }
  if (outcome.job.status !== 'SUCCEEDED') {
    writeSubmission(folder, { ...submission, state: 'ended' });
    handed.release();
    throw failure(work, outcome, fault);
  }
  // Without steps in its log, the whole job is one.
  if (!isBegun) yield begun(1);
  yield* bringBack(work, checkpointFolder(work, submission), submission, (now() - start) / 1000);
}

/** Takes a checkpoint that was copied here by hand, as the result of a job. */
export function* takeJob(given: string, source: string): Generator<RunEvent> {
  using work = openWork(given);
  const { folder, job, handed } = work;
  if (handed.isDone)
    throw new UserError(
      'DONE',
      `Stage ${job.stage} is done already; remove ${handed.folder} and the folders of the stages that go on from it to take another result.`,
    );
  handed.begin(job, folder);
  const before = readSubmission(folder);
  yield { type: 'stage', stage: job.stage, kind: handed.stage.kind, total: 1, done: 0 };
  yield* bringBack(work, resolve(source), before, 0);
}

/** Stops a job and gives its stage back to this program. Returns what was done, in words. */
export async function stopJob(
  given: string,
  options: Pick<SubmitOptions, 'ray' | 'token' | 'signal' | 'pace'>,
): Promise<string> {
  const { signal, pace = PACE } = options;
  using work = openWork(given);
  const { folder, job, handed } = work;
  const submission = readSubmission(folder);
  if (submission === undefined || submission.state === 'ended') {
    if (!handed.isDone) handed.release();
    return `There is no job of ${folder} to stop; tinystar run trains stage ${job.stage} here.`;
  }
  const ray = rayOf(folder, options);
  const { id } = submission;
  let state = await ray.job(id);
  if (state !== undefined && ['PENDING', 'RUNNING'].includes(state.status)) await ray.stop(id);
  while (state !== undefined && ['PENDING', 'RUNNING'].includes(state.status)) {
    await pause(pace.every, signal);
    state = await ray.job(id);
  }
  writeSubmission(folder, { ...submission, state: 'ended' });
  if (!handed.isDone) handed.release();
  return `The job ${id} is ${state === undefined ? 'unknown to Ray' : state.status.toLowerCase()}; tinystar run trains stage ${job.stage} here, and tinystar submit ${folder} submits it anew.`;
}
