/** Random JSON Schemas with every keyword that answers are held to, and what a random model writes by them. */
import type { Rng } from '../../src/base/rng.ts';
import type { State } from '../../packages/constrain/src/state.ts';
import type { JsonObject, JsonValue } from '../../src/json/value.ts';

const PATTERNS = [
  '^[a-z]{2,4}$',
  '^\\d{3}-\\d{4}$',
  'ab|cd',
  '^(?:x|yz)*$',
  '^[^\\d\\s]+$',
  '[.!?]$',
  '^.{1,3}$',
  '^(red|green)?-?\\w+$',
  '^[A-ZÄÖ]é+$',
];
const FORMATS = ['date', 'time', 'date-time', 'email', 'uuid', 'ipv4', 'uri'];
const SCALARS: readonly JsonValue[] = ['a', 'ab', 'x"\\', 'é\n', 'red', 1, 2.5, -3, 0, true, false, null];
const KEYS = ['a', 'b', 'c d"', 'é'];

/** A random schema; `depth` says how many may stand inside of one another. */
function randomSchema(rng: Rng, depth = 3): JsonObject {
  const inner = (): JsonObject => randomSchema(rng, depth - 1);
  const kinds = ['string', 'number', 'integer', 'enum', 'const', 'types', 'not'];
  const nested = ['object', 'object', 'array', 'unique', 'anyOf', 'oneOf', 'allOf', 'ref'];
  const kind = rng.pick(depth > 0 ? [...kinds, ...nested, ...nested] : kinds);
  switch (kind) {
    case 'string':
      return { type: 'string', ...textRules(rng) };
    case 'number':
    case 'integer':
      return { type: kind, ...numberRules(rng) };
    case 'enum': {
      const values = [...new Set(Array.from({ length: 1 + rng.below(5) }, () => rng.pick(SCALARS)))];
      return {
        enum: values,
        ...(rng.chance(0.3) ? { type: rng.pick(['string', 'number', 'integer']) } : {}),
      };
    }
    case 'const':
      return { const: rng.pick<JsonValue>([...SCALARS, { a: [1, 'x'] }, [], [[null]]]) };
    case 'types':
      return { type: rng.pick<readonly string[]>([['null', 'string'], ['integer', 'boolean'], ['number']]) };
    case 'not':
      return {
        type: 'string',
        not: rng.pick<JsonObject>([{ pattern: '^a' }, { enum: ['x', ''] }, { minLength: 4 }]),
      };
    case 'array':
      return { type: 'array', items: inner(), ...sizes(rng, 'Items') };
    case 'unique': {
      const items = rng.pick<JsonObject>([
        { enum: ['a', 'b', 1] },
        { type: 'integer', minimum: 1, maximum: 3 },
        { type: 'string', pattern: '^[ab]$' },
        { anyOf: [{ type: 'boolean' }, { enum: [true, 'q'] }] },
        { type: ['string', 'number'] },
      ]);
      return { type: 'array', items, uniqueItems: true, ...sizes(rng, 'Items') };
    }
    case 'anyOf':
    case 'allOf':
      return { [kind]: Array.from({ length: 1 + rng.below(3) }, inner) };
    case 'oneOf':
      return { oneOf: Array.from({ length: 1 + rng.below(2) }, inner) };
    case 'ref':
      return { $ref: rng.pick(['#/$defs/A', '#/$defs/B']) };
    default:
      return randomObject(rng, inner);
  }
}

function randomObject(rng: Rng, inner: () => JsonObject): JsonObject {
  const keys = KEYS.filter(() => rng.chance(0.5));
  return {
    type: 'object',
    properties: Object.fromEntries(keys.map((key) => [key, inner()])),
    ...(rng.chance(0.6)
      ? { required: KEYS.filter((key) => rng.chance(keys.includes(key) ? 0.5 : 0.1)) }
      : {}),
    ...(rng.chance(0.5)
      ? { additionalProperties: rng.pick<JsonValue>([true, false, { type: 'integer' }]) }
      : {}),
    ...(rng.chance(0.3) ? sizes(rng, 'Properties') : {}),
  };
}

function sizes(rng: Rng, of: string): JsonObject {
  const least = rng.below(3);
  return {
    ...(rng.chance(0.5) ? { [`min${of}`]: least } : {}),
    ...(rng.chance(0.5) ? { [`max${of}`]: least + rng.below(3) } : {}),
  };
}

const textRules = (rng: Rng): JsonObject => ({
  ...(rng.chance(0.4) ? { pattern: rng.pick(PATTERNS) } : {}),
  ...(rng.chance(0.3) ? { format: rng.pick(FORMATS) } : {}),
  ...(rng.chance(0.2) ? { minLength: rng.below(5) } : {}),
  ...(rng.chance(0.2) ? { maxLength: rng.below(30) } : {}),
});

function numberRules(rng: Rng): JsonObject {
  const low = Number(((rng.uniform() - 0.5) * 10 ** rng.below(6)).toFixed(rng.below(3)));
  return {
    ...(rng.chance(0.4) ? { [rng.pick(['minimum', 'exclusiveMinimum'])]: low } : {}),
    ...(rng.chance(0.4) ? { [rng.pick(['maximum', 'exclusiveMaximum'])]: low + rng.below(50) } : {}),
    ...(rng.chance(0.3) ? { multipleOf: rng.pick([2, 3, 0.5, 0.25, 7, 0.1]) } : {}),
  };
}

/** A root with two schemas that others refer to, also themselves. */
export const randomRoot = (rng: Rng): JsonObject => ({
  ...randomSchema(rng),
  // One that refers to itself has a value between.
  $defs: { A: randomSchema(rng, 0), B: randomObject(rng, () => randomSchema(rng, 1)) },
});

/** Bytes that a walk prefers, so that texts end and most letters are plain. */
const LIKELY = [...Buffer.from('abcdxyz0123456789.-@:/ "}],éred')];
const CLOSING = [...Buffer.from('"}]')];

/**
 * Text that a model of random preferences writes. Throws an Error at a dead end; `longest` bytes without an end are cut off, and
 * undefined is returned.
 */
export function randomText(start: State, rng: Rng, longest = 3000): string | undefined {
  const bytes: number[] = [];
  let state = start;
  while (bytes.length < longest) {
    const preferred = rng.chance(0.1 + bytes.length / 400) ? CLOSING : rng.chance(0.8) ? LIKELY : [];
    const begin = rng.below(256);
    const order = [...rng.shuffled(preferred), ...Array.from({ length: 256 }, (_, i) => (begin + i) % 256)];
    if (state.isEnd && rng.chance(0.5)) return Buffer.from(bytes).toString('utf8');
    let next: State | undefined;
    const byte = order.find((one) => (next = state.after(one)) !== undefined);
    if (byte === undefined || next === undefined) {
      if (state.isEnd) return Buffer.from(bytes).toString('utf8');
      throw new Error(`There is no way on behind ${Buffer.from(bytes).toString('utf8')}`);
    }
    bytes.push(byte);
    state = next;
  }
  return undefined;
}
