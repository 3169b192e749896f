/** Reports of an objective are declared metrics, or errors: nothing is dropped in silence. */
import { expect, test } from 'vitest';
import { InternalError } from '../../src/base/errors.ts';
import { Device } from '../../src/ggml/device.ts';
import { crossEntropy, preference } from '../../src/losses/all.ts';
import * as losses from '../../src/losses/all.ts';
import type { Objective } from '../../src/losses/objective.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { metricsOf } from '../../src/train/loop.ts';
import { METRICS } from '../../src/train/metrics.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';

/** An objective that also reports its loss as `part`. */
function reporting<O extends Objective>(objective: O, part: string): O {
  const build = objective.build as (...given: unknown[]) => ReturnType<O['build']>;
  return {
    ...objective,
    build: (...given: unknown[]) => {
      const result = build(...given);
      return { ...result, parts: { ...result.parts, [part]: result.loss } };
    },
  };
}

const sft = crossEntropy();
const dpo = preference({ loss_type: 'dpo', beta: 0.1, label_smoothing: 0, nll_loss_coef: 0 });

test.each<[string, Objective, number]>([
  ['row by row', sft, 32],
  ['pair by pair', dpo, 32],
  ['pair by pair, the head in chunks', dpo, 16],
])(
  'a part of a loss that is no declared metric is an error before the first step: %s',
  (_way, plain, rows) => {
    using device = Device.open('cpu', 1);
    using weights = goldenWeights(device);
    using gradients = new ParameterSet(device, weights.specs, 'state');
    const layout = { prompts: 1, promptTokens: 16, samples: 2, completionTokens: 16 };
    const build = (objective: Objective): void => {
      using _graph = new TrainingGraph(goldenConfig, weights, gradients, layout, 32, objective, {
        chunkRows: rows,
      });
    };
    build(plain);
    build(reporting(plain, 'ce'));
    // Another loss has it, and this one does not.
    expect(() => build(reporting(plain, 'kl'))).toThrow(/kl is no declared metric/);
    expect(() => build(reporting(plain, 'surprise'))).toThrow(InternalError);
    expect(() => build(reporting(plain, 'surprise'))).toThrow(/surprise is no declared metric/);
    expect(() => build(reporting(plain, 'toString'))).toThrow(/toString is no declared metric/);
  },
);

test('every metric has a unit and a meaning, those of every loss among them', () => {
  for (const { unit, meaning } of Object.values(METRICS)) {
    expect(unit).not.toBe('');
    expect(meaning).not.toBe('');
  }
  for (const { metrics } of Object.values(losses))
    for (const [name, metric] of Object.entries(metrics)) expect(METRICS).toHaveProperty(name, metric);
});

test('a step logs its loss, all of its parts, the norm of its gradient and its learning rate', () => {
  const result = { loss: 2, parts: { ce: 1.5, kl: 0 }, gradNorm: 3, tokens: 7 };
  expect(metricsOf(result, 0.1)).toEqual({ loss: 2, ce: 1.5, kl: 0, grad_norm: 3, lr: 0.1 });
});
