/** Every optimiser, by the name that recipes call it. A new one is one file here and one line in this table. */
import { z } from 'zod';
import type { Device } from '../../ggml/device.ts';
import type { ParameterSet } from '../parameters.ts';
import { adamW } from './adamw.ts';
import { offloadedAdamW } from './adamw-offloaded.ts';
import { adamwOptions, type AdamWOptions, type Optimizer } from './optimizer.ts';

/** Surroundings of an optimiser, beside its options. */
interface Surroundings {
  readonly parameters: ParameterSet;
  /** Computes the updates: the parameters' own device, or another one that reaches the same memory. */
  readonly device: Device;
  /** Holds what is kept on the disk while the optimiser is in use. */
  readonly folder: string;
  /** Tells which matrices are the layers' own. */
  readonly isLayerMatrix: (name: string) => boolean;
}

type Make = (around: Surroundings, options: AdamWOptions & { readonly muon_momentum: number }) => Optimizer;

const optimizers = {
  adamw: ({ parameters, device }, options) => adamW(parameters, options, device),
  adamw_8bit: ({ parameters, device }, options) => adamW(parameters, { ...options, eightBit: true }, device),
  adamw_offloaded: ({ parameters, device, folder }, options) =>
    offloadedAdamW(parameters, options, folder, device),
  muon: ({ parameters, device, isLayerMatrix }, options) =>
    adamW(
      parameters,
      { ...options, muon: { momentum: options.muon_momentum, matrices: isLayerMatrix } },
      device,
    ),
} as const satisfies Record<string, Make>;

export const optimizerOptions = {
  optimizer: z
    .enum(Object.keys(optimizers) as (keyof typeof optimizers)[])
    .default('adamw')
    .describe(
      "adamw_8bit keeps its moments in 8 bits, adamw_offloaded in a file of the run; muon updates the layers' matrices by orthogonalised momentum, and AdamW the rest",
    ),
  muon_momentum: z.number().min(0).lt(1).default(0.95),
  ...adamwOptions,
};
export type OptimizerOptions = z.output<z.ZodObject<typeof optimizerOptions>>;

/** Makes the optimiser that the options name. */
export const createOptimizer = (options: OptimizerOptions, around: Surroundings): Optimizer =>
  optimizers[options.optimizer](around, options);
