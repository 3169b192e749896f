/** LoRA, compute copies and the optimiser in 8 bits: what is trained, what is computed with and what is saved. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { computeCopies } from '../../src/model/compute-copies.ts';
import { parameterSpecs } from '../../src/model/arch/config.ts';
import { type LoraOptions, type LoraWeights, loraWeights } from '../../src/model/lora.ts';
import type { ComputeDType, TrainedWeights } from '../../src/model/trained-weights.ts';
import { crossEntropy } from '../../src/losses/all.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import { goldenConfig, goldenObjective, goldenRows, goldenTrees, goldenWeights } from '../helpers/golden.ts';
import { expectClose, norm, TOLERANCES } from '../helpers/tolerances.ts';

const device = Device.open('cpu', 1);
const folder = mkdtempSync(join(tmpdir(), 'tinystar-adapters-'));
afterAll(() => {
  device.close();
  rmSync(folder, { recursive: true });
});

const OPTIONS: LoraOptions = { rank: 4, alpha: 8, target_modules: 'all-linear' };

/** Adapters on the golden weights whose B is not zero, so that they change something. */
function adapted(options = OPTIONS): LoraWeights {
  const lora = loraWeights(goldenWeights(device), options, Rng.seeded(3));
  const rng = Rng.seeded(4);
  for (const { name } of lora.trained.specs)
    if (name.includes('lora_B'))
      lora.trained.set(
        name,
        lora.trained.read(name).map(() => 0.05 * rng.normal()),
      );
  return lora;
}

/** Loss of the golden batch, and gradients of what is trained. */
class Lesson implements Disposable {
  readonly gradients: ParameterSet;
  readonly #graph: TrainingGraph;
  readonly #objective = goldenObjective('sft');

  constructor(weights: TrainedWeights | ParameterSet, recompute = false) {
    const { layout } = goldenTrees.tree();
    const { specs } = weights instanceof ParameterSet ? weights : weights.trained;
    this.gradients = new ParameterSet(device, specs, 'state');
    this.#graph = new TrainingGraph(goldenConfig, weights, this.gradients, layout, 48, this.#objective, {
      recompute,
    });
  }

  async loss(): Promise<number> {
    this.gradients.clear();
    return (await this.#graph.run(goldenTrees.tree().trees, goldenRows('tree', this.#objective))).loss;
  }

  [Symbol.dispose](): void {
    this.#graph[Symbol.dispose]();
    this.gradients[Symbol.dispose]();
  }
}

describe('LoRA', () => {
  it('changes nothing before it is trained', async () => {
    using plain = goldenWeights(device);
    using fresh = loraWeights(goldenWeights(device), OPTIONS, Rng.seeded(3));
    using want = new Lesson(plain);
    using got = new Lesson(fresh);
    expect(await got.loss()).toBe(await want.loss());
    for (const { name } of plain.specs) expect(fresh.read(name), name).toEqual(plain.read(name));
  });

  it('merged into the weights is the same model', async () => {
    using lora = adapted();
    using merged = new ParameterSet(device, parameterSpecs(goldenConfig), 'trainable');
    for (const { name } of merged.specs) merged.set(name, lora.read(name));
    using plain = goldenWeights(device);
    using got = new Lesson(lora);
    using want = new Lesson(merged);
    using before = new Lesson(plain);
    const loss = await want.loss();
    expectClose([await got.loss()], [loss], TOLERANCES.regrouped, 'loss');
    expect(Math.abs(loss - (await before.loss()))).toBeGreaterThan(1e-3);
  });

  it.each([false, true])('has the gradients of finite differences (recomputed: %s)', async (recompute) => {
    using lora = adapted();
    using lesson = new Lesson(lora, recompute);
    await lesson.loss();
    const rng = Rng.seeded(8);
    for (const { name } of lora.trained.specs.filter((_, i) => i % 5 === 0)) {
      const gradient = lesson.gradients.read(name);
      const values = lora.trained.read(name);
      // Along a random direction: one number that all elements are in.
      const direction = values.map(() => rng.normal());
      const expected = gradient.reduce((total, d, i) => total + d * direction[i]!, 0);
      const at = async (h: number): Promise<number> => {
        lora.trained.set(
          name,
          values.map((w, i) => w + h * direction[i]!),
        );
        return lesson.loss();
      };
      const h = 1e-3;
      const slope = ((await at(h)) - (await at(-h))) / (2 * h);
      lora.trained.set(name, values);
      expect(Math.abs(slope - expected), `${name}: ${slope} for ${expected}`).toBeLessThan(
        0.02 * norm(gradient) + 1e-4,
      );
    }
  });

  it('trains the adapters of its targets alone', () => {
    using lora = loraWeights(
      goldenWeights(device),
      { ...OPTIONS, target_modules: ['q_proj'] },
      Rng.seeded(3),
    );
    expect(lora.trained.specs.map(({ name }) => name)).toEqual(
      Array.from({ length: goldenConfig.layers }, (_, i) => `model.layers.${i}.self_attn.q_proj`).flatMap(
        (matrix) => [`${matrix}.lora_A.weight`, `${matrix}.lora_B.weight`],
      ),
    );
  });
});

