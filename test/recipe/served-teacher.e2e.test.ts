/**
 * A recipe whose teacher is served by another process, in llama.cpp's protocol: by this project's engine, and by
 * llama.cpp's own server where LLAMA_SERVER names its program (docs/teachers.md says how it is built), which answers with
 * the student that comes with tinystar: of a random model's answers, which are hardly ever valid UTF-8, it sends few. What is stored is what the model thinks, and CKD from
 * it trains: of a teacher that is the student itself the divergence is zero.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { Scorer } from '../../src/model/tree/scoring.ts';
import { recipeSchema } from '../../src/recipe/schema.ts';
import { readRollouts } from '../../src/train/rollout-store.ts';
import { logOf, runAll, runEngine, scratchFolder } from '../helpers/runs.ts';
import { makeTinyStudent } from '../helpers/tiny-student.ts';

const { folder: scratch, remove } = scratchFolder();
const root = fileURLToPath(new URL('../..', import.meta.url));
const { checkpoint } = makeTinyStudent(scratch);
const SHIPPED = join(root, 'bases/student');

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  remove();
});

function ownServer(): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/helpers/llama-server.ts', checkpoint], {
    cwd: root,
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once('close', () => reject(new Error(`the server ended: ${errors}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function llamaServer(program: string, gguf: string): Promise<string> {
  const port = await freePort();
  const args = [
    '-m',
    gguf,
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '-c',
    '4096',
    '-np',
    '2',
    '-t',
    '1',
  ];
  // A cache in half precision moves probabilities by up to 0.001.
  const exact = ['-ctk', 'f32', '-ctv', 'f32', '-fa', 'off'];
  const child = spawn(program, [...args, ...exact, '--no-warmup', '--no-webui'], { stdio: 'ignore' });
  children.push(child);
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 300; tries++) {
    const health = await fetch(`${url}/health`).catch(() => undefined);
    if (health?.ok === true) return url;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${program} did not start`);
}

const TOP_K = 20;
const recipeOf = (name: string, url: string, student: string) =>
  recipeSchema.parse({
    name,
    threads: 1,
    data: { source: 'assistant', train: 6, test: 2 },
    models: { student },
    stages: [
      {
        name: 'rollouts',
        kind: 'rollout',
        model: 'student',
        teacher: { kind: 'llama.cpp', endpoints: [url], concurrency: 2 },
        n_samples_per_prompt: 2,
        rollout_batch_size: 3,
        kd_topk: TOP_K,
        // A random model does not find the format.
        validity_filter: false,
        prompt_max_len: 1900,
        generate_max_len: 10,
      },
      {
        name: 'ckd',
        kind: 'distill',
        model: 'student',
        data: 'rollouts',
        kd_topk: TOP_K,
        kd_student_topm: TOP_K,
        kd_kl_l1_coef: 0,
        train_batch_size: 4,
        prompt_max_len: 1900,
        generate_max_len: 10,
        lr: 1e-6,
      },
    ],
  });

async function expectExactRollouts(name: string, url: string, model: string): Promise<void> {
  const tokenizer = Tokenizer.load(model);
  const events = await runAll(recipeOf(name, url, model), scratch);
  expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
  const folder = join(scratch, name, 'stages', 'rollouts', 'rollouts');
  const student = { vocabulary: tokenizer.fingerprint(), vocabSize: tokenizer.vocabSize };
  const prompts = readRollouts(folder, student);
  expect(prompts.length).toBe(6);
  using device = Device.open('cpu', 1);
  const { config, parameters } = loadModel(device, model, { trainable: false });
  using _parameters = parameters;
  using scorer = new Scorer(device, config, parameters);
  const trees = prompts.map(({ promptIds, samples }) => ({
    prompt: promptIds,
    completions: samples.map(({ tokens }) => tokens),
  }));
  const scored = await scorer.score(trees, { topK: TOP_K });
  let rows = 0;
  prompts.forEach(({ samples }, p) =>
    samples.forEach((sample, s) => {
      const { ids, logprobs } = sample.readTop();
      const own = scored[p]![s]!;
      expect(ids.length).toBe(own.topIds.length);
      logprobs.forEach((logprob, i) => {
        expect(Math.abs(Math.exp(logprob) - Math.exp(own.topLogprobs[i]!))).toBeLessThan(5e-4);
        // Of entries that are as good as equal, or as good as impossible, the order may differ.
        const isClose = Math.abs(logprob - own.topLogprobs[i]!) < 0.01 || Math.exp(logprob) < 1e-4;
        expect(ids[i] === own.topIds[i] || isClose).toBe(true);
        rows += 1;
      });
    }),
  );
  expect(rows).toBeGreaterThan(6 * TOP_K * 10);
  const [first] = logOf(join(scratch, name)).filter(({ stage }) => stage === 'ckd');
  expect(first).toMatchObject({ kind: 'distill' });
  expect(Math.abs(Number(first?.['fkl']))).toBeLessThan(1e-3);
  expect(Number(first?.['teacher_mass'])).toBeGreaterThan(0.2);
}

describe('rollouts and CKD', () => {
  test("from this project's engine in another process", async () => {
    await expectExactRollouts('own', await ownServer(), checkpoint);
    const { stdout, code } = await runEngine([
      'data',
      'topk',
      join(scratch, 'own/stages/rollouts/rollouts'),
      '--student',
      checkpoint,
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ topK: TOP_K, tokensWithout: 0, faults: { mass: 0, ids: 0 } });
  }, 120_000);

  const program = process.env['LLAMA_SERVER'];
  test.skipIf(program === undefined || !existsSync(SHIPPED))(
    "from llama.cpp's own server (LLAMA_SERVER)",
    async () => {
      const gguf = join(scratch, 'shipped.gguf');
      const exported = await runEngine(['export', SHIPPED, '--gguf', gguf, '--dtype', 'f32']);
      expect({ code: exported.code, stderr: exported.stderr }).toMatchObject({ code: 0 });
      await expectExactRollouts('real', await llamaServer(program ?? '', gguf), SHIPPED);
    },
    300_000,
  );
});
