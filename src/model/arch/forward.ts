/** The forward pass: the part that is the same for training, scoring and generation. */
import type { Graph } from '../../tensor/graph.ts';
import { add, getRows, mulMat, rmsNorm, scale } from '../../tensor/ops/index.ts';
import { recomputed } from '../../tensor/recompute.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { EMBEDDING, HEAD, lastNorm, layerWeight } from './config.ts';
import type { Mixing, ModelConfig, WeightSource } from './family.ts';
import { familyOf } from './index.ts';

export type { Adapter, Mixing, WeightSource } from './family.ts';

export interface ForwardOptions {
  /** i32 [R]: the tokens whose hidden states are wanted; all of them, without. */
  readonly rows?: Tensor | undefined;
  /** Keep nothing of a layer but its result, and compute it again for the backward pass. */
  readonly recompute?: boolean;
}

/**
 * Hidden states after the final norm: tokens i32 [N], positions i32 [N] give [hiddenSize, N]; with `rows` i32 [R],
 * those of these tokens alone, [hiddenSize, R]. The last layer then runs its feed-forward part for them only.
 */
export function hiddenStates(
  g: Graph,
  config: ModelConfig,
  weights: WeightSource,
  tokens: Tensor,
  positions: Tensor,
  mixing: Mixing,
  { rows, recompute = false }: ForwardOptions = {},
): Tensor {
  const family = familyOf(config);
  const select = (y: Tensor): Tensor => (rows === undefined ? y : getRows(g, y, rows));
  // Rows may repeat a token; then there is nothing to save.
  const early = rows !== undefined && (rows.shape[0] ?? 1) < (tokens.shape[0] ?? 1);
  const run = (index: number, input: Tensor): Tensor => {
    const shapes = family.weights(config, index);
    return family.block(
      g,
      config,
      {
        index,
        positions,
        ...mixing,
        weight: (name) => weights.get(layerWeight(index, name)),
        linear: (name, x) => {
          const bias = `${name}.bias` in shapes ? layerWeight(index, `${name}.bias`) : undefined;
          return linear(g, weights, layerWeight(index, name), bias, x);
        },
        select: early && index === config.layers - 1 ? select : (y) => y,
      },
      input,
    );
  };
  /** Everything that a gradient may flow to. */
  const leaves = (index: number): Tensor[] =>
    Object.keys(family.weights(config, index)).flatMap((short) => {
      const name = layerWeight(index, short);
      const adapter = weights.adapter?.(name);
      return [weights.get(name), ...(adapter === undefined ? [] : [adapter.a, adapter.b])];
    });
  const scales = family.scales?.(config) ?? { embedding: 1, logits: 1 };
  const scaled = (y: Tensor, factor: number): Tensor => (factor === 1 ? y : scale(g, y, factor));
  let x = scaled(getRows(g, weights.get(EMBEDDING), tokens), scales.embedding);
  for (let layer = 0; layer < config.layers; layer++)
    x = recompute ? recomputed(g, x, leaves(layer), (input) => run(layer, input)) : run(layer, x);
  const norm = weights.get(lastNorm(config));
  const weight = family.normOffset === undefined ? norm : scale(g, norm, 1, family.normOffset);
  // The head is linear: what its logits are to be scaled by, its input may be.
  return scaled(rmsNorm(g, early ? x : select(x), weight, config.rmsNormEps), scales.logits);
}

/** Product of a matrix with x, plus its bias, if any, and the product of its adapter's two, scaled where it is narrowest. */
function linear(g: Graph, weights: WeightSource, name: string, bias: string | undefined, x: Tensor): Tensor {
  const product = mulMat(g, weights.get(name), x);
  const y = bias === undefined ? product : add(g, product, weights.get(bias));
  const adapter = weights.adapter?.(name);
  if (adapter === undefined) return y;
  return add(g, y, mulMat(g, adapter.b, scale(g, mulMat(g, adapter.a, x), adapter.scale)));
}

/** The output projection [hiddenSize, vocabSize]. */
export function headWeight(config: ModelConfig, weights: WeightSource): Tensor {
  return weights.get(config.tiedEmbeddings ? EMBEDDING : HEAD);
}
