/** Prompts that begin alike in one tree: the same losses and gradients as each prompt by itself. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { prefixRuns } from '../../src/model/tree/shared-prefix.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { gatherRows, rowCount, rowsFrom, treeOf, type TrainExample } from '../../src/train/examples.ts';
import { joinExamples } from '../../src/train/shared-prefix.ts';
import { groupedOrder } from '../../src/train/supervised.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import { expected, goldenConfig, goldenObjective, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const gradients = keep(new ParameterSet(device, weights.specs, 'state'));

const rng = Rng.seeded(5);
const ids = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
const after = (start: TokenIds, length: number): TokenIds => asTokenIds([...start, ...ids(length)]);

const objective = goldenObjective('ckd');
const K = expected.top_k;

/** Two questions to the same tools, one of them with two answers, of which some tokens do not count. */
function separate(): TrainExample[] {
  const tools = ids(40);
  const answered = (prompt: TokenIds, answers: readonly TokenIds[]): TrainExample => ({
    prompt,
    completions: answers.map((tokens) => {
      const rows = rowsFrom(tokens, rng.below(3));
      const teacherIds = Int32Array.from(
        { length: rows.length * K },
        (_, i) => 7 * (i % K) + (Math.floor(i / K) % 5),
      );
      const logprobs = Float32Array.from({ length: rows.length * K }, (_, i) => -3 - (i % K));
      return { tokens, rows, inputs: { teacher_ids: teacherIds, teacher_logprobs: logprobs } };
    }),
  });
  return [
    answered(after(tools, 9), [ids(11), ids(6)]),
    answered(after(tools, 4), [ids(8)]),
    answered(tools, [ids(5)]),
  ];
}

async function gradientsOf(examples: readonly TrainExample[], promptTokens: number, samples: number) {
  const layout = { prompts: examples.length, promptTokens, samples, completionTokens: 32 };
  const count = examples.reduce((total, example) => total + rowCount(example), 0);
  using graph = new TrainingGraph(goldenConfig, weights, gradients, layout, 64, objective);
  gradients.clear();
  const rows = gatherRows(layout, examples, 1 / count, objective.inputs);
  const { loss } = await graph.run(examples.map(treeOf), rows);
  return { loss, all: weights.specs.map(({ name }) => ({ name, values: gradients.read(name) })) };
}

describe('joined examples', () => {
  it('have the losses and gradients of the separate ones', async () => {
    const given = separate();
    const joined = joinExamples(given);
    expect(joined.prompt).toHaveLength(40);
    expect(joined.completions.map(({ tokens }) => tokens.length)).toEqual([20, 15, 12, 5]);
    expect(rowCount(joined)).toBe(given.reduce((total, example) => total + rowCount(example), 0));
    const want = await gradientsOf(given, 64, 2);
    const got = await gradientsOf([joined], 40, 4);
    expectClose([got.loss], [want.loss], TOLERANCES.regrouped, 'loss');
    want.all.forEach(({ name, values }, i) => {
      expectNormClose(got.all[i]!.values, values, TOLERANCES.regroupedGradient, name);
    });
  });
});

describe('runs of prompts that begin alike', () => {
  const [tools, others] = [ids(40), ids(40)];
  const prompt = (promptIds: TokenIds, answers: number) => ({ promptIds, samples: Array.from(ids(answers)) });

  it('keep the order, and end with other tools or when the tree is full', () => {
    const prompts = [
      prompt(after(tools, 9), 2),
      prompt(after(tools, 3), 3),
      prompt(after(tools, 5), 4),
      prompt(after(others, 5), 1),
      prompt(after(others, 6), 30),
      prompt(after(tools, 2), 1),
    ];
    const runs = prefixRuns(prompts, 6);
    expect(runs.flat()).toEqual(prompts);
    expect(runs.map((run) => run.length)).toEqual([2, 1, 1, 1, 1]);
  });

  it('are single prompts where less than half is shared', () => {
    const start = ids(10);
    expect(prefixRuns([prompt(after(start, 11), 1), prompt(after(start, 11), 1)], 8)).toHaveLength(2);
    expect(prefixRuns([prompt(after(start, 10), 1), prompt(after(start, 10), 1)], 8)).toHaveLength(1);
  });
});

it('an order by groups has every item once an epoch, a group’s items in a row', () => {
  const order = groupedOrder([3, 1, 2], 9);
  const epochs = [0, 1, 2].map((epoch) => Array.from({ length: 6 }, (_, i) => order(epoch * 6 + i)));
  for (const epoch of epochs) {
    expect(epoch.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(epoch.join('')).toMatch(/012/);
    expect(epoch.join('')).toMatch(/45/);
  }
  expect(new Set(epochs.map(String)).size).toBeGreaterThan(1);
  expect(order(2)).toBe(epochs[0]![2]);
});
