/** Savings of memory in training change nothing else: the same loss and gradients with less of it. */
import { describe, expect, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { parameterSpecs } from '../../src/model/arch/config.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { type LossParts, TrainingGraph, type TrainingGraphOptions } from '../../src/train/training-graph.ts';
import { goldenConfig, goldenObjective, goldenRows, goldenTrees, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const gradients = keep(new ParameterSet(device, weights.specs, 'state'));

interface Outcome extends LossParts {
  readonly gradients: Float32Array[];
  readonly bytes: number;
}

async function run(name: string, options: TrainingGraphOptions): Promise<Outcome> {
  const objective = goldenObjective(name);
  const { layout, trees } = goldenTrees.tree();
  using graph = new TrainingGraph(goldenConfig, weights, gradients, layout, 48, objective, options);
  gradients.clear();
  const parts = await graph.run(trees, goldenRows('tree', objective));
  return { ...parts, gradients: weights.specs.map((spec) => gradients.read(spec.name)), bytes: graph.bytes };
}

describe('gradient checkpointing', () => {
  it.each(['sft', 'ckd', 'grpo', 'dpo'])(
    'gives the same loss and gradients of %s, bit for bit',
    async (name) => {
      const [plain, recomputed] = [await run(name, {}), await run(name, { recompute: true })];
      expect(recomputed.loss).toBe(plain.loss);
      expect(recomputed.parts).toEqual(plain.parts);
      expect(recomputed.gradients).toEqual(plain.gradients);
      expect(plain.gradients[0]!.some((x) => x !== 0)).toBe(true);
    },
  );
});

/** Twelve layers of the golden model's shape, whose activations are most of what a step needs. */
function deepBytes(options: TrainingGraphOptions): number {
  const config = { ...goldenConfig, layers: 12 };
  using deep = new ParameterSet(device, parameterSpecs(config), 'trainable');
  using sums = new ParameterSet(device, deep.specs, 'state');
  const layout = { prompts: 2, promptTokens: 128, samples: 4, completionTokens: 32 };
  using graph = new TrainingGraph(config, deep, sums, layout, 64, goldenObjective('sft'), options);
  return graph.bytes;
}

it('gradient checkpointing keeps little more than one layer of twelve', () => {
  expect(deepBytes({ recompute: true })).toBeLessThan(deepBytes({}) / 4);
});
