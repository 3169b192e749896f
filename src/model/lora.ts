/**
 * LoRA (Hu et al., arXiv 2106.09685): the model's weights stay, and of each target matrix W a product B A of low rank
 * is trained that is added to it. Initialised as in PEFT: A uniform, B zero. Its dropout is left out.
 */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { Rng } from '../base/rng.ts';
import type { Device } from '../ggml/device.ts';
import { Graph, readF32 } from '../tensor/graph.ts';
import { detach, mulMat, scale, transpose } from '../tensor/ops/index.ts';
import { ParameterSet, type ParameterSpec } from '../tensor/parameters.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import { isLayerParameter } from './arch/config.ts';
import type { Adapter, WeightSource } from './arch/forward.ts';
import type { TrainedWeights } from './trained-weights.ts';

/** The matrices of a layer that may have an adapter, by the last part of their names in any family. */
const LORA_TARGETS =
  'q_proj k_proj v_proj o_proj gate_proj up_proj down_proj in_proj out_proj w1 w2 w3 input_linear output_linear'.split(
    ' ',
  );

export const loraOptions = {
  rank: z.int().positive().default(16),
  alpha: z.number().positive().default(32).describe('what is added is alpha / rank times the product'),
  target_modules: z
    .union([z.literal('all-linear'), z.array(z.enum(LORA_TARGETS)).min(1)])
    .default('all-linear')
    .describe('the matrices of every layer that are adapted'),
};
export type LoraOptions = z.output<z.ZodObject<typeof loraOptions>>;

/** PEFT's names of an adapter's two matrices. */
const nameOf = (matrix: string, part: 'A' | 'B'): string =>
  matrix.replace(/\.weight$/, `.lora_${part}.weight`);

/** The adapters' parameters for a model's, A [K, rank] and B [rank, M] for each target [K, M]. Throws a UserError for a target that it lacks. */
function loraSpecs(specs: readonly ParameterSpec[], { rank, target_modules }: LoraOptions): ParameterSpec[] {
  const matrices = specs.filter(({ name, shape }) => isLayerParameter(name) && shape.length === 2);
  const known = new Set(matrices.map(({ name }) => lastPart(name)));
  const lacking = target_modules === 'all-linear' ? [] : target_modules.filter((name) => !known.has(name));
  if (lacking.length > 0)
    throw new UserError(
      'LORA',
      `target_modules has ${lacking.join(', ')}, and the layers of the model have ${[...known].join(', ')}; name some of these, or all-linear.`,
    );
  return matrices
    .filter(({ name }) => target_modules === 'all-linear' || target_modules.includes(lastPart(name)))
    .flatMap(({ name, shape: [k = 1, m = 1] }) => [
      { name: nameOf(name, 'A'), shape: [k, rank] },
      { name: nameOf(name, 'B'), shape: [rank, m] },
    ]);
}

const lastPart = (name: string): string => name.replace(/\.weight$/, '').replace(/^.*\./, '');

export class LoraWeights implements TrainedWeights {
  readonly trained: ParameterSet;
  readonly base: WeightSource;
  readonly #frozen: ParameterSet;
  readonly #options: LoraOptions;
  /** Names of the weights that have an adapter. */
  readonly #targets: ReadonlySet<string>;

  /** Adapters on the weights `base`, which it then owns; `rng` draws A. */
  constructor(base: ParameterSet, options: LoraOptions, rng: Rng) {
    this.#frozen = base;
    this.#options = options;
    this.base = { get: (name) => detach(base.get(name)) };
    this.trained = new ParameterSet(base.device, loraSpecs(base.specs, options), 'trainable');
    const targets = new Set(this.trained.specs.map(({ name }) => name));
    this.#targets = new Set(
      base.specs.map(({ name }) => name).filter((name) => targets.has(nameOf(name, 'A'))),
    );
    for (const { name, shape } of this.trained.specs) {
      if (!name.endsWith('.lora_A.weight')) continue;
      // PEFT's kaiming_uniform with a = sqrt(5).
      const bound = 1 / Math.sqrt(shape[0] ?? 1);
      const values = Float32Array.from({ length: sizeOf(shape) }, () => bound * (2 * rng.uniform() - 1));
      this.trained.set(name, values);
    }
  }

  get device(): Device {
    return this.#frozen.device;
  }

  get(name: string): Tensor {
    return this.base.get(name);
  }

  adapter(name: string): Adapter | undefined {
    if (!this.#targets.has(name)) return undefined;
    const { rank, alpha } = this.#options;
    return {
      a: this.trained.get(nameOf(name, 'A')),
      b: this.trained.get(nameOf(name, 'B')),
      scale: alpha / rank,
    };
  }

  leaf(name: string): Tensor {
    return this.trained.get(name);
  }

  /** Nothing follows from the adapters. */
  async refresh(): Promise<void> {}

  reload(): void {}

  /** The weight with its adapter merged into it, in f32. */
  read(name: string): Float32Array {
    const values = this.#frozen.read(name);
    const adapter = this.adapter(name);
    if (adapter === undefined) return values;
    using g = new Graph(this.#frozen.device, 16);
    const [a, b] = [detach(adapter.a), detach(adapter.b)];
    const delta = g.output(scale(g, mulMat(g, transpose(g, a), b), adapter.scale));
    g.allocate();
    g.computeNow();
    const added = readF32(g.device, delta);
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + (added[i] ?? 0);
    return values;
  }

  [Symbol.dispose](): void {
    this.trained[Symbol.dispose]();
    this.#frozen[Symbol.dispose]();
  }
}
