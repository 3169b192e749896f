/** Pairs as prompt trees: the same loss and gradients however they are batched, and in whatever chunks the head comes. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import type { TreeLayout } from '../../src/model/tree/tree.ts';
import { preference } from '../../src/losses/all.ts';
import { adamW } from '../../src/tensor/optim/adamw.ts';
import { gatherRows, rowsFrom, type TrainExample, treeOf } from '../../src/train/examples.ts';
import { type LossParts, TrainingGraph } from '../../src/train/training-graph.ts';
import { joinAlike } from '../../src/train/shared-prefix.ts';
import { entriesOf, type Metrics } from '../../src/train/events.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const adamw = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0, max_norm: 1 };
const optimiser = keep(adamW(weights, adamw));
const { gradients } = optimiser;

const objective = preference({ loss_type: 'dpo', beta: 0.5, label_smoothing: 0.1, nll_loss_coef: 0.3 });
const COUNT = 4;

/** Trees with a chosen and a rejected completion of unlike lengths, and reference log-probabilities near a guess. */
function pairs(): TrainExample[] {
  const rng = Rng.seeded(5);
  const ids = (length: number): TokenIds =>
    asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
  const completion = (sign: number, length: number) => {
    const tokens = ids(length);
    return {
      tokens,
      rows: rowsFrom(tokens),
      inputs: {
        pair_signs: new Float32Array(length).fill(sign),
        ref_logprobs: Float32Array.from({ length }, () => -3.5 - rng.uniform()),
      },
    };
  };
  return Array.from({ length: COUNT }, () => ({
    prompt: ids(4 + rng.below(8)),
    completions: [completion(1, 3 + rng.below(9)), completion(-1, 3 + rng.below(9))],
  }));
}

interface Outcome extends LossParts {
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

async function run(prompts: number, chunkRows: number): Promise<Outcome> {
  const layout: TreeLayout = { prompts, promptTokens: 16, samples: 2, completionTokens: 16 };
  const options = { chunkRows };
  using graph = new TrainingGraph(goldenConfig, weights, gradients, layout, 96, objective, options);
  gradients.clear();
  const given = pairs();
  const parts: Metrics = {};
  let loss = 0;
  for (let start = 0; start < COUNT; start += prompts) {
    const batch = given.slice(start, start + prompts);
    const rows = gatherRows(layout, batch, 1 / COUNT, objective.inputs);
    const result = await graph.run(batch.map(treeOf), rows);
    loss += result.loss;
    for (const [name, value] of entriesOf(result.parts)) parts[name] = (parts[name] ?? 0) + value;
  }
  return { loss, parts, gradients: new Map(weights.specs.map(({ name }) => [name, gradients.read(name)])) };
}

function expectSame(got: Outcome, want: Outcome): void {
  expectClose([got.loss], [want.loss], TOLERANCES.regrouped, 'loss');
  expect(Object.keys(got.parts)).toEqual(Object.keys(want.parts));
  for (const [name, value] of entriesOf(want.parts))
    expectClose([got.parts[name]!], [value], TOLERANCES.regrouped, name);
  for (const [name, values] of want.gradients)
    expectNormClose(got.gradients.get(name)!, values, TOLERANCES.regroupedGradient, name);
}

describe('pairs', () => {
  it('in batches of 4, 2 and 1, and in a batch that is not full', async () => {
    const whole = await run(4, 1000);
    expect(whole.loss).toBeGreaterThan(0.1);
    expectSame(await run(2, 1000), whole);
    expectSame(await run(1, 1000), whole);
    expectSame(await run(3, 1000), whole);
  });

  it('with the head in chunks of 7 rows, and of 1', async () => {
    const whole = await run(4, 1000);
    expectSame(await run(4, 7), whole);
    expectSame(await run(2, 1), whole);
  });

  it('in one tree, where their prompts begin alike, and in trees of at most two', async () => {
    const begin = pairs()[0]!.prompt;
    const alike = pairs().map(({ prompt, completions }) => ({
      prompt: asTokenIds([...begin, ...begin, ...prompt.slice(0, 4)]),
      completions,
    }));
    const shuffled = [alike[2]!, alike[0]!, alike[3]!, alike[1]!];
    const learned = async (examples: readonly TrainExample[]): Promise<Outcome> => {
      using parameters = goldenWeights(device);
      using trainer = new Trainer(goldenConfig, parameters, objective, {
        ...adamw,
        microBatchTokens: 1024,
        micro_train_batch_size: 3,
      });
      const { loss, parts } = await trainer.step(examples, 0.1);
      return {
        loss,
        parts,
        gradients: new Map(parameters.specs.map(({ name }) => [name, parameters.read(name)])),
      };
    };
    const apart = await learned(alike);
    expect(joinAlike(shuffled, 16)).toHaveLength(1);
    expect(joinAlike(shuffled, 4)).toHaveLength(2);
    expectSame(await learned(joinAlike(shuffled, 16)), apart);
    expectSame(await learned(joinAlike(shuffled, 4)), apart);
  });

  it('learned from for some steps, are told apart, and the trainer counts pairs and not tokens', async () => {
    using parameters = goldenWeights(device);
    using trainer = new Trainer(
      goldenConfig,
      parameters,
      preference({ loss_type: 'dpo', beta: 0.5, label_smoothing: 0, nll_loss_coef: 0 }),
      { ...adamw, microBatchTokens: 1024, micro_train_batch_size: 2 },
    );
    let mean = 0;
    for (const pair of pairs()) mean += (await trainer.accumulate([pair])).loss / COUNT;
    const first = await trainer.step(pairs(), 3e-3);
    expectClose([first.loss], [mean], TOLERANCES.regrouped, 'the mean over pairs');
    let last = first;
    for (let step = 0; step < 12; step++) last = await trainer.step(pairs(), 3e-3);
    expect(last.parts['preference_accuracy']).toBeCloseTo(1, 5);
    expect(last.loss).toBeLessThan(0.5 * first.loss);
  });
});
