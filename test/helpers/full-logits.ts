/** Logits of whole sequences, each by a full forward pass in the flat layout: what caches and trees are held against. */
import type { TokenIds } from '../../src/base/token-ids.ts';
import type { Device } from '../../src/ggml/device.ts';
import type { ModelConfig } from '../../src/model/arch/config.ts';
import { headWeight, type WeightSource } from '../../src/model/arch/forward.ts';
import { treeForward } from '../../src/model/tree/tree.ts';
import { mulMat } from '../../src/tensor/ops/index.ts';
import { Graph, readF32 } from '../../src/tensor/graph.ts';

/** Logits after each token of a sequence: length arrays of [V]. */
export async function fullLogits(
  device: Device,
  config: ModelConfig,
  weights: WeightSource,
  sequence: TokenIds,
): Promise<Float32Array[]> {
  using g = new Graph(device);
  const layout = { prompts: 1, promptTokens: sequence.length, samples: 0, completionTokens: 0 };
  const tree = treeForward(g, config, weights, layout);
  const logits = g.output(mulMat(g, headWeight(config, weights), tree.hidden));
  g.allocate();
  tree.write([{ prompt: sequence, completions: [] }]);
  await g.compute();
  const all = readF32(device, logits);
  const V = config.vocabSize;
  return Array.from({ length: sequence.length }, (_, t) => all.slice(t * V, (t + 1) * V));
}

/** log-softmax in float64. */
export function logSoftmax(logits: Float32Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = logits.reduce((total, x) => total + Math.exp(x - most), 0);
  return Float64Array.from(logits, (x) => x - most - Math.log(sum));
}
