/** Faults of a submission: each is one sentence, and nothing is lost. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCli } from '../../../test/helpers/cli.ts';
import { scratchFolder } from '../../../test/helpers/runs.ts';
import { readSubmission } from '../src/submission.ts';
import { faultLine, ScriptedRay, stepLine, versionsLine } from './scripted-ray.ts';
import { leaveCheckpoint, makeToyJob, submitted, type ToyJob } from './toy-job.ts';

let [ray, url] = [new ScriptedRay(), ''];
let scratch = scratchFolder();
let toy: ToyJob;
beforeEach(async () => {
  [ray, scratch] = [new ScriptedRay(), scratchFolder()];
  url = await ray.listen();
  toy = makeToyJob(scratch.folder);
});
afterEach(async () => {
  await ray[Symbol.asyncDispose]();
  scratch.remove();
});

/** Ends every job at once with this log. */
function ends(status: string, log: string, exitCode?: number): void {
  ray.onState = (job) => {
    Object.assign(job, { status, log, ...(exitCode !== undefined && { exitCode }) });
  };
}

const output = (): string => join(toy.folder, 'output');
const log = (): string => join(toy.folder, 'engine.log');

test('a head that is dead, is none, or is no address is told before anything is begun', async () => {
  await expect(submitted(toy.folder, { ray: 'http://127.0.0.1:1' })).rejects.toThrow(
    /^Ray at http:\/\/127\.0\.0\.1:1 cannot be reached \(connect ECONNREFUSED .*\); check the address/,
  );
  ray.instead = () => ({ status: 200, text: '<!doctype html><title>Router</title>' });
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    /does not answer like a Ray head \(its version: HTTP 200, "<!doctype html><title>Router<\/title>"\); give the address/,
  );
  ray.instead = () => ({ status: 401, text: 'Unauthorized' });
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(/set RAY_AUTH_TOKEN/);
  await expect(submitted(toy.folder, { ray: 'head:8265' })).rejects.toThrow(
    /head:8265 is no address of a Ray head/,
  );
  await expect(submitted(toy.folder, {})).rejects.toThrow(/Where is Ray\?/);
  expect(existsSync(join(toy.run, 'stages'))).toBe(false);
});

test('the command line ends with one sentence and status 1', async () => {
  const { code, stderr } = await runCli(['submit', toy.folder, '--ray', 'http://127.0.0.1:1']);
  expect([code, stderr.trim().split('\n').length]).toEqual([1, 1]);
  const none = await runCli(['submit', scratch.folder, '--ray', url]);
  expect(none.stderr).toContain(
    'is no job folder: it has no job.json; give the folder that tinystar handover wrote',
  );
  const both = await runCli(['submit', toy.folder, '--output', 'a', '--listen', 'b:1']);
  expect(both.stderr).toContain('Give --output or --listen');
});

test('a job that fails is told with the end of its log, and the same command submits it anew', async () => {
  ends('FAILED', `${versionsLine()}${stepLine(1, 2)}Traceback\nValueError: no such column\n`, 1);
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    `The job failed on Ray with exit code 1; the log of the job is ${log()}, and ends:\n  Traceback\n  ValueError: no such column\n`,
  );
  expect(existsSync(join(toy.run, 'stages', 'star', 'elsewhere.json'))).toBe(false);
  ends('SUCCEEDED', versionsLine() + leaveCheckpoint(toy.student, output()));
  await submitted(toy.folder, { ray: url });
  expect(ray.submitted).toBe(2);
  expect(new Set(ray.jobs.keys()).size).toBe(2);
});

test('versions that do not fit, and a reward server that went away, are told as what they are', async () => {
  ends('FAILED', versionsLine() + faultLine('versions', 'trl 1.15.0 where 1.16.0 is needed'), 1);
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    'The cluster does not have what the job needs (requirements.txt): trl 1.15.0 where 1.16.0 is needed; install that there, or give --pip',
  );
  const lost =
    'RuntimeError: http://10.0.0.7:5000/get_reward gave no rewards in 60 attempts (<urlopen error refused>); start it\n';
  ends('FAILED', `${versionsLine()}${lost}${'more\n'.repeat(40)}`, 1);
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    /^The job lost its reward server: http:\/\/10\.0\.0\.7:5000\/get_reward gave no rewards in 60 attempts \(<urlopen error refused>\); start it/,
  );
});

test('a job of other data or options than those of now is not submitted', async () => {
  const file = join(toy.folder, 'job.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"version":1', '"version":1,"identity":"01234567"'));
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    /Stage star is not what the job in .* was made from: .*; hand it over again/,
  );
  expect(ray.submitted).toBe(0);
});

test('a job that asks for rewards has to be told where', async () => {
  const file = join(toy.folder, 'job.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"needsReward":false', '"needsReward":true'));
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    /asks a reward server while it trains; start one/,
  );
  expect(ray.submitted).toBe(0);
  ends('SUCCEEDED', versionsLine() + leaveCheckpoint(toy.student, output()));
  await submitted(toy.folder, { ray: url, rewardUrl: 'http://10.0.0.7:5000/get_reward' });
  expect(ray.job.request.runtime_env.env_vars['REWARD_URL']).toBe('http://10.0.0.7:5000/get_reward');
});

