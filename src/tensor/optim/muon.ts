/**
 * Muon (Jordan et al., 2024, kellerjordan.github.io/posts/muon): a matrix moves by its momentum made orthogonal, so
 * that every direction of the update counts alike. Sized to AdamW's usual update (Liu et al., arXiv 2502.16982,
 * section 2.2), so that one learning rate and one decay serve both.
 */
import type { Graph } from '../graph.ts';
import { add, detach, mul, scale } from '../ops/elementwise.ts';
import { mulMat, reshape, transpose } from '../ops/index.ts';
import type { Tensor } from '../tensor.ts';

/** Of a quintic whose fifth iterate brings singular values of 0.01 to 1 near 1 (Jordan et al.). */
const [LINEAR, CUBIC, QUINTIC] = [3.4445, -4.775, 2.0315] as const;
const ITERATIONS = 5;
/** Root mean square of AdamW's updates in practice. */
const UPDATE_RMS = 0.2;

/** Inputs of the update of one matrix [n, m]. */
export interface MuonStep {
  readonly weight: Tensor;
  /** Clipped already. */
  readonly gradient: Tensor;
  /** Sum of past gradients, changed by the update. */
  readonly velocity: Tensor;
  readonly momentum: number;
  /** Learning rate, n times; and 1 - learning rate x decay, n times. */
  readonly rate: Tensor;
  readonly keep: Tensor;
}

/** [n, m] with m <= n to nearly orthogonal rows: Newton and Schulz's iteration after division by the norm. */
function orthogonalised(g: Graph, matrix: Tensor): Tensor {
  const [n = 1, m = 1] = matrix.shape;
  const flat = reshape(g, matrix, [n * m]);
  const normed = g.constant(g.ggml.ggml_rms_norm(g.context, flat.pointer, 1e-30), flat.shape);
  let x = reshape(g, scale(g, normed, 1 / Math.sqrt(n * m)), [n, m]);
  for (let i = 0; i < ITERATIONS; i++) {
    const gram = mulMat(g, x, x);
    const mixed = add(g, scale(g, gram, CUBIC), scale(g, mulMat(g, gram, gram), QUINTIC));
    x = add(g, scale(g, x, LINEAR), mulMat(g, transpose(g, x), mixed));
  }
  return x;
}

/** Adds one update of `weight` to the graph; Nesterov's momentum, decoupled decay. */
export function muonStep(g: Graph, step: MuonStep): void {
  const { gradient, velocity, momentum, rate, keep } = step;
  const weight = detach(step.weight);
  const [n = 1, m = 1] = weight.shape;
  const moved = add(g, scale(g, velocity, momentum), gradient);
  const kept = g.constant(g.ggml.ggml_cpy(g.context, moved.pointer, velocity.pointer), velocity.shape);
  const ahead = add(g, gradient, scale(g, kept, momentum));
  const direction = m > n ? transpose(g, orthogonalised(g, transpose(g, ahead))) : orthogonalised(g, ahead);
  const update = scale(g, direction, -UPDATE_RMS * Math.sqrt(Math.max(n, m)));
  const next = add(g, mul(g, weight, keep), mul(g, update, rate));
  g.expand(g.constant(g.ggml.ggml_cpy(g.context, next.pointer, weight.pointer), weight.shape));
}

/** Tensors that one `muonStep` adds to a graph, at most. */
export const MUON_NODES = 24 + 12 * ITERATIONS;
