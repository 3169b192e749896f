/** A GGUF file taken apart by hand, from the format's description: what the engine's reader is checked against. */
import { readFileSync } from 'node:fs';

export interface RawTensor {
  /** Contiguous dimension first. */
  readonly shape: readonly number[];
  /** `enum ggml_type`. */
  readonly type: number;
  /** Offsets of the type in the header, and of the bytes. */
  readonly typeAt: number;
  readonly start: number;
}

/** Bytes of a value by its `enum gguf_type`. */
export const WIDTHS: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
export const [STRING, ARRAY] = [8, 9];

/** Places of a file's tensors. */
export function rawTensors(path: string): { bytes: Buffer; tensors: Map<string, RawTensor> } {
  const bytes = readFileSync(path);
  let at = 8;
  const u32 = (): number => bytes.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const text = (): string => {
    const length = u64();
    return bytes.toString('utf8', at, (at += length));
  };
  const skip = (type: number): void => {
    if (type === STRING) text();
    else if (type === ARRAY) {
      const of = u32();
      for (let left = u64(); left > 0; left--) skip(of);
    } else at += WIDTHS[type]!;
  };
  const [count, pairs] = [u64(), u64()];
  for (let i = 0; i < pairs; i++) {
    text();
    skip(u32());
  }
  const entries = Array.from({ length: count }, () => {
    const name = text();
    const shape = Array.from({ length: u32() }, u64);
    const typeAt = at;
    return { name, shape, typeAt, type: u32(), offset: u64() };
  });
  const data = Math.ceil(at / 32) * 32;
  const tensors = new Map(
    entries.map(({ name, offset, ...rest }) => [name, { ...rest, start: data + offset }]),
  );
  return { bytes, tensors };
}

/** A half-precision number. */
function half(bytes: Buffer, at: number): number {
  const bits = bytes.readUInt16LE(at);
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

/** Blocks of 32: a scale in half precision, then 32 signed bytes. */
export function dequantiseQ8(bytes: Buffer, start: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const block = start + Math.floor(i / 32) * 34;
    return half(bytes, block) * bytes.readInt8(block + 2 + (i % 32));
  });
}

/** Blocks of 256: scale of the scales, scale of the minima, eight pairs of both in six bits, then 256 times four bits. */
export function dequantiseQ4K(bytes: Buffer, start: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const block = start + Math.floor(i / 256) * 144;
    const group = Math.floor((i % 256) / 32);
    const packed = (j: number): number => bytes[block + 4 + j]!;
    const [scale, least] =
      group < 4
        ? [packed(group) & 63, packed(group + 4) & 63]
        : [
            (packed(group + 4) & 15) | ((packed(group - 4) >> 6) << 4),
            (packed(group + 4) >> 4) | ((packed(group) >> 6) << 4),
          ];
    // Groups in pairs share their bytes: the even one has the low halves.
    const byte = bytes[block + 16 + Math.floor(group / 2) * 32 + (i % 32)]!;
    const value = group % 2 === 0 ? byte & 15 : byte >> 4;
    const [d, m] = [Math.fround(half(bytes, block) * scale), Math.fround(half(bytes, block + 2) * least)];
    return Math.fround(Math.fround(d * value) - m);
  });
}
