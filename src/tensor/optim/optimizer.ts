/** The interface of all optimisers: gradients that training graphs add to, and moments that are saved with a run. */
import { z } from 'zod';
import type { Graph } from '../graph.ts';
import type { ParameterSet, ParameterSpec } from '../parameters.ts';
import type { Tensor } from '../tensor.ts';

const decay = z.number().min(0).lt(1);

/** Options of AdamW, in whatever way its moments are kept. Vectors (norm weights) are not decayed. */
export const adamwOptions = {
  weight_decay: z.number().min(0).default(0).describe("AdamW's decoupled decay (OpenRLHF: l2)"),
  adam_beta1: decay.default(0.9),
  adam_beta2: decay.default(0.95),
  adam_eps: z.number().positive().default(1e-8),
  max_norm: z.number().min(0).default(1).describe('global gradient norm is clipped to this; 0 is off'),
};
export type AdamWOptions = z.output<z.ZodObject<typeof adamwOptions>>;

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
  /** Moments: running means of gradients, and of their squares. */
  readonly first: StoredTensors;
  readonly second: StoredTensors;
  /** Steps applied so far. */
  steps: number;
  /** Global L2 norm of the accumulated gradients. */
  gradientNorm(): Promise<number>;
  /** Applies one update at learning rate `lr` and clears the gradients. `norm` is what `gradientNorm` gave. */
  step(lr: number, norm: number): Promise<void>;
}

/** Factor by which gradients of this norm are clipped. */
export const clipOf = ({ max_norm }: AdamWOptions, norm: number): number =>
  max_norm > 0 && norm > max_norm ? max_norm / norm : 1;

/** Adds ggml's AdamW update of `weight` to a graph; the gradient is scaled by `clip`, a row, in place. */
export function adamStep(
  g: Graph,
  tensors: Readonly<Record<'weight' | 'gradient' | 'clip' | 'first' | 'second' | 'settings', Tensor>>,
): void {
  const { weight, gradient, clip, first, second, settings } = tensors;
  const updated = g.ggml.ggml_opt_step_adamw(
    g.context,
    weight.pointer,
    g.ggml.ggml_mul_inplace(g.context, gradient.pointer, clip.pointer),
    first.pointer,
    second.pointer,
    settings.pointer,
  );
  g.expand(g.constant(updated, weight.shape));
}

/** The numbers that ggml's AdamW takes, of the update number `step`, counted from 1. */
export function adamSettings(
  { adam_beta1, adam_beta2, adam_eps }: AdamWOptions,
  lr: number,
  weight_decay: number,
  step: number,
): Float32Array {
  const [first, second] = [1 / (1 - adam_beta1 ** step), 1 / (1 - adam_beta2 ** step)];
  return Float32Array.of(lr, adam_beta1, adam_beta2, adam_eps, weight_decay, first, second);
}
