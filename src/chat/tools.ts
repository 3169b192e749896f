/**
 * Which functions a prompt offers, and which arguments each of them has: all that the validity of a call is judged by.
 * Required arguments, types and enums are not looked at, as in STAR's reward.
 */
import { tryParseJson } from '../json/parse.ts';
import { fromJson, isDict, isList, strip, typeName, type PyDict, type PyValue } from '../json/python.ts';
import { pyRepr } from '../json/repr.ts';
import { between, type GoldCall, type Malformed, type WrittenCall } from './generation.ts';
import type { Tool } from './messages.ts';

export interface ToolTable {
  /** The names of each function's arguments. */
  readonly functions: ReadonlyMap<string, ReadonlySet<string>>;
  /** What could not be read, one sentence each; those tools are not in the table. */
  readonly problems: readonly string[];
}

/** JSON Schema keeps the arguments under "properties"; in the style of xLAM the parameters are the table of arguments itself. */
function argumentNames(parameters: PyDict): ReadonlySet<string> {
  const properties = parameters.get('properties');
  const isSchema = isDict(properties) && (parameters.get('type') ?? null) !== null;
  return new Set((isSchema ? properties : parameters).keys());
}

/** A tool's name and argument names, or what is wrong with it. */
function readTool(document: PyValue): readonly [string, ReadonlySet<string>] | string {
  if (!isDict(document)) return `A tool is ${typeName(document)}, not an object.`;
  const inner = document.get('function');
  const tool = isDict(inner) && !document.has('name') ? inner : document;
  const name = tool.get('name');
  if (typeof name !== 'string') return 'A tool has no name.';
  const parameters = tool.get('parameters') ?? null;
  // A function that takes nothing is often written without parameters, or with null.
  if (parameters === null) return [name, new Set()];
  if (!isDict(parameters)) return `The parameters of ${name} are ${typeName(parameters)}, not an object.`;
  return [name, argumentNames(parameters)];
}

function tableOf(documents: Iterable<PyValue>, problems: string[]): ToolTable {
  const functions = new Map<string, ReadonlySet<string>>();
  for (const document of documents) {
    const tool = readTool(document);
    if (typeof tool === 'string') problems.push(tool);
    else functions.set(...tool);
  }
  return { functions, problems };
}

/**
 * The tools of a rendered prompt: the last `<tools>...</tools>`, one JSON document a line. Of two tools of one name the last holds.
 * Where STAR's reader raises it goes on: OpenAI's {"type": "function", "function": {...}} is unwrapped, missing parameters are none, and a
 * line that is no tool is left out and reported in `problems`.
 */
export function toolTableFromPrompt(prompt: string): ToolTable {
  const block = between(prompt, '<tools>', '</tools>').at(-1) ?? '';
  const documents: PyValue[] = [];
  const problems: string[] = [];
  for (const line of block.split('\n')) {
    const text = strip(line);
    if (text === '') continue;
    const parsed = tryParseJson(text);
    if (parsed.ok) documents.push(parsed.value);
    else problems.push(`A line of <tools> is no tool. ${parsed.error.message}`);
  }
  return tableOf(documents, problems);
}

/** The table of tools that are at hand as data. */
export function toolTable(tools: readonly Tool[]): ToolTable {
  return tableOf(
    tools.map(
      (tool) =>
        new Map([
          ['name', tool.name],
          ['parameters', fromJson(tool.parameters)],
        ] as const),
    ),
    [],
  );
}

/** Why a well-formed call is refused by the table. */
export type ValidityFault = 'unknown_function' | 'unknown_argument' | 'arguments_not_object';

export interface ValidCall {
  readonly name: string;
  /** A dict; or a string or list that slipped through (see `checkCalls`), whose parts have no values. */
  readonly arguments: PyDict | string | readonly PyValue[];
}

/** A call that may be compared with a gold one by argument. */
export function isObjectCall(call: ValidCall | WrittenCall): call is GoldCall {
  return typeof call.name === 'string' && isDict(call.arguments);
}

function refuse(fault: ValidityFault, message: string): Malformed<ValidityFault> {
  return { kind: 'malformed', fault, message };
}

/** What iterating over the arguments yields in Python: keys, characters or items; nothing for a number, a boolean or null. */
function partsOf(written: PyValue): Iterable<PyValue> | undefined {
  if (isDict(written)) return written.keys();
  return typeof written === 'string' || isList(written) ? written : undefined;
}

/**
 * Checks every call against the table: its function must be there, and its arguments among that function's. Python only iterates over the
 * arguments, so a string whose every character, or a list whose every item, is the name of an argument passes too, as do "" and [].
 */
export function checkCalls(
  calls: readonly WrittenCall[],
  table: ToolTable,
): readonly ValidCall[] | Malformed<ValidityFault> {
  const valid: ValidCall[] = [];
  for (const { name, arguments: written } of calls) {
    const known = typeof name === 'string' ? table.functions.get(name) : undefined;
    if (typeof name !== 'string' || known === undefined) {
      return refuse('unknown_function', `No tool is named ${shorten(pyRepr(name))}.`);
    }
    const parts = partsOf(written);
    if (parts === undefined || !(typeof written === 'string' || isList(written) || isDict(written))) {
      return refuse(
        'arguments_not_object',
        `The arguments of ${name} are ${typeName(written)}, not an object.`,
      );
    }
    for (const part of parts) {
      if (typeof part !== 'string' || !known.has(part)) {
        return refuse('unknown_argument', `${name} has no argument ${shorten(pyRepr(part))}.`);
      }
    }
    valid.push({ name, arguments: written });
  }
  return valid;
}

/** Messages go into logs, and a model can write a name of any length. */
function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
