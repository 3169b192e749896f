/** Weights on their way into a file: the names of the types, and the bytes of one tensor at a time. */
import { UserError } from '../../base/errors.ts';
import type { Device } from '../../ggml/device.ts';
import { narrowF16 } from './safetensors.ts';

/** Types that weights are written as. */
export type WeightDType = 'f32' | 'f16';

/** A model's weights as a plain checkpoint has them. */
export interface ReadableWeights {
  readonly device: Device;
  read(name: string): Float32Array;
}

/** The largest number that rounds to a finite f16. */
const F16_LIMIT = 65_520;

/** A weight's values as they go into a file. Throws a UserError where f16 cannot hold one of them. */
export function weightBytes(name: string, values: Float32Array, dtype: WeightDType): Uint8Array {
  if (dtype === 'f32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  for (const value of values) {
    if (!(Math.abs(value) < F16_LIMIT)) {
      throw new UserError(
        'F16_RANGE',
        `${name} holds ${value}, which f16 cannot; write the model as f32, or train it with a smaller learning rate.`,
      );
    }
  }
  return new Uint8Array(narrowF16(values).buffer);
}
