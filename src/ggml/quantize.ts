/** Quantised GGUF files, by llama.cpp's own quantiser from the same npm package: its mixtures of types, its rounding. */
import { UserError } from '../base/errors.ts';
import { writeThrough } from '../base/output.ts';
import { openLlama } from './llama-binding.ts';

/** Types by llama.cpp's names, in its numbers (`enum llama_ftype`). */
export const QUANTIZED_TYPES = {
  bf16: 32,
  q8_0: 7,
  q6_k: 18,
  q5_k_m: 17,
  q4_k_m: 15,
  q4_0: 2,
} as const;
export type QuantizedType = keyof typeof QUANTIZED_TYPES;

/**
 * Writes the f32 or f16 GGUF file `source` as `target` with quantised matrices; a reader never sees half of it.
 * Rows that a type's blocks do not divide get a wider type, as llama.cpp sees fit, or are refused with a UserError.
 */
export function quantizeGguf(source: string, target: string, type: QuantizedType): void {
  const llama = openLlama();
  const params = { ...llama.quantizeDefaults, ftype: QUANTIZED_TYPES[type] };
  writeThrough(target, (place) => {
    const { result, errors } = llama.quietly(() => llama.native.llama_model_quantize(source, place, params));
    if (result === 0) return;
    throw new UserError(
      'QUANTIZE',
      `llama.cpp cannot write ${target} as ${type}: ${errors === '' ? 'it does not say why' : errors}; export it as f16.`,
    );
  });
}
