/** Job folders of a recipe's stages: what lies in them, and what is said where a stage cannot be handed over. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { runCli } from '../../../test/helpers/cli.ts';
import { runAll, scratchFolder } from '../../../test/helpers/runs.ts';
import { bases } from '../../../src/index.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { jobSchema } from '../src/job.ts';

const { folder, remove } = scratchFolder();
afterAll(remove);
const recipe = join(folder, 'job.yaml');
const runs = join(folder, 'runs');
const RECIPE = `
name: job
seed: 1
threads: 1
data: { source: assistant, seed: 7, train: 8, test: 4 }
models: { student: ${bases.student} }
defaults: { generate_max_len: 24, prompt_max_len: 1024 }
stages:
  - { name: rollouts, kind: rollout, model: student, prompts: 3, n_samples_per_prompt: 2, kd_topk: 4, validity_filter: false }
  - { name: ckd, kind: distill, model: student, data: rollouts, kd_topk: 4, train_batch_size: 4 }
  - { name: gold, kind: sft, model: student, train_batch_size: 4 }
  - { name: star, kind: simrl, model: student, prompts: 5, steps: 2, n_samples_per_prompt: 2, rollout_batch_size: 2, train_batch_size: 4 }
  - { name: next, kind: simrl, model: ckd }
  - { name: own, kind: gkd, model: student, teacher: student }
`;

beforeAll(async () => {
  writeFileSync(recipe, RECIPE);
  await runAll(loadRecipe(recipe), runs, { until: 'rollouts' });
});

const out = (name: string): string => join(folder, 'jobs', name);
const handOver = (engine: string, stage: string, ...more: string[]) =>
  runCli([
    'handover',
    recipe,
    '--engine',
    engine,
    '--stage',
    stage,
    '--runs',
    runs,
    '--out',
    out(`${engine}-${stage}`),
    ...more,
  ]);
const rowsOf = async (job: string): Promise<Record<string, unknown>[]> =>
  parquetReadObjects({ file: await asyncBufferFromFile(join(out(job), 'data', 'train.parquet')) });
const read = (job: string, name: string): string => readFileSync(join(out(job), name), 'utf8');

test('CKD for TRL: the job, the checkpoint, and each token that counts with its teacher entries', async () => {
  const { code, stdout } = await handOver('trl', 'ckd', '--processes', '2');
  expect(code).toBe(0);
  expect(stdout).toMatch(/stage ckd for TRL 1\.16, \d sequences/);
  const job = jobSchema.parse(JSON.parse(read('trl-ckd', 'job.json')));
  expect(job).toMatchObject({ engine: 'trl', stage: 'ckd', needsReward: false, runDir: join(runs, 'job') });
  for (const name of [
    'model/config.json',
    'model/model.safetensors',
    'model/tokenizer.json',
    'run.sh',
    'OPTIONS.md',
  ])
    expect(existsSync(join(out('trl-ckd'), name)), name).toBe(true);
  const rows = await rowsOf('trl-ckd');
  expect(rows.length).toBeGreaterThan(2);
  for (const row of rows) {
    const [ids, labels] = [row['input_ids'] as number[], row['labels'] as number[]];
    const counted = labels.flatMap((label, i) => (label === -100 ? [] : [[label, ids[i]]]));
    expect(labels.length).toBe(ids.length);
    expect(counted.every(([label, id]) => label === id)).toBe(true);
    expect(row['teacher_ids']).toHaveLength(4 * counted.length);
    expect(row['teacher_logprobs']).toHaveLength(4 * counted.length);
  }
  const config = parse(read('trl-ckd', 'config.yaml')) as Record<string, unknown>;
  expect(config).toMatchObject({ kd_topk: 4, loss: { kd_kl_type: 'fkl', kd_kl_l1_coef: 10 } });
});

test('CKD for Axolotl: at each position the entries for the token behind it', async () => {
  await handOver('trl', 'ckd');
  expect((await handOver('axolotl', 'ckd')).code).toBe(0);
  const [flat, shifted] = [await rowsOf('trl-ckd'), await rowsOf('axolotl-ckd')];
  expect(shifted.length).toBe(flat.length);
  shifted.forEach((row, index) => {
    const labels = row['labels'] as number[];
    const [ids, mask] = [row['target_token_ids'] as number[][], row['target_mask'] as number[][]];
    expect(mask.map(([one]) => one)).toEqual([
      ...labels.slice(1).map((label) => (label === -100 ? 0 : 1)),
      0,
    ]);
    const live = ids.filter((_, i) => mask[i]?.[0] === 1).flat();
    expect(live).toEqual(Array.from(flat[index]?.['teacher_ids'] as number[]));
  });
});

test('Sim-RL: prompts as they are rendered here, labels, and the address of rewards', async () => {
  const url = 'http://rewards:5000/get_reward';
  expect((await handOver('trl', 'star', '--reward-url', url)).code).toBe(0);
  const lines = read('trl-star', 'data/train.jsonl').trim().split('\n');
  expect(lines).toHaveLength(5);
  const first = JSON.parse(lines[0] ?? '') as Record<string, string>;
  expect(first['prompt']).toMatch(/^<\|im_start\|>/);
  expect(first['label']).toContain('<|im_end|>');
  expect(Array.isArray(JSON.parse(first['tools'] ?? ''))).toBe(true);
  expect(JSON.parse(read('trl-star', 'job.json'))).toMatchObject({
    needsReward: true,
    env: { REWARD_URL: url },
  });
  expect(read('trl-star', 'star_reward.py')).toContain('REWARD_URL');
  expect((await handOver('verl', 'star')).code).toBe(0);
  const [row] = await rowsOf('verl-star');
  expect(row?.['prompt']).toEqual([{ role: 'user', content: first['prompt'] }]);
  expect(row?.['reward_model']).toEqual({ style: 'rule', ground_truth: first['label'] });
  expect((await handOver('openrlhf', 'star', '--set', 'stages.star.steps=null')).code).not.toBe(0);
  expect((await handOver('openrlhf', 'star', '--allow-missing')).code).toBe(0);
  expect(read('openrlhf-star', 'run.sh')).toContain('--reward.remote_url "$REWARD_URL"');
});

test('SFT needs no run before it, and a job folder is written anew', async () => {
  expect((await handOver('trl', 'gold')).code).toBe(0);
  expect((await handOver('trl', 'gold')).code).toBe(0);
  const rows = await rowsOf('trl-gold');
  expect(rows).toHaveLength(8);
  expect(Object.keys(rows[0] ?? {})).toEqual(['input_ids', 'labels']);
});

test('Tinker trains what its service has, and gets the loss as a graph', async () => {
  expect((await handOver('tinker', 'ckd')).stderr).toContain('name one by --model-path');
  expect((await handOver('tinker', 'ckd', '--model-path', 'Qwen/Qwen3-8B')).code).toBe(0);
  expect(existsSync(join(out('tinker-ckd'), 'model'))).toBe(false);
  const { inputs, graph } = JSON.parse(read('tinker-ckd', 'loss.json')) as {
    inputs: { name: string }[];
    graph: { nodes: { op: string }[] };
  };
  expect(inputs.map(({ name }) => name)).toEqual(['logprobs', 'teacher_logprobs', 'weights']);
  expect(graph.nodes.at(-1)?.op).toBe('output');
});

test.each([
  ['trl', 'next', /Stage next needs what stage ckd makes, which is not finished in .*--until ckd/],
  [
    'openrlhf',
    'ckd',
    /OpenRLHF has had no distillation since March 2026; use --engine trl, axolotl or tinker/,
  ],
  ['trl', 'own', /of kind gkd, which is not handed over; TRL 1\.16 can train ckd, gold, star, next/],
  ['trl', 'rollouts', /of kind rollout, which is not handed over; TRL 1\.16 can train ckd, gold, star, next/],
  ['trl', 'nothing', /has no stage nothing; TRL 1\.16 can train ckd/],
  ['openrlhf', 'star', /lacks steps of stage star, which changes what is learned/],
])('%s with stage %s: one sentence says what to do', async (engine, stage, sentence) => {
  const { code, stderr } = await handOver(engine, stage);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(sentence);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('a folder with other files than a job in it is left alone', async () => {
  const other = join(folder, 'other');
  mkdirSync(other);
  cpSync(recipe, join(other, 'mine.yaml'));
  const { stderr } = await runCli(['handover', recipe, '--engine', 'trl', '--stage', 'gold', '--out', other]);
  expect(stderr).toContain("has other files than a job's in it");
  expect(existsSync(join(other, 'mine.yaml'))).toBe(true);
});
