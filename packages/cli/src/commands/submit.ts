/** `tinystar submit`: a job folder on a Ray cluster, followed to its end, and its checkpoint brought back into the run. */
import { dirname, relative } from 'node:path';
import type { Job } from '../../../handover/src/job.ts';
import { stopJob, submitJob, takeJob } from '../../../handover/src/submit.ts';
import { readJob } from '../../../handover/src/submission.ts';
import { UserError } from '../../../../src/base/errors.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { command } from '../command.ts';
import { follow } from '../execute.ts';
import { optional, runFlags, text, toggle, whole } from '../flags.ts';

/** Command that goes on with a job's run. */
function runCommand({ recipe, runDir }: Job): string {
  const runs = relative('', dirname(runDir));
  return `tinystar run ${relative('', recipe)}${runs === 'runs' ? '' : ` --runs ${runs === '' ? '.' : runs}`}`;
}

export const submitCommand = command({
  brief: 'Train a job folder on a Ray cluster and bring the checkpoint back',
  about:
    'Submits the job folder that tinystar handover wrote to a Ray cluster, follows it, checks the checkpoint that comes\n' +
    'of it and puts it into the run as the result of its stage; tinystar run then goes on. Ctrl-C leaves the job\n' +
    'running; the same command attaches to it again, also after a crash of this side.',
  examples: [
    'tinystar submit jobs/star --ray http://10.0.0.5:8265 --output /shared/star --gpus 8',
    'tinystar submit jobs/star --ray http://10.0.0.5:8265 --listen 10.0.0.2:8700 --pip',
    'tinystar submit jobs/star --stop',
    'tinystar submit jobs/star --take copied/checkpoint',
  ],
  flags: {
    ray: optional(text("Address of Ray's dashboard; of a job that was submitted, its own", 'URL')),
    output: optional(
      text(
        'Folder for the checkpoint that this side and the cluster see; without it, one in the job folder',
        'DIR',
      ),
    ),
    listen: optional(
      text(
        'Address of this machine that the job sends its checkpoint to, where no folder is seen by both',
        'HOST:PORT',
      ),
    ),
    reward_url: optional(text('Addresses of tinystar serve-rewards, separated by commas', 'URL')),
    gpus: optional(whole(1, "GPUs of one node that the job is given; without it, it runs beside Ray's head")),
    cpus: optional(whole(1, 'Cores of one node that the job is given')),
    pip: toggle("Have Ray install the job's requirements; without it the cluster has them"),
    shared: toggle('Run in the job folder itself, which the cluster sees, and upload nothing'),
    again: toggle('Give an earlier submission up, which Ray has forgotten, and submit the job anew'),
    stop: toggle('Stop the job'),
    take: optional(text('Take this checkpoint, copied here by hand, as what the job made', 'DIR')),
    json: runFlags.json,
  },
  args: [{ brief: 'Job folder', placeholder: 'JOB' }],
  async run(context, given, folder) {
    const { process, services } = context;
    const { ray, output, listen, reward_url: rewardUrl, gpus, cpus, pip, shared, again, take } = given;
    if (output !== undefined && listen !== undefined)
      throw new UserError('FLAG', 'Give --output or --listen, as the checkpoint comes back one way.');
    const token = process.env['RAY_AUTH_TOKEN'];
    const cluster = { ...(ray !== undefined && { ray }), ...(token !== undefined && { token }) };
    if (given.stop) {
      const signal = new AbortController().signal;
      process.stdout.write(`${await stopJob(folder, { ...cluster, signal })}\n`);
      return;
    }
    const { stage } = readJob(folder);
    const work = (signal: AbortSignal): AsyncIterable<RunEvent> | Iterable<RunEvent> =>
      take !== undefined
        ? takeJob(folder, take)
        : submitJob(folder, {
            ...cluster,
            ...(output !== undefined && { output }),
            ...(listen !== undefined && { listen }),
            ...(rewardUrl !== undefined && { rewardUrl }),
            ...(gpus !== undefined && { gpus }),
            ...(cpus !== undefined && { cpus }),
            pip,
            shared,
            again,
            signal,
            now: services.now,
          });
    await follow(
      context,
      [stage],
      work,
      given.json ? (event) => process.stdout.write(`${JSON.stringify(event)}\n`) : undefined,
      {
        stopping: 'detaching; the job goes on',
        stopped: (position) =>
          `Detached${position}; the job goes on: tinystar submit ${folder} attaches to it again, and with --stop stops it.`,
      },
    );
    if (!given.json) process.stdout.write(`${runCommand(readJob(folder))} goes on from stage ${stage}\n`);
  },
});
