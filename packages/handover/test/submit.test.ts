/** Submission of a job to a scripted Ray: what is asked, what is followed, and the checkpoint that comes back. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readLines, runAll, scratchFolder } from '../../../test/helpers/runs.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { SafetensorsFile } from '../../../src/model/checkpoint/safetensors.ts';
import { readRun } from '../../report/src/read.ts';
import { stopJob, takeJob } from '../src/submit.ts';
import { ScriptedRay, stepLine, versionsLine } from './scripted-ray.ts';
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

/** A job that takes two steps, each when it is looked at, and leaves a checkpoint where it was told. */
function trainsInTwoSteps(): void {
  ray.onState = (job) => {
    if (job.status === 'PENDING') [job.status, job.log] = ['RUNNING', `hello\n${versionsLine()}`];
    else if (!job.log.includes('"step":1')) job.log += ` 50%|##   |\r${stepLine(1, 2)}`;
    else if (job.status === 'RUNNING') {
      const output = job.request.runtime_env.env_vars['OUTPUT'] ?? '';
      job.log += `${stepLine(2, 2)}bye\n${leaveCheckpoint(toy.student, output)}`;
      job.status = 'SUCCEEDED';
    }
  };
}

/** Files of a zip archive, by its central directory. */
function unzipped(archive: Buffer): Record<string, string> {
  const files: Record<string, string> = {};
  const end = archive.length - 22;
  let at = archive.readUInt32LE(end + 16);
  for (let i = archive.readUInt16LE(end + 10); i > 0; i--) {
    const [packed, length, offset] = [20, 28, 42].map((field) =>
      field === 28 ? archive.readUInt16LE(at + field) : archive.readUInt32LE(at + field),
    ) as [number, number, number];
    const name = archive.toString('utf8', at + 46, at + 46 + length);
    const start = offset + 30 + archive.readUInt16LE(offset + 26);
    files[name] = inflateRawSync(archive.subarray(start, start + packed)).toString('utf8');
    at += 46 + length;
  }
  return files;
}

test('a job goes to Ray with its folder, and its steps and checkpoint become the stage, from where the run goes on', async () => {
  trainsInTwoSteps();
  const events = await submitted(toy.folder, { ray: url });
  const [archive = Buffer.alloc(0)] = ray.packages.values();
  const files = unzipped(archive);
  expect(Object.keys(files).toSorted()).toEqual([
    'data/train.jsonl',
    'job.json',
    'requirements.txt',
    'run.sh',
    'tinystar_job.py',
  ]);
  expect(files['data/train.jsonl']).toBe('{"prompt": "p"}\n');
  const { entrypoint, runtime_env: runtime } = ray.job.request;
  expect(entrypoint).toBe('python3 tinystar_job.py bash run.sh');
  expect(runtime.working_dir).toBe(`gcs://${[...ray.packages.keys()][0]}`);
  expect(runtime.working_dir).toMatch(/^gcs:\/\/_ray_pkg_[0-9a-f]{32}\.zip$/);
  expect(runtime.env_vars).toMatchObject({ SEED: '1', OUTPUT: join(toy.folder, 'output') });
  expect(runtime.pip).toBeUndefined();

  const by = 'trl on Ray 2.60.0 (trl 1.16.0, Python 3.11.7)';
  expect(events.filter(({ type }) => type === 'stage' || type === 'step')).toMatchObject([
    { type: 'stage', total: 2, done: 0, by },
    { type: 'step', step: 1, total: 2, seconds: 2, metrics: { loss: 1, reward: 0.5 } },
    { type: 'step', step: 2, total: 2 },
  ]);
  expect(readLines(join(toy.run, 'log.jsonl'))).toMatchObject([
    { stage: 'star', kind: 'sft', step: 1, by },
    { step: 2, loss: 0.5, by },
  ]);
  expect(readFileSync(join(toy.folder, 'engine.log'), 'utf8')).toBe('hello\n 50%|##   |\nbye\n');
  const model = join(toy.run, 'stages', 'star', 'model');
  expect(readdirSync(model)).toContain('tokenizer.json');
  using weights = SafetensorsFile.open(join(model, 'model.safetensors'));
  const [first = ''] =
    [...weights.tensors].find(
      ([, { start }]) => start === Math.min(...[...weights.tensors.values()].map((one) => one.start)),
    ) ?? [];
  expect(weights.readF32(first)[0]).toBe(0.25);

  expect((await readRun(toy.run)).notes).toEqual([`Stage star was trained by ${by}, and not by tinystar.`]);

  const later = await runAll(loadRecipe(toy.recipe), toy.runs);
  expect(later.flatMap((event) => (event.type === 'done' ? event.stage : []))).toEqual([
    'star',
    'eval',
    'export',
  ]);
  expect(later.some((event) => event.type === 'step' && event.stage === 'star')).toBe(false);
  expect(existsSync(join(toy.run, 'star.gguf'))).toBe(true);
  // Once more is nothing more.
  await submitted(toy.folder, {});
  expect(ray.submitted).toBe(1);
});

