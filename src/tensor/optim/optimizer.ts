/** What all optimisers have in common: gradients that training graphs add to, and averages that are saved with a run. */
import type { ParameterSet, ParameterSpec } from '../parameters.ts';

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decay of matrices; vectors (norm weights) are not decayed. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm; 0 turns clipping off. */
  readonly maxNorm: number;
}

/** Named tensors that are read and set whole, wherever they lie. */
export interface StoredTensors {
  readonly specs: readonly ParameterSpec[];
  read(name: string): Float32Array;
  set(name: string, values: Float32Array): void;
  /** Their bytes as they are: blocks of quantised numbers must be restored to the bit. */
  readBytes(name: string): Uint8Array;
  setBytes(name: string, bytes: Uint8Array): void;
}

export interface Optimizer extends Disposable {
  /** Zero after a step. */
  readonly gradients: ParameterSet;
  /** Averages of gradients, and of their squares. */
  readonly first: StoredTensors;
  readonly second: StoredTensors;
  /** Steps applied so far. */
  steps: number;
  /** Global L2 norm of the accumulated gradients. */
  gradientNorm(): Promise<number>;
  /** Applies one update at learning rate `lr` and clears the gradients. `norm` is what `gradientNorm` gave. */
  step(lr: number, norm: number): Promise<void>;
}

/** What gradients of this norm are multiplied by. */
export const clipOf = ({ maxNorm }: AdamWOptions, norm: number): number =>
  maxNorm > 0 && norm > maxNorm ? maxNorm / norm : 1;

/** The numbers that ggml's AdamW takes, of the update number `step`, counted from 1. */
export function adamSettings(
  { beta1, beta2, eps }: AdamWOptions,
  lr: number,
  decay: number,
  step: number,
): Float32Array {
  return Float32Array.of(lr, beta1, beta2, eps, decay, 1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step));
}
