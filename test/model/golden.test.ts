/** Qwen3 and every objective against PyTorch's numbers, in the flat layout and in the prompt tree. */
import { afterAll, describe, expect, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { headWeight } from '../../src/model/forward.ts';
import { SafetensorsFile } from '../../src/model/safetensors.ts';
import { layoutTrees, treeForward } from '../../src/model/tree.ts';
import { mulMat } from '../../src/tensor/ops/index.ts';
import { Graph, readF32, write } from '../../src/tensor/graph.ts';
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

const device = Device.open('cpu', 2);
const weights = goldenWeights(device);
const gradients = new ParameterSet(device, weights.specs, 'state');
afterAll(() => {
  gradients[Symbol.dispose]();
  weights[Symbol.dispose]();
  device.close();
});

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((total, x) => total + x * x, 0));

describe('Qwen3 against PyTorch', () => {
  it('gives the reference logits to 1e-4', async () => {
    using g = new Graph(device);
    const { layout, trees } = goldenTrees.flat();
    const tree = treeForward(g, goldenConfig, weights, layout);
    const logits = g.output(mulMat(g, headWeight(goldenConfig, weights), tree.hidden));
    g.allocate();
    const arrays = layoutTrees(layout, trees);
    write(device, tree.tokens, arrays.tokens);
    write(device, tree.positions, arrays.positions);
    write(device, tree.promptMask, arrays.promptMask);
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
    expect(worst).toBeLessThan(1e-4);
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
        expect(Math.abs(loss - want) / Math.abs(want)).toBeLessThan(1e-5);
        using reference = SafetensorsFile.open(`${GOLDEN}grads.${name}.safetensors`);
        for (const { name: parameter } of weights.specs) {
          const wanted = reference.readF32(parameter);
          const difference = gradients.read(parameter).map((x, i) => x - wanted[i]!);
          expect(norm(difference) / norm(wanted), parameter).toBeLessThan(1e-3);
        }
      });
    }
  }
});