test('Ray installs the requirements where it is asked to, and a folder that it sees is not uploaded', async () => {
  trainsInTwoSteps();
  await submitted(toy.folder, { ray: url, pip: true, shared: true, gpus: 8 });
  expect(ray.packages.size).toBe(0);
  expect(ray.job.request).toMatchObject({ entrypoint_num_gpus: 8 });
  expect(ray.job.request.runtime_env.pip).toEqual(['trl==1.16.0']);
  expect(ray.job.request.entrypoint).toBe(`cd '${toy.folder}' && python3 tinystar_job.py bash run.sh`);
});

test('one who detaches attaches again, to a log that has grown meanwhile', async () => {
  ray.onState = (job) => {
    [job.status, job.log] = ['RUNNING', versionsLine() + stepLine(1, 2)];
  };
  const stop = new AbortController();
  const reason = new Error('detached');
  const steps = submitted(toy.folder, { ray: url, signal: stop.signal });
  setTimeout(() => stop.abort(reason), 300);
  await expect(steps).rejects.toBe(reason);
  trainsInTwoSteps();
  const events = await submitted(toy.folder, {});
  expect(ray.submitted).toBe(1);
  expect(events.flatMap((event) => (event.type === 'step' ? event.step : []))).toEqual([1, 2]);
  expect(readLines(join(toy.run, 'log.jsonl')).map(({ step }) => step)).toEqual([1, 2]);
});

test('while a job trains a stage, run does not; when it is stopped, it does', async () => {
  ray.onState = (job) => (job.status = 'RUNNING');
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('detached')), 200);
  await expect(submitted(toy.folder, { ray: url, signal: stop.signal })).rejects.toThrow('detached');
  await expect(runAll(loadRecipe(toy.recipe), toy.runs)).rejects.toThrow(
    /Stage star is trained by trl: bring its checkpoint back by tinystar submit .*job, or end that/,
  );
  ray.onState = () => undefined;
  const said = await stopJob(toy.folder, {
    signal: new AbortController().signal,
    pace: { every: 2, patience: 100 },
  });
  expect(said).toMatch(/is stopped; tinystar run trains stage star here/);
  expect((await runAll(loadRecipe(toy.recipe), toy.runs)).at(-1)).toMatchObject({
    type: 'done',
    stage: 'export',
  });
});

test('an input that has changed since the job was submitted is told, and its result is not taken', async () => {
  ray.onState = (job) => (job.status = 'RUNNING');
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('detached')), 200);
  await expect(submitted(toy.folder, { ray: url, signal: stop.signal })).rejects.toThrow('detached');
  const other = join(scratch.folder, 'other');
  leaveCheckpoint(toy.student, other);
  cpSync(other, toy.student, { recursive: true });
  trainsInTwoSteps();
  await expect(submitted(toy.folder, {})).rejects.toThrow(
    /model\.safetensors \(models\.student of the recipe\) is not what stage star .* was begun with/,
  );
  writeFileSync(toy.recipe, readFileSync(toy.recipe, 'utf8').replace('1e-3', '1e-4'));
  await expect(submitted(toy.folder, {})).rejects.toThrow(
    /with other options \(stage star, which has begun\)/,
  );
});

test('a checkpoint that cannot be seen is not lost: one that is copied by hand is taken', async () => {
  const far = join(scratch.folder, 'far');
  ray.onState = (job) => {
    job.status = 'SUCCEEDED';
    job.log = versionsLine(false) + leaveCheckpoint(toy.student, far);
  };
  await expect(submitted(toy.folder, { ray: url })).rejects.toThrow(
    /its checkpoint cannot be seen in .*output: it is in .*far on node-1; copy that folder here/,
  );
  // A copy that broke off is told.
  const copy = join(scratch.folder, 'copy');
  leaveCheckpoint(toy.student, copy, () => undefined);
  expect(() => [...takeJob(toy.folder, copy)]).toThrow(
    /model\.safetensors is not the file that the job has made; copy/,
  );
  const events = [...takeJob(toy.folder, far)];
  expect(events.at(-1)).toMatchObject({
    type: 'done',
    outputs: { model: join(toy.run, 'stages', 'star', 'model') },
  });
  expect(() => [...takeJob(toy.folder, far)]).toThrow(/Stage star is done already/);
});
