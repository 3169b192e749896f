/** Estimates before a run: from the recipe alone, and less where memory is saved. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type Estimate, estimateRecipe, obstacles } from '../src/index.ts';
import { measureRecipe } from '../src/measure.ts';
import { ModelShapes } from '../src/models.ts';
import { loadEstimable, loadRecipe } from '../../../src/recipe/load.ts';
import { runRecipe } from '../../../src/run/runner.ts';
import { parameterSpecs, weightCount } from '../../../src/model/arch/config.ts';
import { publishedConfig } from '../../../src/model/arch/index.ts';
import { sizeOf } from '../../../src/tensor/tensor.ts';
import { runCli } from '../../../test/helpers/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-estimate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SMOKE = fileURLToPath(new URL('../../../recipes/smoke.yaml', import.meta.url));

/** A recipe of one stage that trains a published model whose folder is not there. */
function realRecipe(options: string): string {
  const path = join(folder, `real-${options.length}.yaml`);
  writeFileSync(
    path,
    `name: real
threads: 1
data: { source: assistant, train: 64, test: 8 }
models: { student: ../models/Qwen3-0.6B }
stages:
  - { name: sft, kind: sft, model: student, data: train, train_batch_size: 8, save_steps: 10${options} }
`,
  );
  return path;
}

type StageEstimate = Estimate['stages'][number];

async function sft(options: string): Promise<StageEstimate> {
  const { recipe } = loadEstimable(realRecipe(options));
  const { stages } = estimateRecipe(recipe, folder);
  return stages[0]!;
}

const GB = 2 ** 30;

describe('an estimate', () => {
  it('has every stage', () => {
    const { stages } = estimateRecipe(loadRecipe(SMOKE), folder);
    expect(stages.map(({ stage }) => stage)).toEqual([
      'base',
      'teacher',
      'rollouts',
      'ckd',
      'luffy',
      'joint',
      'sft-think',
      'dpo',
      'gkd',
      'star',
      'evaluation',
    ]);
    for (const { memory } of stages) expect(memory).toBeGreaterThan(5e7);
  });

  it('of GKD counts its teacher, and what the student draws with where it draws', () => {
    const memoryOf = (...set: string[]): number => {
      const { recipe } = loadEstimable(realRecipe(''), { set });
      return estimateRecipe(recipe, folder).stages[0]!.memory;
    };
    const asGkd = ['stages.sft.kind=gkd', 'stages.sft.teacher=student', 'stages.sft.compute_dtype=bf16'];
    const alone = memoryOf('stages.sft.compute_dtype=bf16');
    const taught = memoryOf(...asGkd, 'stages.sft.lmbda=0');
    expect(taught).toBeGreaterThan(alone + 2 * weightCount(publishedConfig('models/Qwen3-0.6B')!));
    expect(memoryOf(...asGkd)).toBeGreaterThan(taught + 1e7);
  });

  it('measures the stages whose inputs are there, and leaves the run as it was', async () => {
    const recipe = loadRecipe(SMOKE);
    const [base] = recipe.stages;
    const begun = await measureRecipe(recipe, folder, 1);
    expect(begun.get('base')).toMatchObject({ steps: 4 });
    expect(begun.get('teacher')).toEqual({ after: 'base' });
    expect(existsSync(join(folder, recipe.name))).toBe(false);
    const { signal } = new AbortController();
    const { export: _export, ...rest } = recipe;
    for await (const _event of runRecipe(
      { ...rest, stages: base === undefined ? [] : [base] },
      { runsDir: folder, signal },
    ));
    const later = await measureRecipe(recipe, folder, 1);
    expect(later.get('teacher')).toMatchObject({ steps: 10 });
    expect(later.get('rollouts')).toEqual({ after: 'teacher' });
    const times = [...later.values()].flatMap((time) => ('seconds' in time ? time.seconds : []));
    expect(times).toHaveLength(2);
    expect(Math.min(...times)).toBeGreaterThan(0);
    expect(readdirSync(join(folder, recipe.name, 'stages'))).toEqual(['base']);
    rmSync(join(folder, recipe.name), { recursive: true });
  });

  it('of Qwen3-0.6B counts its weights, gradients and averages, and less where a recipe saves them', async () => {
    const config = publishedConfig('models/Qwen3-0.6B')!;
    const weights = weightCount(config);
    expect(weights).toBe(parameterSpecs(config).reduce((total, { shape }) => total + sizeOf(shape), 0));
    expect(weights).toBe(596_049_920);
    const plain = await sft('');
    expect(plain.memory).toBeGreaterThan(16 * weights);
    expect(plain.disk).toBe(4 * weights);
    const recomputed = await sft(', gradient_checkpointing: true');
    expect(recomputed.memory).toBeLessThan(plain.memory - 2 * GB);
    const eight = await sft(', gradient_checkpointing: true, optimizer: adamw_8bit');
    expect(eight.memory).toBeLessThan(recomputed.memory - 5.5 * weights);
    const offloaded = await sft(', gradient_checkpointing: true, optimizer: adamw_offloaded');
    expect(offloaded.memory).toBeLessThan(recomputed.memory - 7.5 * weights);
    expect(offloaded.checkpoints).toBe(recomputed.checkpoints + 8 * weights);
    const lora = await sft(', gradient_checkpointing: true, compute_dtype: bf16, lora: { rank: 16 }');
    expect(lora.memory).toBeLessThan(2 * weights + 3 * GB);
  });

  it('says what it assumed of a model that is not there', async () => {
    const { recipe } = loadEstimable(realRecipe(''));
    const shapes = new ModelShapes(recipe);
    expect(shapes.of('student').config.layers).toBe(28);
    expect(shapes.notes.join()).toContain(
      'Qwen3-0.6B is not there; its shape is taken to be that of the published',
    );
    const path = join(folder, 'unknown.yaml');
    writeFileSync(
      path,
      'name: x\nmodels: { a: ./nowhere }\nstages: [{ name: e, kind: eval, models: { a: a } }]\n',
    );
    expect(() => loadEstimable(path)).toThrow('there is no such folder');
  });

  it('tells what does not fit', async () => {
    const { recipe } = loadEstimable(realRecipe(''));
    const estimate = estimateRecipe(recipe, folder);
    const machine = { memory: 8 * GB, freeMemory: GB, deviceMemory: undefined, freeDisk: 1e12 };
    expect(obstacles({ ...estimate, machine })).toEqual([
      expect.stringMatching(/^stage sft needs \d+\.\d GB of memory, and the machine has 8\.0 GB$/),
    ]);
    expect(obstacles({ ...estimate, machine: { ...machine, memory: 64 * GB, freeDisk: 1e9 } })).toEqual([
      expect.stringMatching(/^the run needs \d+\.\d GB of disk, of which 954 MB are free$/),
    ]);
    expect(obstacles({ ...estimate, machine: { ...machine, memory: 64 * GB } })).toEqual([]);
  });
});

