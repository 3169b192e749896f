/**
 * Reverse-mode differentiation. While a graph is built, every operation on a differentiable tensor leaves an entry
 * on the tape; `backward` walks the tape from the end and lets each entry add the nodes of its gradients.
 */
import type { Pointer } from '../ggml/signatures.ts';
import type { Tensor } from './tensor.ts';

/** Gradients of an operation's outputs, in; gradients of its inputs, out. Undefined means zero. */
export type Vjp = (grads: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

interface TapeEntry {
  readonly outputs: readonly Tensor[];
  readonly inputs: readonly Tensor[];
  readonly vjp: Vjp;
}

export class Tape {
  readonly #entries: TapeEntry[] = [];
  #recording = true;

  /** Whether an operation on `inputs` gets an entry: what VJPs compute is not differentiated again. */
  records(inputs: readonly Tensor[]): boolean {
    return this.#recording && inputs.some((input) => input.differentiable);
  }

  push(outputs: readonly Tensor[], inputs: readonly Tensor[], vjp: Vjp): void {
    if (this.records(inputs)) this.#entries.push({ outputs, inputs, vjp });
  }

  get length(): number {
    return this.#entries.length;
  }

  /**
   * Gradients with respect to `wrt` of what `seeds` are the gradients of. Entries recorded since `mark` are walked
   * and removed.
   */
  backward(
    seeds: readonly (readonly [Tensor, Tensor])[],
    wrt: readonly Tensor[],
    add: (a: Tensor, b: Tensor) => Tensor,
    mark: number,
  ): (Tensor | undefined)[] {
    const grads = new Map<Pointer, Tensor>();
    const accumulate = (tensor: Tensor, grad: Tensor): void => {
      const known = grads.get(tensor.pointer);
      grads.set(tensor.pointer, known === undefined ? grad : add(known, grad));
    };
    for (const [tensor, grad] of seeds) accumulate(tensor, grad);
    const wanted = new Set(wrt.map((tensor) => tensor.pointer));
    this.#recording = false;
    try {
      for (const entry of this.#entries.splice(mark).toReversed()) {
        const outputGrads = entry.outputs.map((output) => grads.get(output.pointer));
        if (outputGrads.every((grad) => grad === undefined)) continue;
        const inputGrads = entry.vjp(outputGrads);
        for (const output of entry.outputs) if (!wanted.has(output.pointer)) grads.delete(output.pointer);
        entry.inputs.forEach((input, i) => {
          const grad = inputGrads[i];
          if (grad !== undefined && input.differentiable) accumulate(input, grad);
        });
      }
    } finally {
      this.#recording = true;
    }
    return wrt.map((tensor) => grads.get(tensor.pointer));
  }
}
