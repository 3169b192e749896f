/** Gradient checkpointing (Chen et al., arXiv 1604.06174): memory for time, segment by segment. */
import type { Graph } from './graph.ts';
import type { Tensor } from './tensor.ts';
import { add, detach } from './ops/elementwise.ts';

/**
 * `body(x)`, of which nothing but the result is kept: the backward pass computes it again when it gets there. `leaves`
 * are the weights that `body` uses beside `x`; those that are differentiable must have a sink. Same values and
 * gradients, bit for bit; one more forward pass.
 */
export function recomputed(
  g: Graph,
  x: Tensor,
  leaves: readonly Tensor[],
  body: (x: Tensor) => Tensor,
): Tensor {
  const once = g.tape.recording(false, () => body(detach(x)));
  // Executed before what follows is built, so that its intermediates are free again.
  g.expand(once);
  return g.record(once.pointer, once.shape, [x, ...leaves], (grad) => {
    // The gradient first: what it comes from is done with before anything is computed again.
    g.expand(grad);
    const mark = g.tape.length;
    const again = g.tape.recording(true, () => body(x));
    return g.tape.backward([[again, grad]], [x], (a, b) => add(g, a, b), mark);
  });
}