/** A model of some ninety billion weights. */
const GIANT = `name: giant
threads: 1
data: { source: assistant, train: 16, test: 8 }
models:
  giant:
    { hidden_size: 16384, intermediate_size: 32768, num_hidden_layers: 48, num_attention_heads: 128, num_key_value_heads: 8, head_dim: 128, tokenizer: { vocab_size: 400, groups: 4 } }
stages:
  - { name: sft, kind: sft, model: giant, train_batch_size: 8 }
`;

describe('the command line', () => {
  it('run refuses what cannot fit, before it makes anything', async () => {
    const path = join(folder, 'giant.yaml');
    writeFileSync(path, GIANT);
    const runs = join(folder, 'runs');
    const { code, stderr } = await runCli(['run', path, '--runs', runs]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/The run cannot fit: stage sft needs \d+\.\d GB of memory/);
    expect(stderr).toContain('--force');
  });

  it('run --dry-run prints the resolved recipe and the estimate, and runs nothing', async () => {
    const runs = join(folder, 'dry');
    const { code, stdout } = await runCli(['run', SMOKE, '--dry-run', '--runs', runs, '--set', 'seed=5']);
    expect(code).toBe(0);
    expect(stdout).toContain('seed: 5');
    expect(stdout).toContain('gradient_checkpointing: false');
    expect(stdout).toMatch(/stage +kind +memory +disk +checkpoints/);
    expect(stdout).toMatch(/ckd +distill +\d/);
  });

  it('estimate prints JSON when asked', async () => {
    const { code, stdout } = await runCli(['estimate', SMOKE, '--json', '--runs', folder]);
    expect(code).toBe(0);
    const { stages, obstacles: faults } = JSON.parse(stdout) as {
      stages: StageEstimate[];
      obstacles: string[];
    };
    expect(stages).toHaveLength(11);
    expect(faults).toEqual([]);
  });
});
