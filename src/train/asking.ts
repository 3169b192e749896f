/** Asking a teacher, whose answers a stage keeps: whether it is fit, that it stays the same, and what it leaves unanswered. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { writeAtomic } from '../base/files.ts';
import { readJson } from '../base/json-file.ts';
import { withNotices } from '../sampling/notices.ts';
import type { SampleOptions, Sampler } from '../sampling/sampler.ts';
import type { RunEvent, StageRun } from './events.ts';

const TEACHER_FILE = 'teacher.json';
/** Keeps in a folder of answers which model gives them; throws a UserError where another one has begun. */
export function claimTeacher(folder: string, model: string): void {
  const path = join(folder, TEACHER_FILE);
  if (!existsSync(path)) writeAtomic(path, JSON.stringify({ model }));
  const begun = readJson(
    path,
    z.object({ model: z.string() }),
    'remove it to go on with the model served now',
  );
  if (begun.model === model) return;
  throw new UserError(
    'TEACHER',
    `The server's model is ${model}, and the rollouts in ${folder} were begun with ${begun.model}; have that model served under that name again, or draw into another run.`,
  );
}

/** Checks a teacher before `work` asks it; yields warnings, what is waited for, and what comes of the work when it is settled. */
export async function* asking<T>(
  { name: stage, folder, signal }: StageRun,
  sampler: Sampler,
  sampling: SampleOptions,
  work: (signal: AbortSignal) => AsyncGenerator<T>,
  settle: (done: T) => AsyncIterable<RunEvent> | Iterable<RunEvent>,
): AsyncGenerator<RunEvent> {
  const checked = async function* (stop: AbortSignal): AsyncGenerator<RunEvent> {
    for (const text of (await sampler.check?.({ ...sampling, signal: stop })) ?? [])
      yield { type: 'warning', stage, text };
    if (sampler.served !== undefined && sampler.served !== '') claimTeacher(folder, sampler.served);
    for await (const done of work(stop)) yield* settle(done);
  };
  signal.throwIfAborted();
  const waiting = (text: string): RunEvent => ({ type: 'waiting', stage, text });
  yield* withNotices(checked, sampler.notices, waiting, signal);
}

/** Warning of what was not answered, the first of it with the reason; throws a UserError when it is too much. */
export function unanswered(
  stage: string,
  failed: { readonly count: number; readonly of: string; readonly first: string },
  most: number,
): RunEvent {
  const text = `${failed.count} of ${failed.of} were not answered (${failed.first})`;
  if (failed.count <= most) return { type: 'warning', stage, text };
  throw new UserError('TEACHER', `Stage ${stage}: ${text}; re-run the same command to ask them again.`);
}
