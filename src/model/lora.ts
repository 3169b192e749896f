/**
 * LoRA (Hu et al., arXiv 2106.09685): the model's weights stay, and of each target matrix W a product B A of low rank
 * is trained that is added to it. Initialised as in PEFT: A uniform, B zero. Its dropout is left out.
 */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { Rng } from '../base/rng.ts';
import { Graph, readF32 } from '../tensor/graph.ts';
import { detach, mulMat, scale, transpose } from '../tensor/ops/index.ts';
import { ParameterSet, type ParameterSpec } from '../tensor/parameters.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import { isLayerParameter } from './arch/config.ts';
import type { Adapter } from './arch/forward.ts';
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

export type LoraWeights = ReturnType<typeof loraWeights>;

/** Adapters on the weights `frozen`, which they then own; `rng` draws A. */
export function loraWeights(frozen: ParameterSet, options: LoraOptions, rng: Rng) {
  const { device } = frozen;
  const get = (name: string): Tensor => detach(frozen.get(name));
  const trained = new ParameterSet(device, loraSpecs(frozen.specs, options), 'trainable');
  const names = new Set(trained.specs.map(({ name }) => name));
  for (const { name, shape } of trained.specs) {
    if (!name.endsWith('.lora_A.weight')) continue;
    // PEFT's kaiming_uniform with a = sqrt(5).
    const bound = 1 / Math.sqrt(shape[0] ?? 1);
    const values = Float32Array.from({ length: sizeOf(shape) }, () => bound * (2 * rng.uniform() - 1));
    trained.set(name, values);
  }
  const adapter = (name: string): Adapter | undefined => {
    if (!names.has(nameOf(name, 'A'))) return undefined;
    const [a, b] = [trained.get(nameOf(name, 'A')), trained.get(nameOf(name, 'B'))];
    return { a, b, scale: options.alpha / options.rank };
  };
  return {
    trained,
    base: { get },
    device,
    get,
    adapter,
    leaf: (name: string) => trained.get(name),
    /** Nothing follows from the adapters. */
    refresh: () => Promise.resolve(),
    reload: () => undefined,
    /** The weight with its adapter merged into it, in f32. */
    read(name: string): Float32Array {
      const values = frozen.read(name);
      const own = adapter(name);
      if (own === undefined) return values;
      using g = new Graph(device, 16);
      const product = mulMat(g, transpose(g, detach(own.a)), detach(own.b));
      const delta = g.output(scale(g, product, own.scale));
      g.allocate();
      g.computeNow();
      const added = readF32(device, delta);
      for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + (added[i] ?? 0);
      return values;
    },
    [Symbol.dispose]() {
      for (const set of [trained, frozen]) set[Symbol.dispose]();
    },
  } satisfies TrainedWeights;
}
