/**
 * The proof of the prompt tree: three ragged completions a prompt, trained in one tree, give the loss and the
 * gradients of as many separate sequences, each with its own copy of the prompt, to float32 rounding.
 */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { predictorIndex, promptIndex, type PromptTree, type TreeLayout } from '../../src/model/tree/tree.ts';
import { crossEntropy, policyGradient } from '../../src/losses/all.ts';
import type { Objective } from '../../src/losses/objective.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const gradients = keep(new ParameterSet(device, weights.specs, 'state'));

const rng = Rng.seeded(5);
const ids = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
const trees: PromptTree[] = [
  { prompt: ids(11), completions: [ids(7), ids(2), ids(5)] },
  { prompt: ids(4), completions: [ids(1), ids(8), ids(3)] },
  { prompt: ids(16), completions: [ids(6), ids(6), ids(4)] },
];

/** One predicted token, with its data; the order is the same in both layouts. */
const targets = trees.flatMap(({ completions }) => completions.flatMap((c) => [...c]));
const column = (make: () => number): Float32Array => Float32Array.from(targets, make);
const inputs: Record<string, Float32Array | Int32Array> = {
  targets: Int32Array.from(targets),
  weights: column(() => rng.uniform() / targets.length),
  advantages: column(() => rng.normal()),
  old_logprobs: column(() => -4.5 + 0.2 * rng.normal()),
  ref_logprobs: column(() => -4.5 + 0.2 * rng.normal()),
};

const treeLayout: TreeLayout = { prompts: 3, promptTokens: 16, samples: 3, completionTokens: 8 };
/** Three completions in two slots: some share one. */
const packedLayout: TreeLayout = { prompts: 3, promptTokens: 16, samples: 2, completionTokens: 12 };
const predictorsIn = (layout: TreeLayout): number[] =>
  trees.flatMap((tree, b) =>
    tree.completions.flatMap((c, s) => [...c.keys()].map((t) => predictorIndex(layout, tree, b, s, t))),
  );

/** Each completion after its own copy of the prompt, as prompts without completions. */
const flatLayout: TreeLayout = { prompts: 9, promptTokens: 24, samples: 0, completionTokens: 0 };
const sequences = trees.flatMap(({ prompt, completions }) =>
  completions.map((c) => ({ start: prompt.length, ids: asTokenIds([...prompt, ...c]) })),
);
const flat: PromptTree[] = sequences.map((sequence) => ({ prompt: sequence.ids, completions: [] }));
const flatPredictors = sequences.flatMap(({ start, ids: all }, b) =>
  Array.from({ length: all.length - start }, (_, t) => promptIndex(flatLayout, b, start + t - 1)),
);

async function gradientsOf(
  layout: TreeLayout,
  batch: readonly PromptTree[],
  predictors: readonly number[],
  objective: Objective,
): Promise<{ loss: number; grads: Map<string, Float32Array> }> {
  using graph = new TrainingGraph(goldenConfig, weights, gradients, layout, targets.length + 3, objective);
  gradients.clear();
  const { loss } = await graph.run(batch, { predictors: Int32Array.from(predictors), inputs });
  return { loss, grads: new Map(weights.specs.map(({ name }) => [name, gradients.read(name)])) };
}

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((total, x) => total + x * x, 0));

describe('prompt trees are exact', () => {
  const objectives = [
    crossEntropy(),
    policyGradient({ eps_clip: 0.2, init_kl_coef: 0.1, kl_estimator: 'k3' }),
  ];
  const layouts = { 'a slot each': treeLayout, 'packed slots': packedLayout };
  for (const [kind, objective] of Object.keys(layouts).flatMap((k) =>
    objectives.map((o) => [k, o] as const),
  )) {
    it(`${objective.name}, ${kind}: loss to 1e-6 and every gradient to 1e-5 of copies of the prompt`, async () => {
      const layout = layouts[kind as keyof typeof layouts];
      const one = await gradientsOf(layout, trees, predictorsIn(layout), objective);
      const copies = await gradientsOf(flatLayout, flat, flatPredictors, objective);
      expect(Math.abs(one.loss - copies.loss) / Math.abs(copies.loss)).toBeLessThan(1e-6);
      const worse = [...copies.grads].filter(([name, want]) => {
        const difference = one.grads.get(name)!.map((x, i) => x - want[i]!);
        return !(norm(want) > 0 && norm(difference) / norm(want) < 1e-5);
      });
      expect(worse.map(([name]) => name)).toEqual([]);
    });
  }
});
