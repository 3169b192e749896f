/** Request by which a job goes to Ray: its folder as an archive, its environment, its command behind the wrapper. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/base/errors.ts';
import { fileError, readText, writeAtomic } from '../../../src/base/files.ts';
import type { Job } from './job.ts';
import type { Ray } from './ray.ts';
import { OWN_FILES, type Submission } from './submission.ts';
import { filesOf, zip } from './zip.ts';

/** Options of a submission that the job is started with. */
export interface PostOptions {
  /** Addresses of reward servers, in place of the job's own. */
  readonly rewardUrl?: string;
  /** Has Ray install the requirements. */
  readonly pip?: boolean;
  /** Runs the job in its own folder, which the cluster sees, without an upload. */
  readonly shared?: boolean;
  /** GPUs, and cores, of one node that the job is given; without them it runs on the head's node. */
  readonly gpus?: number;
  readonly cpus?: number;
}

/** A job and its folder. */
interface Posted {
  readonly folder: string;
  readonly job: Job;
}

/** Bytes of a folder beyond which no head takes it; Ray's own limit is 100 MiB, packed, unless it was raised. */
const MOST_UPLOAD = 2 ** 30;

const WRAPPER = 'tinystar_job.py';
/** Begins the name of a file in the output folder, by which a job knows that both sides see it. */
const PROBE = '.tinystar-probe';

/** Variables of a job's environment; throws a UserError where it asks a reward server and none is known. `upload` is the address that it sends its checkpoint to. */
export function jobEnvironment(
  { folder, job }: Posted,
  { id, output, listen }: Submission,
  { rewardUrl }: PostOptions,
  upload: string | undefined,
): Record<string, string> {
  const env = { ...job.env, ...(rewardUrl !== undefined && { REWARD_URL: rewardUrl }) };
  if (job.needsReward && (env['REWARD_URL'] ?? '') === '')
    throw new UserError(
      'REWARD_URL',
      `The job in ${folder} asks a reward server while it trains; start one (tinystar serve-rewards ${job.recipe} --host 0.0.0.0) and give its address by --reward-url http://HOST:5000/get_reward.`,
    );
  return {
    ...env,
    TINYSTAR_REQUIREMENTS: job.requirements,
    OUTPUT: listen === undefined ? output : job.output,
    TINYSTAR_LEFT_IN: job.output,
    ...(upload === undefined ? { TINYSTAR_PROBE: `${PROBE}-${id}` } : { TINYSTAR_UPLOAD: upload }),
  };
}

/** Requirements as Ray's pip takes them. */
const packagesOf = (path: string): string[] =>
  readText(path)
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*/, '').trim())
    .filter((line) => line !== '');

/** Shell word for a path. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Asks Ray to run the job, unless it has it. */
export async function post(
  posted: Posted,
  submission: Submission,
  ray: Ray,
  options: PostOptions,
  upload: string | undefined,
): Promise<void> {
  const { folder, job } = posted;
  const env = jobEnvironment(posted, submission, options, upload);
  if (upload === undefined)
    try {
      mkdirSync(submission.output, { recursive: true });
      writeAtomic(join(submission.output, env['TINYSTAR_PROBE'] ?? PROBE), '');
    } catch (thrown) {
      throw fileError('write', submission.output, thrown);
    }
  writeAtomic(
    join(folder, WRAPPER),
    readFileSync(fileURLToPath(new URL(`../python/${WRAPPER}`, import.meta.url))),
  );
  const command = `python3 ${WRAPPER} ${job.entrypoint}`;
  const runtime: Record<string, unknown> = { env_vars: env };
  if (options.pip === true) runtime['pip'] = packagesOf(join(folder, job.requirements));
  if (options.shared !== true) {
    const own: readonly string[] = [...OWN_FILES, job.output];
    const isOwn = (path: string): boolean =>
      own.some((name) => path === name || path.startsWith(`${name}/`)) || /(^|\/)(\.|__pycache__)/.test(path);
    const archive = zip(filesOf(folder, isOwn, MOST_UPLOAD));
    const hash = createHash('sha256').update(archive).digest('hex').slice(0, 32);
    runtime['working_dir'] = await ray.upload(`_ray_pkg_${hash}.zip`, archive);
  }
  await ray.submit({
    submission_id: submission.id,
    entrypoint: options.shared === true ? `cd ${quoted(folder)} && ${command}` : command,
    runtime_env: runtime,
    ...(options.gpus !== undefined && { entrypoint_num_gpus: options.gpus }),
    ...(options.cpus !== undefined && { entrypoint_num_cpus: options.cpus }),
    metadata: { engine: job.engine, stage: job.stage, program: 'tinystar' },
  });
}
