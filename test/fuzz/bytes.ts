/** Damage to bytes that knows nothing of what they mean: what disks, editors and copies that were cut short do to a file. */
import type { Rng } from '../../src/base/rng.ts';

/** Changes a file's bytes, the same for the same state of the generator. */
export type Mutator = (rng: Rng, bytes: Buffer) => Buffer;

/** Whole numbers where readers break: around zero, the ends of their types, what does not fit a double or a memory. */
const EDGES = [
  0n,
  1n,
  2n,
  127n,
  128n,
  255n,
  256n,
  65_535n,
  65_536n,
  1_000_000n,
  (1n << 30n) - 1n,
  1n << 30n,
  (1n << 31n) - 1n,
  1n << 31n,
  (1n << 32n) - 1n,
  1n << 32n,
  1n << 40n,
  (1n << 53n) - 1n,
  1n << 53n,
  1n << 62n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
  (1n << 64n) - 8n,
];

/** Overwrites a little-endian number of `width` bytes with an edge, or with what lies next to it. */
export function damageNumber(rng: Rng, bytes: Buffer, at: number, width: number): void {
  const bits = BigInt(8 * width);
  let old = 0n;
  for (let i = width - 1; i >= 0; i--) old = (old << 8n) | BigInt(bytes[at + i] ?? 0);
  const near = [old + 1n, old - 1n, old * 2n, old ^ (1n << BigInt(rng.below(8 * width)))];
  let value = BigInt.asUintN(Number(bits), rng.chance(0.6) ? rng.pick(EDGES) : rng.pick(near));
  for (let i = 0; i < width && at + i < bytes.length; i++, value >>= 8n) bytes[at + i] = Number(value & 255n);
}

const joined = (...parts: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));

/** Bytes that no well-formed text has. */
const FOREIGN = [
  Buffer.from([0xff]),
  Buffer.from([0xc3, 0x28]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  Buffer.from([0]),
  Buffer.from([0x1a]),
  Buffer.from([0xef, 0xbb, 0xbf]),
  Buffer.from('\u2028'),
  Buffer.from('\r'),
];

const STEPS: readonly Mutator[] = [
  function flipBits(rng, bytes) {
    const copy = Buffer.from(bytes);
    for (let n = 1 + rng.below(4); n > 0 && copy.length > 0; n--) {
      const at = rng.below(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << rng.below(8));
    }
    return copy;
  },
  function truncate(rng, bytes) {
    return rng.chance(0.1) ? Buffer.alloc(0) : bytes.subarray(0, rng.below(bytes.length + 1));
  },
  function loseBeginning(rng, bytes) {
    return bytes.subarray(rng.below(Math.min(bytes.length, 64) + 1));
  },
  function deleteChunk(rng, bytes) {
    const at = rng.below(bytes.length + 1);
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + rng.below(64)));
  },
  function repeatChunk(rng, bytes) {
    const at = rng.below(bytes.length + 1);
    const chunk = bytes.subarray(at, at + 1 + rng.below(200));
    const times = rng.chance(0.05) ? 5000 : 1 + rng.below(4);
    return joined(bytes.subarray(0, at), ...Array.from({ length: times }, () => chunk), bytes.subarray(at));
  },
  function insertRandom(rng, bytes) {
    const at = rng.below(bytes.length + 1);
    const chunk = Buffer.from(Array.from({ length: 1 + rng.below(16) }, () => rng.below(256)));
    return joined(bytes.subarray(0, at), chunk, bytes.subarray(at));
  },
  function insertForeign(rng, bytes) {
    const at = rng.below(bytes.length + 1);
    return joined(bytes.subarray(0, at), rng.pick(FOREIGN), bytes.subarray(at));
  },
  function overwriteNumber(rng, bytes) {
    const copy = Buffer.from(bytes);
    // Headers come first, and most of what they say is small.
    const end = rng.chance(0.7) ? Math.min(copy.length, 512) : copy.length;
    damageNumber(rng, copy, rng.below(end + 1), rng.pick([1, 2, 4, 8]));
    return copy;
  },
  function blank(rng, bytes) {
    const copy = Buffer.from(bytes);
    const at = rng.below(copy.length + 1);
    return copy.fill(rng.pick([0, 0xff, 0x20]), at, Math.min(copy.length, at + 1 + rng.below(4096)));
  },
  function swapChunks(rng, bytes) {
    const [a = 0, b = 0, c = 0] = [0, 0, 0].map(() => rng.below(bytes.length + 1)).toSorted((x, y) => x - y);
    return joined(bytes.subarray(0, a), bytes.subarray(b, c), bytes.subarray(a, b), bytes.subarray(c));
  },
];

/** One blind change. */
export const mutateBytes: Mutator = (rng, bytes) => rng.pick(STEPS)(rng, bytes);

/** Another encoding of a text, as editors and shells of other systems save it. */
export const mutateEncoding: Mutator = (rng, bytes) => {
  const text = bytes.toString('utf8');
  const big = Buffer.from(text, 'utf16le').swap16();
  return rng.pick([
    joined('\uFEFF', bytes),
    joined(Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')),
    joined(Buffer.from([0xfe, 0xff]), big),
    Buffer.from(text, 'utf16le'),
    Buffer.from(text, 'latin1'),
    Buffer.from(text.replaceAll('\n', '\r\n')),
    Buffer.from(text.replaceAll('\n', '\r')),
    joined(bytes, '\0'.repeat(64)),
  ]);
};

/** A change of a text by pieces of its language: one is put in, put in place of something, or put in very often. */
export function mutateWith(pieces: readonly string[]): Mutator {
  return (rng, bytes) => {
    const text = bytes.toString('utf8');
    const at = rng.below(text.length + 1);
    const piece = rng.pick(pieces).repeat(rng.chance(0.03) ? 3000 : 1);
    return Buffer.from(text.slice(0, at) + piece + text.slice(at + (rng.chance(0.5) ? rng.below(30) : 0)));
  };
}

/** One of several mutators, each as likely as its weight says. */
export function oneOf(...choices: readonly (readonly [weight: number, Mutator])[]): Mutator {
  const sum = choices.reduce((total, [weight]) => total + weight, 0);
  return (rng, bytes) => {
    let left = rng.uniform() * sum;
    const chosen = choices.find(([weight]) => (left -= weight) < 0) ?? choices[0];
    return chosen === undefined ? bytes : chosen[1](rng, bytes);
  };
}
