/**
 * Functions that a prompt offers, and the arguments of each: all that the validity of a call is judged by.
 * Required arguments, types and enums are not looked at, as in STAR's reward.
 */
import { shortened, UserError } from '../base/errors.ts';
import { tryParseJson } from '../json/parse.ts';
import { fromJson, isDict, isList, strip, typeName, type PyDict, type PyValue } from '../json/python.ts';
import { pyRepr } from '../json/repr.ts';
import {
  type ArgumentsOf,
  between,
  type Malformed,
  type ToolFormat,
  type WrittenCall,
} from './formats/format.ts';
import { isFields } from '../json/value.ts';
import type { ExactCall, Tool, ToolCall } from './messages.ts';

/** A function that may be called. */
export interface ToolEntry {
  readonly name: string;
  /** Its arguments by name, with what is said of each. */
  readonly arguments: PyDict;
  /** JSON Schema, or in the style of xLAM the table of arguments itself. */
  readonly parameters: PyDict;
}

const NO_ARGUMENTS: PyDict = new Map();
/** Characters that a value may have in a message. */
const BRIEF = 80;

/** JSON Schema keeps the arguments under "properties"; in the style of xLAM the parameters are the table of arguments itself. */
export function argumentsOf(parameters: PyDict): PyDict {
  const properties = parameters.get('properties');
  const isSchema = isDict(properties) && (parameters.get('type') ?? null) !== null;
  return isSchema ? properties : parameters;
}

/** A tool, or what is wrong with it. */
function readTool(document: PyValue): ToolEntry | string {
  if (!isDict(document)) return `A tool is ${typeName(document)}, not an object.`;
  const inner = document.get('function');
  const tool = isDict(inner) && !document.has('name') ? inner : document;
  const name = tool.get('name');
  if (typeof name !== 'string') return 'A tool has no name.';
  // A function that takes nothing is often written without parameters, or with null.
  const parameters = tool.get('parameters') ?? NO_ARGUMENTS;
  if (!isDict(parameters)) return `The parameters of ${name} are ${typeName(parameters)}, not an object.`;
  return { name, parameters, arguments: argumentsOf(parameters) };
}

/** A tool of a table: a line of a prompt's list, or data. */
type Source = string | Tool;

/** False only if the tool certainly has another name: without an escape, a string stands in JSON as it is. */
const mayBe = (source: Source, name: string): boolean =>
  typeof source === 'string' ? source.includes(name) || source.includes('\\') : source.name === name;

function readSource(source: Source): ToolEntry | string {
  if (typeof source === 'string') {
    const parsed = tryParseJson(source);
    return parsed.ok
      ? readTool(parsed.value)
      : `A line of the prompt's tools is no tool. ${parsed.error.message}`;
  }
  const { name, parameters } = source;
  try {
    return readTool(fromJson({ name, parameters }));
  } catch (thrown) {
    if (thrown instanceof UserError) return `The parameters of ${name} cannot be read. ${thrown.message}`;
    throw thrown;
  }
}

/** Tools by their names, each read when it is first asked for: of a prompt's dozen tools a group of generations calls one or two. */
export class ToolTable {
  readonly #sources: readonly Source[];
  readonly #read: (ToolEntry | string | undefined)[];
  readonly #found = new Map<string, ToolEntry>();

  constructor(sources: readonly Source[]) {
    this.#sources = sources;
    this.#read = sources.map(() => undefined);
  }

