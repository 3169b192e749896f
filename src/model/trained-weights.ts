/** Weights of a model in training, when it computes with others than the optimiser changes. */
import type { ReadableWeights } from './checkpoint/export-tensor.ts';
import type { ParameterSet } from '../tensor/parameters.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import type { WeightSource } from './arch/forward.ts';

/** Types that matrices are computed in. */
export type ComputeDType = Extract<DType, 'f32' | 'f16' | 'bf16'>;

export interface TrainedWeights extends WeightSource, ReadableWeights, Disposable {
  /** Parameters that the optimiser changes. */
  readonly trained: ParameterSet;
  /** The model before it was trained, if it is still there. */
  readonly base?: WeightSource;
  /** The tensor that the gradient of a trained parameter flows to. */
  leaf(name: string): Tensor;
  /** Brings what follows from `trained` up to date, after a step of the optimiser. */
  refresh(): Promise<void>;
  /** The same at once, without the device: after `trained` was set from outside. */
  reload(): void;
}
