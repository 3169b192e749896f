/** The whole files that are damaged: one small example of every kind of file that a user can hand over, made by the project itself. */
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { officialReply } from '../../packages/benchmarks/src/acebench/replay.ts';
import { selectEntries } from '../../packages/benchmarks/src/acebench/evaluation.ts';
import { SafetensorsFile, writeSafetensors } from '../../src/model/checkpoint/safetensors.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { call, makeBfcl } from '../../packages/benchmarks/test/bfcl/made.ts';
import { runCli } from '../helpers/cli.ts';
import { casesOfFixture } from '../helpers/reward-cases.ts';
import { runAll } from '../helpers/runs.ts';
import { makeTinyStudent } from '../helpers/tiny-student.ts';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
export const FORMATS = [
  'xlam',
  'toolace',
  'toolace-cleaned',
  'toolmind',
  'hammer',
  'openai',
  'sharegpt',
  'bfcl',
  'acebench',
] as const;

/** The stages whose middle a run of the seeds stands in. */
export const STOPPED = ['sft', 'rollouts', 'ckd', 'star', 'dpo', 'chains', 'evaluation'] as const;

const jsonLines = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

const TOOLS = [
  {
    name: 'set_timer',
    description: 'Sets a timer.',
    parameters: {
      type: 'object',
      properties: {
        minutes: { type: 'integer', minimum: 1 },
        label: { type: ['string', 'null'], enum: ['tea', null] },
      },
      required: ['minutes'],
    },
  },
  {
    type: 'function',
    function: { name: 'stop', description: 'Stops it.', parameters: { type: 'object', properties: {} } },
  },
];

/** Records of every format that converts, a few of each. */
async function makeRecords(folder: string): Promise<void> {
  const path = join(folder, 'records.jsonl');
  for (const format of FORMATS) {
    const output = join(folder, 'some.jsonl');
    await runCli(['data', 'convert', join(folder, `${format}.jsonl`), '--output', output]);
    appendFileSync(
      path,
      readFileSync(output, 'utf8')
        .split('\n')
        .slice(0, 2)
        .map((line) => line && `${line}\n`)
        .join(''),
    );
    rmSync(output);
  }
}

function makeParquet(folder: string): void {
  const rows = readFileSync(join(folder, 'xlam.jsonl'), 'utf8').split('\n').slice(0, 2);
  const values = rows.map((row) => JSON.parse(row) as Record<string, unknown>);
  const column = (name: string): string[] =>
    values.map((row) => (typeof row[name] === 'string' ? row[name] : JSON.stringify(row[name] ?? null)));
  parquetWriteFile({
    filename: join(folder, 'xlam.parquet'),
    columnData: ['query', 'answers', 'tools'].map((name) => ({
      name,
      data: column(name),
      type: 'STRING' as const,
    })),
  });
}

/** The student again, its weights in two files with an index. */
function makeShards(folder: string): void {
  const [student, sharded] = [join(folder, 'student'), join(folder, 'sharded')];
  cpSync(student, sharded, { recursive: true });
  rmSync(join(sharded, 'model.safetensors'));
  using file = SafetensorsFile.open(join(student, 'model.safetensors'));
  const names = [...file.tensors.keys()];
  const map: Record<string, string> = {};
  for (const part of [0, 1]) {
    const name = `model-0000${part + 1}-of-00002.safetensors`;
    const own = names.filter((_, i) => i % 2 === part);
    for (const one of own) map[one] = name;
    writeSafetensors(
      join(sharded, name),
      own.map((one) => ({
        name: one,
        dtype: 'F32',
        shape: file.tensors.get(one)?.shape ?? [],
        data: file.readF32(one),
      })),
    );
  }
  writeFileSync(
    join(sharded, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: {}, weight_map: map }),
  );
}

function makeResponses(folder: string): void {
  writeFileSync(
    join(folder, 'bfcl-responses.jsonl'),
    jsonLines([
      { id: 'simple_0', result: call('set_timer', { minutes: 5 }) },
      { id: 'simple_1', result: [{ set_timer: { minutes: 10.5 } }] },
      { id: 'simple_2', result: "[set_timer(minutes=15, x={'a': [1, None]})]" },
      { id: 'irrelevance_0', result: 'No.' },
      { id: 'irrelevance_1', result: call('set_timer', { minutes: 1 }) },
      {
        id: 'multi_turn_base_0',
        result: [[call('mkdir', { dir_name: 'notes' }), 'Done.'], [call('touch', { file_name: 'todo.txt' })]],
      },
    ]),
  );
  const { entries } = selectEntries({ data: join(folder, 'acebench') });
  const rows = entries.map((entry) => ({ id: entry.id, result: officialReply(entry) }));
  writeFileSync(join(folder, 'acebench-responses.jsonl'), jsonLines(rows));
}

