/**
 * Tells whether a chat template does nothing with the elements of a list but write each, or its `function`, as JSON, as Qwen's
 * do with tools. Then their JSON can be made outside, exactly and many times faster than the template engine goes
 * through them.
 */
import { Template } from '@huggingface/jinja';

/** A node of the engine's syntax tree, of which only the shapes below matter. */
type Node = Readonly<Record<string, unknown>>;

/** Names of the list, which keeps its length, and of its elements, which may only be dumped. */
interface Names {
  readonly list: string;
  readonly elements: ReadonlySet<string>;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

function identifier(node: unknown): string | undefined {
  return isNode(node) && node['type'] === 'Identifier' ? String(node['value']) : undefined;
}

/** Tells whether a node is `element.function`. */
function isFunction(node: unknown, { elements }: Names): boolean {
  if (!isNode(node) || node['type'] !== 'MemberExpression' || node['computed'] === true) return false;
  return identifier(node['property']) === 'function' && elements.has(identifier(node['object']) ?? '');
}

function isDump(node: Node, names: Names): boolean {
  if (node['type'] !== 'FilterExpression' || identifier(node['filter']) !== 'tojson') return false;
  const { operand } = node;
  return names.elements.has(identifier(operand) ?? '') || isFunction(operand, names);
}

/** Children of a node; the name behind a dot is none, as it is no variable. */
function children(node: Node): unknown[] {
  const isDotted = node['type'] === 'MemberExpression' && node['computed'] !== true;
  return Object.entries(node).flatMap(([key, value]) => {
    if (isDotted && key === 'property') return [];
    return value instanceof Map ? [...value].flat() : [value];
  });
}

function isLoop(node: Node, { list }: Names): boolean {
  return (
    node['type'] === 'For' &&
    identifier(node['iterable']) === list &&
    identifier(node['loopvar']) !== undefined
  );
}

function isHarmless(node: unknown, names: Names): boolean {
  if (!isNode(node)) return true;
  if (Array.isArray(node)) return node.every((one) => isHarmless(one, names));
  const name = identifier(node);
  if (name !== undefined) return name !== names.list && !names.elements.has(name);
  if (isDump(node, names)) return true;
  // The truth of a list does not depend on what is in it, nor that of a function.
  const isTest = identifier(node['test']) === names.list || isFunction(node['test'], names);
  if (node['type'] === 'If' && isTest) return isHarmless([node['body'], node['alternate']], names);
  if (isLoop(node, names)) {
    const elements = new Set([...names.elements, identifier(node['loopvar']) ?? '']);
    return isHarmless([node['body'], node['defaultBlock']], { ...names, elements });
  }
  return children(node).every((child) => isHarmless(child, names));
}

/** Answers by list, then by template. */
const known = new Map<string, Map<string, boolean>>();

/** Tells whether `template` only dumps the elements of its variable `list`; a template that cannot be parsed does not. */
export function onlyDumps(template: string, list: string): boolean {
  const answers = known.get(list) ?? new Map<string, boolean>();
  known.set(list, answers);
  const answer = answers.get(template) ?? isDumped(template, list);
  answers.set(template, answer);
  return answer;
}

function isDumped(template: string, list: string): boolean {
  try {
    return isHarmless(new Template(template).parsed, { list, elements: new Set() });
  } catch {
    // Rendering it says what is wrong.
    return false;
  }
}
