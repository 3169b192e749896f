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
  readonly #sinks = new Map<Pointer, (grad: Tensor) => void>();
  #recording = true;

  /** Tells whether an operation on `inputs` gets an entry: what VJPs compute is not differentiated again. */
  records(inputs: readonly Tensor[]): boolean {
    return this.#recording && inputs.some((input) => input.differentiable);
  }

  push(outputs: readonly Tensor[], inputs: readonly Tensor[], vjp: Vjp): void {
    if (this.records(inputs)) this.#entries.push({ outputs, inputs, vjp });
  }

  /** Number of entries: a mark, for a backward pass over only what is recorded after it. */
  get length(): number {
    return this.#entries.length;
  }

  /** Hands every part of the gradient of a leaf to `take`, as soon as it is known, instead of adding them up. */
  sink(leaf: Tensor, take: (grad: Tensor) => void): void {
    this.#sinks.set(leaf.pointer, take);
  }

  /** Runs `body` with operations recorded or not. */
  recording<T>(on: boolean, body: () => T): T {
    const before = this.#recording;
    this.#recording = on;
    try {
      return body();
    } finally {
      this.#recording = before;
    }
  }

  /**
   * Gradients with respect to `wrt` of what `seeds` are the gradients of. Entries recorded since `mark` are walked
   * and removed. What has a sink needs not be in `wrt`.
   */
  backward(
    seeds: readonly (readonly [Tensor, Tensor])[],
    wrt: readonly Tensor[],
    add: (a: Tensor, b: Tensor) => Tensor,
    mark = 0,
  ): (Tensor | undefined)[] {
    const grads = new Map<Pointer, Tensor>();
    const accumulate = (tensor: Tensor, grad: Tensor): void => {
      const sink = this.#sinks.get(tensor.pointer);
      if (sink !== undefined) {
        sink(grad);
        return;
      }
      const known = grads.get(tensor.pointer);
      grads.set(tensor.pointer, known === undefined ? grad : add(known, grad));
    };
    for (const [tensor, grad] of seeds) accumulate(tensor, grad);
    const wanted = new Set(wrt.map((tensor) => tensor.pointer));
    this.recording(false, () => {
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
    });
    return wrt.map((tensor) => grads.get(tensor.pointer));
  }
}