test('a checkpoint of another shape or with what is no number is not taken, and the next one is', async () => {
  const told = leaveCheckpoint(toy.student, output());
  const config = join(output(), 'config.json');
  const right = readFileSync(config, 'utf8');
  writeFileSync(config, right.replace('"num_hidden_layers": 2', '"num_hidden_layers": 1'));
  // The job has told of the file as it was changed.
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
  const wrong = readFileSync(config, 'utf8');
  ends('SUCCEEDED', versionsLine() + told.replace(digest(right), digest(wrong)));
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    /is no student that was trained: layers is 1 where 2 went in; take that of the job of stage star/,
  );
  ends('SUCCEEDED', versionsLine() + leaveCheckpoint(toy.student, output(), (weights) => (weights[7] = NaN)));
  await expect(submitted(toy.folder, {})).rejects.toThrow(
    /holds NaN in .*; its training has diverged: lower lr/,
  );
  expect(existsSync(join(toy.run, 'stages', 'star', 'done.json'))).toBe(false);
  ends('SUCCEEDED', versionsLine() + leaveCheckpoint(toy.student, output()));
  await submitted(toy.folder, {});
  expect([ray.submitted, existsSync(join(toy.run, 'stages', 'star', 'done.json'))]).toEqual([1, true]);
});

test('a checkpoint that is what went in is taken with a warning', async () => {
  ends('SUCCEEDED', versionsLine() + leaveCheckpoint(toy.student, output(), () => undefined));
  const events = await submitted(toy.folder, { ray: url });
  expect(events.flatMap((event) => (event.type === 'warning' ? event.text : []))).toEqual([
    expect.stringContaining('no weight of student has changed'),
  ]);
});

test('a head that is away for a while is asked again', async () => {
  let asked = 0;
  ray.onState = (job) => (job.status = 'RUNNING');
  ray.instead = (_, path) => (path.startsWith('/api/jobs/tinystar') && ++asked % 2 === 0 ? 'cut' : undefined);
  setTimeout(() => ends('SUCCEEDED', versionsLine() + leaveCheckpoint(toy.student, output())), 100);
  await submitted(toy.folder, { ray: url });
  expect(asked).toBeGreaterThan(2);
});

test('a head that stays away is given up, and the same command attaches again', async () => {
  ray.onState = (job) => {
    job.status = 'RUNNING';
    ray.instead = () => 'cut';
  };
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    /has not answered for .*the same command attaches to it again/,
  );
  ray.instead = () => undefined;
  ends('SUCCEEDED', versionsLine() + leaveCheckpoint(toy.student, output()));
  await submitted(toy.folder, {});
  expect(ray.submitted).toBe(1);
});

test('a head that was started anew has forgotten the job, which is told, and submitted anew on demand', async () => {
  ray.onState = (job) => {
    job.status = 'RUNNING';
    ray.jobs.clear();
  };
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    /knows no job tinystar-star-\w+ any more: .*--again/,
  );
  await expect(submitted(toy.folder, {})).rejects.toThrow(/knows no job/);
  ends('SUCCEEDED', versionsLine() + leaveCheckpoint(toy.student, output()));
  await submitted(toy.folder, { ray: url, again: true });
  expect(ray.submitted).toBe(2);
});

test('an answer to a submission that got lost is not asked for twice', async () => {
  ends('SUCCEEDED', versionsLine() + leaveCheckpoint(toy.student, output()));
  ray.instead = (method, path) => {
    if (method === 'POST' && path === '/api/jobs/') {
      // The request has come in, and its answer gets lost.
      const id = readSubmission(toy.folder)?.id ?? '';
      ray.jobs.set(id, {
        request: { submission_id: id, entrypoint: '', runtime_env: { env_vars: {} }, metadata: {} },
        status: 'PENDING',
        log: '',
      });
      return 'cut';
    }
    return undefined;
  };
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(/cannot be reached/);
  await submitted(toy.folder, {});
  expect(ray.submitted).toBe(1);
});

test('two of the same command do not follow one job', async () => {
  ray.onState = (job) => (job.status = 'RUNNING');
  const stop = new AbortController();
  const first = submitted(toy.folder, { ray: url, signal: stop.signal });
  await expect.poll(() => ray.submitted).toBe(1);
  await expect(submitted(toy.folder, {})).rejects.toThrow(/job is in use by process/);
  stop.abort(new Error('enough'));
  await expect(first).rejects.toThrow('enough');
});

test('a folder that the head does not take is told, with what to do', async () => {
  ray.instead = (method) =>
    method === 'PUT' ? { status: 413, text: 'Maximum request body size 104857600 exceeded' } : undefined;
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    /does not take the job folder \(0 MiB packed; HTTP 413: Maximum request body size 104857600 exceeded\); if it is too large.*--shared/,
  );
});
