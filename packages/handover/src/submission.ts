/** Files that a submission keeps in the job's folder: what was submitted where, so that it is found again and never submitted twice. */
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../src/base/errors.ts';
import { readText, writeAtomic } from '../../../src/base/files.ts';
import { readJson } from '../../../src/base/json-file.ts';
import { type Job, JOB_FILE, jobSchema } from './job.ts';
import { OUTPUT_FILE } from './protocol.ts';

/** Engine's own log, and what tells of the submission. */
export const ENGINE_LOG = 'engine.log';
const STATE_FILE = 'submission.json';
/** Files and folders of a job folder that belong to this side alone. */
export const OWN_FILES = [ENGINE_LOG, STATE_FILE, 'submit.lock', 'received'] as const;

const submissionSchema = z.object({
  version: z.literal(1),
  /** Name under which Ray knows it. */
  id: z.string(),
  /** Address of the head. */
  ray: z.string(),
  /** Progress: `prepared` is stored before it is asked, `submitted` after, `ended` when the outcome was told. */
  state: z.enum(['prepared', 'submitted', 'ended']),
  /** Folder that both sides see. */
  output: z.string(),
  /** Host and port that the checkpoint is sent to, where both see none. */
  listen: z.string().exactOptional(),
  /** Secret part of that address. */
  token: z.string(),
  /** In words: the engine, Ray and the packages, with versions. */
  by: z.string().exactOptional(),
  /** Node and folder that the checkpoint is in, and its files. */
  made: z.object({ host: z.string(), folder: z.string(), files: z.array(OUTPUT_FILE) }).exactOptional(),
});
export type Submission = z.output<typeof submissionSchema>;

/** Reads a job folder's description. Throws a UserError for what is no job folder. */
export function readJob(folder: string): Job {
  const path = join(folder, JOB_FILE);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true || !existsSync(path))
    throw new UserError(
      'JOB',
      `${folder} is no job folder: it has no ${JOB_FILE}; give the folder that tinystar handover wrote.`,
    );
  try {
    return jobSchema.parse(JSON.parse(readText(path)));
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const issue = thrown instanceof z.ZodError ? thrown.issues[0] : undefined;
    const where = issue === undefined ? 'it is not JSON' : `${issue.path.join('.')}: ${issue.message}`;
    throw new UserError('JOB', `${path} is damaged (${where}); hand the stage over again.`);
  }
}

/** Reads what a job folder says of its submission; undefined where there was none. */
export function readSubmission(folder: string): Submission | undefined {
  const path = join(folder, STATE_FILE);
  if (!existsSync(path)) return undefined;
  return readJson(
    path,
    submissionSchema,
    'remove it to submit the job anew, after you have stopped what runs of it',
  );
}

/** Stores a submission's state. */
export function writeSubmission(folder: string, submission: Submission): void {
  writeAtomic(join(folder, STATE_FILE), `${JSON.stringify(submission, null, 1)}\n`);
}

/** A submission that Ray has not been asked for yet. */
export function newSubmission(
  folder: string,
  job: Job,
  { ray, output, listen }: { readonly ray: string; readonly output?: string; readonly listen?: string },
): Submission {
  return {
    version: 1,
    id: `tinystar-${job.stage}-${randomBytes(6).toString('hex')}`,
    ray,
    state: 'prepared',
    output: resolve(output ?? join(folder, job.output)),
    ...(listen !== undefined && { listen }),
    token: randomBytes(16).toString('hex'),
  };
}
