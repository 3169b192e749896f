/** Qwen3 and every objective against PyTorch's numbers, in the flat layout and in the prompt tree. */
import { describe, expect, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { headWeight } from '../../src/model/arch/forward.ts';
import { SafetensorsFile } from '../../src/model/checkpoint/safetensors.ts';
import { treeForward } from '../../src/model/tree/tree.ts';
import { mulMat } from '../../src/tensor/ops/index.ts';
import { Graph, readF32 } from '../../src/tensor/graph.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import {
  expected,
  GOLDEN,
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

describe('Qwen3 against PyTorch', () => {
  it('gives the reference logits to 1e-4', async () => {
    using g = new Graph(device);
    const { layout, trees } = goldenTrees.flat();
    const tree = treeForward(g, goldenConfig, weights, layout);
    const logits = g.output(mulMat(g, headWeight(goldenConfig, weights), tree.hidden));
    g.allocate();
    tree.write(trees);
    await g.compute();
    const got = readF32(device, logits);
    using batch = SafetensorsFile.open(`${GOLDEN}batch.safetensors`);
    const want = batch.readF32('logits');
    let worst = 0;
    expected.lengths.forEach((length, i) => {
      for (let t = 0; t < length; t++) {
        for (let v = 0; v < goldenConfig.vocabSize; v++) {
          const at = (i * 20 + t) * goldenConfig.vocabSize + v;
          worst = Math.max(worst, Math.abs(got[at]! - want[at]!));
        }
      }
    });
    expect(worst).toBeLessThan(TOLERANCES.goldenLogits.absolute);
  });

  for (const kind of ['flat', 'tree'] as const) {
    for (const name of Object.keys(expected.losses)) {
      it(`${name}: loss to 1e-5 and every gradient to 1e-3, ${kind} layout`, async () => {
        const objective = goldenObjective(name);
        const { layout, trees } = goldenTrees[kind]();
        using graph = new TrainingGraph(goldenConfig, weights, gradients, layout, 48, objective);
        gradients.clear();
        const { loss } = await graph.run(trees, goldenRows(kind, objective));
        const want = expected.losses[name]!;
        expectClose([loss], [want], TOLERANCES.goldenLoss, 'loss');
        using reference = SafetensorsFile.open(`${GOLDEN}grads.${name}.safetensors`);
        for (const { name: parameter } of weights.specs) {
          const wanted = reference.readF32(parameter);
          expectNormClose(gradients.read(parameter), wanted, TOLERANCES.goldenGradient, parameter);
        }
      });
    }
  }
});
