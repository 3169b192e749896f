/**
 * Damage to JSON that stays JSON, or nearly: values of other types, keys that are gone, double or renamed, depth, size.
 * Values are kept as they are written, so that what no writer writes (equal keys, NaN, lone surrogates, numbers of any
 * length) can be put in. Strings that hold JSON themselves, as many datasets have them, are gone into.
 */
import type { Rng } from '../../src/base/rng.ts';
import type { Mutator } from './bytes.ts';

type Node =
  | { readonly kind: 'leaf'; text: string }
  | { readonly kind: 'list'; readonly items: Node[] }
  | { readonly kind: 'map'; readonly entries: [key: string, value: Node][] }
  /** A string that holds JSON. */
  | { readonly kind: 'packed'; readonly inner: Node };

function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(nodeOf) };
  if (typeof value === 'object' && value !== null) {
    return {
      kind: 'map',
      entries: Object.entries(value).map(([key, one]) => [JSON.stringify(key), nodeOf(one)]),
    };
  }
  if (typeof value === 'string' && /^\s*[[{]/.test(value)) {
    const inner = parsed(value);
    if (inner !== undefined) return { kind: 'packed', inner };
  }
  return { kind: 'leaf', text: JSON.stringify(value) };
}

function parsed(text: string): Node | undefined {
  try {
    return nodeOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function textOf(node: Node): string {
  if (node.kind === 'leaf') return node.text;
  if (node.kind === 'packed') return JSON.stringify(textOf(node.inner));
  if (node.kind === 'list') return `[${node.items.map(textOf).join(', ')}]`;
  return `{${node.entries.map(([key, value]) => `${key}: ${textOf(value)}`).join(', ')}}`;
}

const nested = (open: string, close: string, depth: number): string =>
  open.repeat(depth) + close.repeat(depth);

/** Values as they are written; a function makes those that are long. */
const VALUES: readonly (string | (() => string))[] = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1',
  '-1',
  '2',
  '3',
  '0.5',
  '-1.5',
  '7',
  '100',
  '255',
  '65536',
  '1000000',
  '16777217',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '1e10',
  '9007199254740991',
  '9007199254740993',
  '-9223372036854775809',
  '18446744073709551615',
  '1e308',
  '1e999',
  '-1e999',
  '1e-400',
  '5.0',
  'NaN',
  'Infinity',
  '-Infinity',
  '01',
  '+1',
  '""',
  '" "',
  '"\\n"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"é"',
  '"中文，函数"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"null"',
  '"0"',
  '"-1"',
  '"[]"',
  '"{}"',
  '"../x"',
  '"<tool_call>"',
  '"</think>"',
  '"<|im_end|>"',
  '"object"',
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '[0]',
  '[""]',
  '[{}]',
  '{"": null}',
  '{"a": {}}',
  '{"__proto__": {"polluted": 1}}',
  '{"constructor": {"prototype": {"polluted": 1}}}',
  '{"type": "object"}',
  '{"type": ["string", "null"]}',
  '{"$ref": "#"}',
  () => '9'.repeat(400),
  () => '9'.repeat(5000),
  () => `0.${'1'.repeat(3000)}`,
  () => `"${'a'.repeat(100_000)}"`,
  () => `"${'\\u0000'.repeat(20_000)}"`,
  () => `"${'ab '.repeat(50_000)}"`,
  () => nested('[', ']', 300),
  () => nested('[', ']', 3000),
  () => nested('[', ']', 100_000),
  () => `${'{"a": '.repeat(300)}1${'}'.repeat(300)}`,
  () => `${'{"a": '.repeat(3000)}1${'}'.repeat(3000)}`,
  () => `[${'0, '.repeat(20_000)}0]`,
  () => `{${Array.from({ length: 5000 }, (_, i) => `"k${i}": ${i}`).join(', ')}}`,
];

const KEYS = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '0',
  '-1',
  'é',
  'type',
  'name',
];

const drawnValue = (rng: Rng): string => {
  const value = rng.pick(VALUES);
  return typeof value === 'string' ? value : value();
};

/** A node somewhere in the tree, with what puts another in its place; those near the root are likelier. */
function drawn(rng: Rng, root: { node: Node }): { node: Node; put: (node: Node) => void; parent?: Node } {
  let found: { node: Node; put: (node: Node) => void; parent?: Node } = {
    node: root.node,
    put: (node) => {
      root.node = node;
    },
  };
  while (rng.chance(0.85)) {
    const parent = found.node;
    if (parent.kind === 'list' && parent.items.length > 0) {
      const at = rng.below(parent.items.length);
      found = { node: parent.items[at] as Node, put: (node) => void (parent.items[at] = node), parent };
    } else if (parent.kind === 'map' && parent.entries.length > 0) {
      const entry = rng.pick(parent.entries);
      found = { node: entry[1], put: (node) => void (entry[1] = node), parent };
    } else if (parent.kind === 'packed') {
      // Its replacement is packed as well; as a string of its own it is one step above.
      const holder = parent as { inner: Node };
      found = { node: parent.inner, put: (node) => void (holder.inner = node), parent };
    } else break;
  }
  return found;
}

/** A leaf that looks like the old one: a string that is a little different, a number near it. */
function near(rng: Rng, text: string): string {
  if (!text.startsWith('"')) {
    const value = Number(text);
    return Number.isFinite(value)
      ? String(rng.pick([value + 1, value - 1, -value, value * 2, value + 0.5]))
      : `"${text}"`;
  }
  const value = JSON.parse(text) as string;
  const at = rng.below(value.length + 1);
  const put = rng.pick([
    '',
    '"',
    '\\',
    '\n',
    '\0',
    '\ud800',
    ' ',
    '(',
    ')',
    '[',
    '{',
    '}',
    ']',
    ',',
    '=',
    "'",
    '<',
    '*',
    '.',
    '|',
    '{{',
    '%}',
  ]);
  const end = at + rng.below(8);
  return JSON.stringify(
    rng.pick([
      value.slice(0, at) + put + value.slice(at),
      value.slice(0, at) + value.slice(end),
      value + value,
      value.toUpperCase(),
      value.slice(at) + value.slice(0, at),
    ]),
  );
}

function mutateNode(rng: Rng, root: { node: Node }): void {
  const { node, put, parent } = drawn(rng, root);
  const leaf = (text: string): void => put({ kind: 'leaf', text });
  switch (rng.below(10)) {
    case 0:
    case 1:
      return leaf(drawnValue(rng));
    case 2:
      return leaf(node.kind === 'leaf' ? near(rng, node.text) : JSON.stringify(textOf(node)));
    case 3:
      return put({ kind: 'list', items: rng.chance(0.5) ? [node] : [node, node] });
    case 4:
      return put({ kind: 'map', entries: [[JSON.stringify(rng.pick(KEYS)), node]] });
    case 5:
      // As text: a node that is put inside of itself would have no end.
      return leaf(textOf(drawn(rng, root).node));
    default:
  }
  const within = node.kind === 'leaf' || node.kind === 'packed' ? parent : node;
  if (within?.kind === 'list' && within.items.length > 0) {
    const at = rng.below(within.items.length);
    const [item] = within.items.splice(at, 1);
    // Doubled, moved to the end, or gone.
    if (item !== undefined && rng.chance(0.6))
      within.items.push(...(rng.chance(0.5) ? [item, item] : [item]));
  } else if (within?.kind === 'map' && within.entries.length > 0) {
    const at = rng.below(within.entries.length);
    const [key, value] = within.entries[at] as [string, Node];
    const choice = rng.below(4);
    if (choice === 0) within.entries.splice(at, 1);
    else if (choice === 1)
      within.entries.push([key, rng.chance(0.5) ? value : { kind: 'leaf', text: drawnValue(rng) }]);
    else if (choice === 2) within.entries[at] = [JSON.stringify(rng.pick(KEYS)), value];
    else within.entries.push([JSON.stringify(rng.pick(KEYS)), { kind: 'leaf', text: drawnValue(rng) }]);
  } else leaf(drawnValue(rng));
}

/** One to three changes of a text of JSON; what is none comes back as it is. */
export function mutateJsonText(rng: Rng, text: string): string {
  const node = parsed(text);
  if (node === undefined) return text;
  const root = { node };
  for (let n = 1 + rng.below(3); n > 0; n--) mutateNode(rng, root);
  return textOf(root.node);
}

/** A change of a file that is one JSON value. */
export const mutateJson: Mutator = (rng, bytes) => Buffer.from(mutateJsonText(rng, bytes.toString('utf8')));

/** A change of one or two lines of JSON, or of their order. */
export const mutateLines: Mutator = (rng, bytes) => {
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  for (let n = 1 + rng.below(2); n > 0 && lines.length > 0; n--) {
    const at = rng.below(lines.length);
    const line = lines[at] ?? '';
    if (rng.chance(0.9)) lines[at] = mutateJsonText(rng, line);
    else lines.splice(at, 1, ...rng.pick([[], [line, line], [`${line}${line}`], [line, ''], [`[${line}]`]]));
  }
  return Buffer.from(`${lines.join('\n')}${rng.chance(0.9) ? '\n' : ''}`);
};
