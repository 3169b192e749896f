/** Rotary positions of a model: their base, and how the frequencies are scaled for contexts longer than those first trained on. */
import { z } from 'zod';
import type { Graph } from '../../tensor/graph.ts';
import { rope } from '../../tensor/ops/index.ts';
import type { Tensor } from '../../tensor/tensor.ts';

const factor = z.number('a number').positive('above 0');
/** The scalings of RoPE that are computed, by their type, with the keys of each: transformers' names. */
export const ROPE_SCALINGS = {
  linear: z.object({ rope_type: z.literal('linear'), factor }),
  llama3: z.object({
    rope_type: z.literal('llama3'),
    factor,
    low_freq_factor: factor,
    high_freq_factor: factor,
    original_max_position_embeddings: factor,
  }),
} as const;
export type RopeScaling = Readonly<z.output<(typeof ROPE_SCALINGS)[keyof typeof ROPE_SCALINGS]>>;

/** Rotary positions of a configuration. */
export interface RopeShape {
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
}

/** Divisors of each pair's frequency, [headDim / 2]: as transformers' modeling_rope_utils.py, in float64. */
export function ropeFactors(scaling: RopeScaling, theta: number, headDim: number): Float32Array {
  const pairs = Float32Array.from({ length: headDim / 2 });
  if (scaling.rope_type === 'linear') return pairs.fill(scaling.factor);
  const { factor, low_freq_factor: low, high_freq_factor: high } = scaling;
  const trained = scaling.original_max_position_embeddings;
  return pairs.map((_, pair) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * pair) / headDim);
    if (wavelength < trained / high) return 1;
    if (wavelength > trained / low) return factor;
    const smooth = (trained / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** Rotates queries or keys [headDim, heads, N] by their positions i32 [N]. */
export function rotate(
  g: Graph,
  { ropeTheta: theta, ropeScaling: scaling, headDim }: RopeShape,
  x: Tensor,
  positions: Tensor,
): Tensor {
  if (scaling === undefined) return rope(g, x, positions, theta);
  const factors = g.numbers('rope factors', () => ropeFactors(scaling, theta, headDim));
  return rope(g, x, positions, theta, factors);
}

/** Contexts that models were first trained on, for which the divisors of a file are looked through. */
const TRAINED_CONTEXTS = Array.from({ length: 17 }, (_, power) => 2 ** (power + 4));

/** The scaling whose divisors [headDim / 2] are these to f32's precision; undefined where none of Llama 3's kind is. */
export function llama3Scaling(factors: Float32Array, theta: number): RopeScaling | undefined {
  const factor = Math.max(...factors);
  return TRAINED_CONTEXTS.map((original_max_position_embeddings): RopeScaling => ({
    rope_type: 'llama3',
    factor,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings,
  })).findLast((scaling) =>
    ropeFactors(scaling, theta, 2 * factors.length).every(
      (value, pair) => Math.abs(value / (factors[pair] ?? NaN) - 1) < 1e-5,
    ),
  );
}
