/**
 * Results that a batch's size must not change: gradients accumulated over several batches, and the head computed in chunks
 * of rows, equal those of one batch in one piece. On the reference model and its sequences.
 */
import { describe, expect, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import type { Objective } from '../../src/losses/objective.ts';
import { entriesOf, type Metrics } from '../../src/train/events.ts';
import { adamW } from '../../src/tensor/optim/adamw.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { gatherRows, treeOf, type TrainExample } from '../../src/train/examples.ts';
import { type LossParts, TrainingGraph } from '../../src/train/training-graph.ts';
import {
  expected,
  goldenConfig,
  goldenObjective,
  goldenRows,
  goldenTrees,
  goldenWeights,
} from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const gradients = keep(new ParameterSet(device, weights.specs, 'state'));

const ROWWISE = Object.keys(expected.losses).filter((name) => name !== 'dpo');
const { layout } = goldenTrees.tree();

/** The reference sequences as training examples, the first one twice, so that there are four. */
function examples(objective: Objective): TrainExample[] {
  const { trees } = goldenTrees.tree();
  const all = goldenRows('tree', objective);
  let at = 0;
  const three = trees.map(({ prompt, completions: [tokens] }) => {
    const count = tokens!.length;
    const inputs = Object.fromEntries(
      Object.keys(objective.inputs).map((name) => {
        const column = all.inputs[name]!;
        const width = column.length / all.predictors.length;
        return [name, column.slice(at * width, (at + count) * width)];
      }),
    );
    at += count;
    return { prompt, completions: [{ tokens: tokens!, rows: [...tokens!.keys()], inputs }] };
  });
  expect(at, 'every completion token is a row').toBe(all.predictors.length);
  return [...three, three[0]!];
}

interface Outcome extends LossParts {
  readonly gradients: Map<string, Float32Array>;
}

/** Loss, parts and gradients of four examples, `prompts` at a time, each row with the same weight. */
async function run(objective: Objective, prompts: number, chunkRows?: number): Promise<Outcome> {
  const given = examples(objective);
  const count = given.reduce((total, { completions }) => total + completions[0]!.rows.length, 0);
  const own = { ...layout, prompts };
  const options = chunkRows === undefined ? {} : { chunkRows };
  using graph = new TrainingGraph(goldenConfig, weights, gradients, own, 64, objective, options);
  gradients.clear();
  let loss = 0;
  const parts: Metrics = {};
  for (let start = 0; start < given.length; start += prompts) {
    const batch = given.slice(start, start + prompts);
    const rows = gatherRows(own, batch, 1 / count, objective.inputs);
    const result = await graph.run(batch.map(treeOf), rows);
    loss += result.loss;
    for (const [name, value] of entriesOf(result.parts)) parts[name] = (parts[name] ?? 0) + value;
  }
  return { loss, parts, gradients: new Map(weights.specs.map(({ name }) => [name, gradients.read(name)])) };
}

function expectSame(got: Outcome, want: Outcome): void {
  expectClose([got.loss], [want.loss], TOLERANCES.regrouped, 'loss');
  for (const [name, value] of entriesOf(want.parts))
    expectClose([got.parts[name]!], [value], TOLERANCES.regrouped, name);
  for (const [name, values] of want.gradients)
    expectNormClose(got.gradients.get(name)!, values, TOLERANCES.regroupedGradient, name);
}

describe.each(ROWWISE)('%s', (name) => {
  const objective = goldenObjective(name);

  it('4 x 1 equals 2 x 2 and 1 x 4', async () => {
    const whole = await run(objective, 4);
    expectSame(await run(objective, 2), whole);
    expectSame(await run(objective, 1), whole);
  });

  it('the head in chunks of 5 rows, and of 1, equals the head in one piece', async () => {
    const whole = await run(objective, 4);
    expectSame(await run(objective, 4, 5), whole);
    expectSame(await run(objective, 4, 1), whole);
  });

  it('a batch in which nothing counts gives 0 and no NaN', async () => {
    using graph = new TrainingGraph(goldenConfig, weights, gradients, layout, 16, objective);
    gradients.clear();
    const { trees } = goldenTrees.tree();
    const none = Object.fromEntries(
      Object.entries(goldenRows('tree', objective).inputs).map(([input, column]) => [
        input,
        column.slice(0, 0),
      ]),
    );
    const result = await graph.run(trees, { predictors: new Int32Array(0), inputs: none });
    expect(result.loss + 0).toBe(0);
    for (const [part, value] of entriesOf(result.parts)) expect(value + 0, part).toBe(0);
    for (const spec of weights.specs)
      expect(
        gradients.read(spec.name).every((x) => x + 0 === 0),
        spec.name,
      ).toBe(true);
  });
});

describe('two runs', () => {
  it('of three optimiser steps give the same bits', async () => {
    const objective = goldenObjective('ckd');
    const train = async (): Promise<Float32Array[]> => {
      using own = goldenWeights(device);
      using adam = adamW(own, {
        adam_beta1: 0.9,
        adam_beta2: 0.95,
        adam_eps: 1e-8,
        weight_decay: 0.01,
        max_norm: 1,
      });
      using graph = new TrainingGraph(goldenConfig, own, adam.gradients, layout, 48, objective);
      for (let step = 0; step < 3; step++) {
        await graph.run(goldenTrees.tree().trees, goldenRows('tree', objective));
        await adam.step(1e-3, await adam.gradientNorm());
      }
      return own.specs.map(({ name }) => own.read(name));
    };
    const first = await train();
    expect(await train()).toEqual(first);
    expect(first[0]).not.toEqual(weights.read(weights.specs[0]!.name));
  });
});

describe('ids that a batch may hold', () => {
  it('a token beyond the vocabulary is refused before anything runs', async () => {
    const objective = goldenObjective('sft');
    using graph = new TrainingGraph(goldenConfig, weights, gradients, layout, 48, objective);
    const { trees } = goldenTrees.tree();
    const rows = goldenRows('tree', objective);
    const vocabulary = goldenConfig.vocabSize;
    const bad = rows.inputs['targets']!.slice();
    bad[3] = vocabulary;
    await expect(graph.run(trees, { ...rows, inputs: { ...rows.inputs, targets: bad } })).rejects.toThrow(
      `The id ${vocabulary} at place 3 is outside of [0, ${vocabulary})`,
    );
    const far = rows.predictors.slice();
    far[0] = 10_000;
    await expect(graph.run(trees, { ...rows, predictors: far })).rejects.toThrow('The id 10000 at place 0');
  });

  it("a teacher's id that comes twice in a row is refused", async () => {
    const objective = goldenObjective('fkl');
    using graph = new TrainingGraph(goldenConfig, weights, gradients, layout, 48, objective);
    const rows = goldenRows('tree', objective);
    const ids = rows.inputs['teacher_ids']!.slice();
    ids[1] = ids[0]!;
    await expect(
      graph.run(goldenTrees.tree().trees, { ...rows, inputs: { ...rows.inputs, teacher_ids: ids } }),
    ).rejects.toThrow('occurs twice in row 0');
  });
});
