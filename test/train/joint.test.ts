/** A step of two kinds of answers through a model: what it adds to the gradients is what the two losses add apart. */
import { expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { distillation, joint, policyGradient } from '../../src/losses/all.ts';
import type { Objective } from '../../src/losses/objective.ts';
import { together } from '../../src/stages/joint.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { gatherRows, rowCount, rowsFrom, type TrainExample, treeOf } from '../../src/train/examples.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const gradients = keep(new ParameterSet(device, weights.specs, 'state'));

const rng = Rng.seeded(5);
const K = 6;
const ids = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
const noise = (length: number): Float32Array => Float32Array.from({ length }, () => rng.normal());

const drawn: TrainExample[] = [7, 4].map((length) => {
  const tokens = ids(length);
  const inputs = { advantages: noise(length), old_logprobs: noise(length), ref_logprobs: noise(length) };
  return { prompt: ids(9), completions: [{ tokens, rows: rowsFrom(tokens), inputs }] };
});
const taught: TrainExample[] = [5, 8, 3].map((length) => {
  const tokens = ids(length);
  const inputs = {
    teacher_ids: Int32Array.from({ length: length * K }, (_, i) => 3 * (i % K) + 1),
    teacher_logprobs: Float32Array.from({ length: length * K }, (_, i) => -1 - (i % K)),
  };
  return { prompt: ids(12), completions: [{ tokens, rows: rowsFrom(tokens), inputs }] };
});

/** Loss and gradients of examples, a mean over their tokens. */
async function step(objective: Objective, examples: readonly TrainExample[], chunkRows: number) {
  const layout = { prompts: examples.length, promptTokens: 16, samples: 1, completionTokens: 16 };
  const count = examples.reduce((total, example) => total + rowCount(example), 0);
  using graph = new TrainingGraph(goldenConfig, weights, gradients, layout, 32, objective, { chunkRows });
  gradients.clear();
  const rows = gatherRows(layout, examples, 1 / count, objective.inputs);
  const { loss, parts } = await graph.run(examples.map(treeOf), rows);
  return { loss, parts, all: weights.specs.map(({ name }) => gradients.read(name).slice()) };
}

it.each([32, 5])('in chunks of %i rows', async (chunkRows) => {
  const options = { kd_topk: K, kd_student_topm: K, init_kl_coef: 0.1, kd_kl_coef: 0.3 };
  const own = await step(policyGradient(options), drawn, chunkRows);
  const lessons = await step(distillation(options), taught, chunkRows);
  const both = await step(joint(options), together(drawn, taught), chunkRows);
  expectClose([both.loss], [own.loss + 0.3 * lessons.loss], TOLERANCES.regrouped);
  expectClose([both.parts.kd_loss!], [lessons.loss], TOLERANCES.regrouped);
  expect(both.parts).toMatchObject({ entropy: expect.closeTo(own.parts.entropy!, 4) as number });
  own.all.forEach((values, i) => {
    const want = values.map((value, j) => value + 0.3 * lessons.all[i]![j]!);
    expectNormClose(both.all[i]!, want, TOLERANCES.regroupedGradient, weights.specs[i]!.name);
  });
});