  get #all(): readonly (ToolEntry | string)[] {
    return this.#sources.map((source, i) => (this.#read[i] ??= readSource(source)));
  }

  /** The tool of that name: of several, the last. */
  find(name: string): ToolEntry | undefined {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    for (const [i, source] of [...this.#sources.entries()].reverse()) {
      const tool = mayBe(source, name) ? (this.#read[i] ??= readSource(source)) : undefined;
      if (typeof tool !== 'object' || tool.name !== name) continue;
      this.#found.set(name, tool);
      return tool;
    }
    return undefined;
  }

  /** All tools, each name once. */
  get tools(): readonly ToolEntry[] {
    const named = this.#all.flatMap((tool) => (typeof tool === 'object' ? [[tool.name, tool] as const] : []));
    return [...new Map(named).values()];
  }

  /** Faults of tools that could not be read, one sentence each; those tools are not in the table. */
  get problems(): readonly string[] {
    return this.#all.filter((tool) => typeof tool === 'string');
  }
}

/**
 * The tools of a rendered prompt: the last `<tools>...</tools>`, one JSON document a line. Of two tools of one name the last holds.
 * Goes on where STAR's reader raises: OpenAI's {"type": "function", "function": {...}} is unwrapped, missing parameters are none, and a
 * line that is no tool is left out and reported in `problems`.
 */
export function toolTableFromPrompt(prompt: string, { tools }: ToolFormat): ToolTable {
  const block = tools === undefined ? '' : (between(prompt, tools.open, tools.close).at(-1) ?? '');
  const lines = block.split('\n').map(strip);
  return new ToolTable(lines.filter((line) => line !== ''));
}

/** The table of tools that are at hand as data. */
export const toolTable = (tools: readonly Tool[]): ToolTable => new ToolTable(tools);

/** Finds what the tools of a table say of their arguments, for formats that leave types open. */
export const argumentsIn =
  (table: ToolTable): ArgumentsOf =>
  (tool) =>
    table.find(tool)?.arguments;

/** Why a well-formed call is refused by the table. */
export type ValidityFault = 'unknown_function' | 'unknown_argument' | 'arguments_not_object';

export interface ValidCall {
  readonly name: string;
  /** A dict; or a string or list that slipped through (see `checkCall`), whose parts have no values. */
  readonly arguments: PyDict | string | readonly PyValue[];
}

/** A call that may be compared with a gold one by argument. */
export function isObjectCall(call: ValidCall | WrittenCall): call is ExactCall {
  return typeof call.name === 'string' && isDict(call.arguments);
}

function refuse(fault: ValidityFault, message: string): Malformed<ValidityFault> {
  return { kind: 'malformed', fault, message };
}

/** Items that Python finds when it iterates over the arguments: keys, characters or items; nothing for a number, a boolean or null. */
function partsOf(written: ValidCall['arguments']): Iterable<PyValue> {
  return isDict(written) ? written.keys() : written;
}

function mayBeArguments(written: PyValue): written is ValidCall['arguments'] {
  return isDict(written) || typeof written === 'string' || isList(written);
}

/**
 * Checks a call against the table: its function must be there, and its arguments among that function's. Python only iterates over the
 * arguments, so a string whose every character, or a list whose every item, is the name of an argument passes too, as do "" and [].
 */
export function checkCall(
  { name, arguments: written }: WrittenCall,
  table: ToolTable,
): ValidCall | Malformed<ValidityFault> {
  const tool = typeof name === 'string' ? table.find(name) : undefined;
  if (typeof name !== 'string' || tool === undefined)
    return refuse('unknown_function', `No tool is named ${brief(name)}.`);
  if (!mayBeArguments(written))
    return refuse(
      'arguments_not_object',
      `The arguments of ${name} are ${typeName(written)}, not an object.`,
    );
  for (const part of partsOf(written)) {
    if (typeof part !== 'string' || !tool.arguments.has(part))
      return refuse('unknown_argument', `${name} has no argument ${brief(part)}.`);
  }
  return { name, arguments: written };
}

/** A value in a message: messages go into logs, and a model can write a name of any length. */
const brief = (value: PyValue): string =>
  shortened(pyRepr(typeof value === 'string' ? value.slice(0, BRIEF) : value), BRIEF);

/** Entries in the order of `declared`, and behind them the others as they come. */
export function declaredFirst<T>(
  entries: Iterable<readonly [key: string, value: T]>,
  declared: readonly string[],
): (readonly [key: string, value: T])[] {
  const places = new Map(declared.map((key, place) => [key, place]));
  const placeOf = (key: string): number => places.get(key) ?? declared.length;
  return [...entries].toSorted(([a], [b]) => placeOf(a) - placeOf(b));
}

/** A call with its arguments in the order of the function's schema, as bases have learned to write them. */
export function inOrder({ name, arguments: given }: ToolCall, functions: readonly Tool[]): ToolCall {
  const properties = functions.find((tool) => tool.name === name)?.parameters['properties'];
  const declared = isFields(properties) ? Object.keys(properties) : [];
  return { name, arguments: Object.fromEntries(declaredFirst(Object.entries(given), declared)) };
}