describe.each(['f16', 'bf16'] as const)('compute copies in %s', (dtype: ComputeDType) => {
  // Three and eight binary digits fewer than f32's 24, over two layers.
  const tolerance = dtype === 'f16' ? 0.01 : 0.06;

  it('give the loss and gradients of f32, as far as their digits go', async () => {
    using plain = goldenWeights(device);
    using copies = computeCopies(goldenWeights(device), dtype);
    using want = new Lesson(plain);
    using got = new Lesson(copies);
    const loss = await want.loss();
    expect(Math.abs((await got.loss()) - loss)).toBeLessThan(tolerance * loss);
    for (const { name } of plain.specs) {
      const [a, b] = [got.gradients.read(name), want.gradients.read(name)];
      expect(norm(a.map((x, i) => x - b[i]!)) / norm(b), name).toBeLessThan(5 * tolerance);
    }
  });

  it('follow their masters after every step', async () => {
    using copies = computeCopies(goldenWeights(device), dtype);
    using lesson = new Lesson(copies);
    const name = 'model.layers.0.mlp.up_proj.weight';
    const before = await lesson.loss();
    copies.trained.set(
      name,
      copies.trained.read(name).map((w) => 1.5 * w),
    );
    expect(await lesson.loss()).toBe(before);
    await copies.refresh();
    const after = await lesson.loss();
    expect(after).not.toBe(before);
    copies.reload();
    expect(await lesson.loss()).toBe(after);
  });
});

const ADAMW = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0.01, max_norm: 1 };

function examples(): TrainExample[] {
  const rng = Rng.seeded(3);
  const ids = (length: number) =>
    asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
  return Array.from({ length: 2 }, () => {
    const completions = Array.from({ length: 2 }, () => ids(10 + rng.below(9)));
    return {
      prompt: ids(20 + rng.below(9)),
      completions: completions.map((tokens) => ({ tokens, rows: rowsFrom(tokens), inputs: {} })),
    };
  });
}

/** The golden weights with matrices in f16. */
function halfWeights(): ParameterSet {
  using full = goldenWeights(device);
  const half = new ParameterSet(device, parameterSpecs(goldenConfig, 'f16'), 'weights');
  for (const { name } of full.specs) half.set(name, full.read(name));
  return half;
}

const KINDS = {
  LoRA: () => adapted(),
  'LoRA on f16': () => loraWeights(halfWeights(), OPTIONS, Rng.seeded(3)),
  'compute copies': () => computeCopies(goldenWeights(device), 'f16'),
} satisfies Record<string, () => TrainedWeights>;

describe.each(Object.entries(KINDS))('a trainer of %s', (_, make) => {
  const trainerOf = (weights: TrainedWeights): Trainer =>
    new Trainer(goldenConfig, weights.trained, crossEntropy(), {
      ...ADAMW,
      optimizer: 'adamw_8bit',
      microBatchTokens: 1024,
      micro_train_batch_size: 2,
      weights,
      gradient_checkpointing: true,
    });

  it('learns, and goes on from a checkpoint to the same bits', async () => {
    const path = join(folder, 'state');
    using weights = make();
    using trainer = trainerOf(weights);
    const losses: number[] = [];
    for (let step = 0; step < 6; step++) {
      if (step === 4) trainer.save(path);
      losses.push((await trainer.step(examples(), 5e-3)).loss);
    }
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.2);
    using again = make();
    using other = trainerOf(again);
    other.restore(path);
    for (const want of losses.slice(4)) expect((await other.step(examples(), 5e-3)).loss).toBe(want);
    for (const { name } of weights.trained.specs)
      expect(again.trained.read(name), name).toEqual(weights.trained.read(name));
  });
});
