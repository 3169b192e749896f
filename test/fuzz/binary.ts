/** Damage to what the project's binary files say about themselves, with checksums made right again where there are some. */
import { crc32 } from 'node:zlib';
import type { Rng } from '../../src/base/rng.ts';
import { damageNumber, type Mutator } from './bytes.ts';
import { mutateJsonText } from './json.ts';
import { ARRAY, STRING, WIDTHS } from '../helpers/gguf-bytes.ts';

/** A change of a safetensors file's header: of its JSON, whose length is told rightly or wrongly. */
export const mutateSafetensors: Mutator = (rng, bytes) => {
  const length = Number(bytes.readBigUInt64LE(0));
  const [json, data] = [bytes.subarray(8, 8 + length), bytes.subarray(8 + length)];
  const header = rng.chance(0.9) ? Buffer.from(headerOf(rng, json.toString('utf8'))) : json;
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(header.length));
  if (header === json || rng.chance(0.05)) damageNumber(rng, start, 0, 8);
  return Buffer.concat([start, header, data]);
};

/** Mostly the numbers of one tensor; offsets that overlap, run backwards or are not whole among them. */
function headerOf(rng: Rng, text: string): string {
  if (rng.chance(0.6)) return mutateJsonText(rng, text);
  const header = JSON.parse(text) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: number[] }
  >;
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  const one = header[rng.pick(names)];
  const other = header[rng.pick(names)];
  if (one === undefined || other === undefined) return text;
  const changes: (() => void)[] = [
    () => (one.data_offsets = other.data_offsets),
    () => one.data_offsets.reverse(),
    () =>
      (one.data_offsets = one.data_offsets.map((place) => place + rng.pick([-4, -1, 1, 3, 4, 1e9, 2 ** 52]))),
    () => (one.shape = other.shape),
    () => (one.shape = [0, 2 ** 40, 2 ** 40]),
    () => (one.shape = [...one.shape, 1]),
    () => one.shape.reverse(),
    () => (one.dtype = rng.pick(['F64', 'F16', 'BF16', 'I64', 'I32', 'U8', 'BOOL', 'F8_E4M3', 'U32', ''])),
  ];
  rng.pick(changes)();
  return JSON.stringify(header);
}

interface Field {
  readonly at: number;
  readonly width: number;
}

/** Places of the numbers in a GGUF file's header: version, counts, lengths, types, values, sides, offsets. */
function ggufFields(bytes: Buffer): { fields: Field[]; end: number } {
  const fields: Field[] = [];
  let at = 4;
  const number = (width: number): number => {
    fields.push({ at, width });
    at += width;
    return width === 4 ? bytes.readUInt32LE(at - 4) : Number(bytes.readBigUInt64LE(at - 8));
  };
  const text = (noted: boolean): void => {
    const length = noted ? number(8) : Number(bytes.readBigUInt64LE((at += 8) - 8));
    at += length;
  };
  const value = (type: number): void => {
    if (type === STRING) text(true);
    else if (type === ARRAY) {
      const of = number(4);
      const count = number(8);
      // The first of them stand for all.
      if (of === STRING) for (let i = 0; i < count; i++) text(i < 3);
      else at += count * (WIDTHS[of] ?? 0);
    } else {
      fields.push({ at, width: WIDTHS[type] ?? 1 });
      at += WIDTHS[type] ?? 0;
    }
  };
  number(4);
  const [tensors, pairs] = [number(8), number(8)];
  for (let i = 0; i < pairs; i++) {
    text(true);
    value(number(4));
  }
  for (let i = 0; i < tensors; i++) {
    text(true);
    for (let sides = number(4); sides > 0; sides--) number(8);
    number(4);
    number(8);
  }
  return { fields, end: at };
}

/** A change of the numbers in a GGUF file's header, or of a letter in one of its texts. */
export const mutateGguf: Mutator = (rng, bytes) => {
  const copy = Buffer.from(bytes);
  const { fields, end } = ggufFields(bytes);
  for (let n = 1 + rng.below(3); n > 0; n--) {
    const { at, width } = rng.pick(fields);
    if (rng.chance(0.8)) damageNumber(rng, copy, at, width);
    else copy[rng.below(end)] = rng.below(256);
  }
  return copy;
};

/** A change of a top-k store, whose checksums are then made right: of its header's JSON, a sequence's lengths, the index. */
export const mutateTopK: Mutator = (rng, bytes) => {
  const length = bytes.readUInt32LE(12);
  const [start, json, rest] = [
    Buffer.from(bytes.subarray(0, 20)),
    bytes.subarray(20, 20 + length),
    Buffer.from(bytes.subarray(20 + length)),
  ];
  const choice = rng.below(4);
  const header = choice === 0 ? Buffer.from(mutateJsonText(rng, json.toString('utf8'))) : json;
  start.writeUInt32LE(header.length, 12);
  start.writeUInt32LE(crc32(header), 16);
  if (choice === 1) damageNumber(rng, start, rng.pick([8, 12]), 4);
  // The first sequence's numbers of tokens and rows.
  if (choice === 2) damageNumber(rng, rest, rng.pick([0, 4]), 4);
  const trailer = rest.subarray(rest.length - 32);
  const index = rest.subarray(Number(trailer.readBigUInt64LE(0)) - 20 - length, rest.length - 32);
  if (choice === 3) {
    if (rng.chance(0.5)) damageNumber(rng, index, 8 * rng.below(index.length / 8), 8);
    else {
      const [at, width] = rng.pick([[0, 8] as const, [8, 4] as const, [12, 8] as const]);
      damageNumber(rng, trailer, at, width);
    }
  }
  trailer.writeUInt32LE(crc32(trailer.subarray(0, 20), crc32(index)), 20);
  return Buffer.concat([start, header, rest]);
};