const SHORT = 'prompt_max_len: 1024, generate_max_len: 8';
const STAGES: Readonly<Record<string, string>> = {
  sft: `{ name: sft, kind: sft, model: student, max_samples: 6, max_epochs: 4, lr: 1e-3, train_batch_size: 2, save_steps: 1, ${SHORT} }`,
  rollouts: `{ name: rollouts, kind: rollout, model: student, prompts: 3, n_samples_per_prompt: 64, rollout_batch_size: 1, kd_topk: 5, validity_filter: false, prompt_max_len: 1024, generate_max_len: 12 }`,
  // Learns to begin with a thought, so that some of its answers are better than others.
  taught: `{ name: taught, kind: sft, model: student, max_samples: 16, max_epochs: 10, lr: 2e-2, train_batch_size: 4, save_steps: 50, prompt_max_len: 1024, generate_max_len: 32 }`,
  drawn: `{ name: rollouts, kind: rollout, model: taught, prompts: 3, n_samples_per_prompt: 64, rollout_batch_size: 1, kd_topk: 5, validity_filter: false, prompt_max_len: 1024, generate_max_len: 16 }`,
  ckd: `{ name: ckd, kind: distill, model: student, data: rollouts, max_samples: 6, max_epochs: 4, kd_topk: 5, kd_student_topm: 5, train_batch_size: 2, save_steps: 1, ${SHORT} }`,
  dpo: `{ name: dpo, kind: dpo, model: student, data: rollouts, max_epochs: 3, train_batch_size: 1, save_steps: 1, ${SHORT} }`,
  star: `{ name: star, kind: simrl, model: student, steps: 3, dynamic_filtering: false, rollout_batch_size: 1, n_samples_per_prompt: 2, train_batch_size: 2, save_steps: 1, ${SHORT} }`,
  chains: `{ name: chains, kind: trajectories, model: student, environment: sums, problems: 3, n_samples_per_prompt: 2, rollout_batch_size: 1, max_turns: 1, keep_wrong: true, prompt_max_len: 2048, generate_max_len: 8 }`,
  evaluation: `{ name: evaluation, kind: eval, models: { it: student }, limit: 4, rollout_batch_size: 1, ${SHORT} }`,
};
const NEEDS: Readonly<Record<string, readonly string[]>> = { ckd: ['rollouts'], dpo: ['taught', 'drawn'] };

/** A recipe, and its run up to the middle of one of its stages. */
async function makeRun(folder: string, stage: string): Promise<void> {
  const stages = [...(NEEDS[stage] ?? []), stage].map((name) => `  - ${STAGES[name]}\n`);
  const path = join(folder, `${stage}.yaml`);
  writeFileSync(
    path,
    `name: ${stage}\nseed: 1\nthreads: 1\ndata: { source: assistant, train: 16, test: 8 }\nmodels: { student: student }\n` +
      `environments: { sums: { source: arithmetic, train: 4, test: 2, transfer: 2 } }\nstages:\n${stages.join('')}`,
  );
  const stop = new AbortController();
  await runAll(loadRecipe(path), join(folder, 'runs'), {
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'step' && event.stage === stage && event.step >= 1) stop.abort();
    },
  });
  // Of a process that no system has.
  writeFileSync(join(folder, 'runs', stage, 'run.lock'), '99999999');
}

/** Writes all of them into `folder`. */
export async function makeSeeds(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const format of FORMATS)
    copyFileSync(`${fixtures}formats/${format}.jsonl`, join(folder, `${format}.jsonl`));
  copyFileSync(`${fixtures}formats/xlam.json`, join(folder, 'xlam.json'));
  writeFileSync(join(folder, 'openai.jsonl.gz'), gzipSync(readFileSync(join(folder, 'openai.jsonl'))));
  makeParquet(folder);
  await makeRecords(folder);
  writeFileSync(
    join(folder, 'generations.jsonl'),
    jsonLines(
      casesOfFixture()
        .slice(0, 400)
        .filter((_, i) => i % 20 === 0),
    ),
  );
  writeFileSync(join(folder, 'tools.json'), JSON.stringify(TOOLS));
  makeTinyStudent(folder);
  rmSync(join(folder, 'tokenizer'), { recursive: true });
  makeShards(folder);
  makeBfcl(join(folder, 'bfcl'));
  cpSync(`${fixtures}../../packages/benchmarks/test/fixtures/acebench`, join(folder, 'acebench'), {
    recursive: true,
  });
  makeResponses(folder);
  copyFileSync(
    fileURLToPath(new URL('../../recipes/smoke.yaml', import.meta.url)),
    join(folder, 'smoke.yaml'),
  );
  copyFileSync(`${fixtures}coins.yaml`, join(folder, 'coins.yaml'));
  for (const stage of STOPPED) await makeRun(folder, stage);
  // Sources of a report.
  await runAll(loadRecipe(join(folder, 'evaluation.yaml'), { set: ['name=done'] }), join(folder, 'runs'));
}
