/** `--set stages.ckd.lr=1e-4`: values of a recipe that are given on the command line, parsed as YAML. */
import { parseDocument } from 'yaml';
import { UserError } from '../base/errors.ts';
import type { Path } from './source.ts';
import { suggestion } from './suggest.ts';

/** Where an override took effect, and the words that said so. */
export interface Override {
  readonly path: Path;
  readonly words: string;
}

type Container = unknown[] | Record<string, unknown>;

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

function fault(words: string, text: string): UserError {
  return new UserError('RECIPE_OVERRIDE', `--set ${words}: ${text}`);
}

/** Puts one override into the plain values of a recipe, in place; throws a UserError when its path leads nowhere. */
export function applyOverride(root: Record<string, unknown>, words: string): Override {
  const equals = words.indexOf('=');
  if (equals < 1)
    throw fault(words, 'there is no "="; write it as --set path=value, such as --set stages.ckd.lr=1e-4.');
  const value = parseValue(words, words.slice(equals + 1));
  const path: (string | number)[] = [];
  let container: Container = root;
  let rest = words.slice(0, equals).split('.');
  for (;;) {
    const taken = takeName(container, rest);
    const key = keyOf(container, rest.slice(0, taken).join('.'), words);
    path.push(key);
    rest = rest.slice(taken);
    if (rest.length === 0) {
      write(container, key, value);
      return { path, words };
    }
    const inside: unknown = read(container, key);
    if (inside !== undefined && inside !== null && !isContainer(inside)) {
      throw fault(
        words,
        `${path.join('.')} is ${JSON.stringify(inside)}, a single value without keys; set it as a whole.`,
      );
    }
    const next: Container = isContainer(inside) ? inside : {};
    if (next !== inside) write(container, key, next);
    container = next;
  }
}

function parseValue(words: string, text: string): unknown {
  const parsed = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  const error = parsed.errors[0];
  if (error !== undefined)
    throw fault(words, `the value is not valid YAML (${error.message.replace(/[.:]$/, '')}); quote it.`);
  try {
    return parsed.toJS() as unknown;
  } catch (thrown) {
    throw new UserError(
      'RECIPE_OVERRIDE',
      `--set ${words}: a value that begins with "*" is an alias in YAML; quote it.`,
      {
        cause: thrown,
      },
    );
  }
}

function read(container: Container, key: string | number): unknown {
  if (Array.isArray(container)) return container[Number(key)];
  // `__proto__` and `constructor` are keys like others, and must not lead out of the recipe.
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

function write(container: Container, key: string | number, value: unknown): void {
  if (Array.isArray(container)) container[Number(key)] = value;
  else Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
}

/** The `name` of a list's entry. */
function entryName(entry: unknown): string | undefined {
  const name = isContainer(entry) && 'name' in entry ? entry.name : undefined;
  return typeof name === 'string' || typeof name === 'number' ? String(name) : undefined;
}

/** Where in a list `name` is: an entry's name, or else its index; -1 when it is neither. */
function indexOf(list: readonly unknown[], name: string): number {
  const byName = list.findIndex((entry) => entryName(entry) === name);
  if (byName >= 0) return byName;
  return /^\d+$/.test(name) && Number(name) < list.length ? Number(name) : -1;
}

/** How many segments make up the next name: more than one when the name itself has dots. */
function takeName(container: Container, segments: readonly string[]): number {
  for (let n = 1; n <= segments.length; n++) {
    const name = segments.slice(0, n).join('.');
    if (Array.isArray(container) ? indexOf(container, name) >= 0 : Object.hasOwn(container, name)) return n;
  }
  return 1;
}

function keyOf(container: Container, name: string, words: string): string | number {
  if (!Array.isArray(container)) return name;
  const index = indexOf(container, name);
  if (index >= 0) return index;
  const names = container.flatMap((entry) => entryName(entry) ?? []);
  throw fault(words, `there is no entry ${JSON.stringify(name)}${suggestion(name, names)}`);
}
