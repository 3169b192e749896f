/**
 * Tools as people, data sets and servers write them, read into the one form that everything else knows: {name,
 * description, parameters, ...}. OpenAI, Anthropic, Gemini, Bedrock and the Model Context Protocol each have a name of
 * their own for the schema; lists come bare, wrapped, as JSON text, or as an object from names to schemas.
 */
import { UserError } from '../base/errors.ts';
import { tryParseJson } from '../json/parse.ts';
import { portableFault } from '../json/portable.ts';
import { isDict, isList, toJsonObject, typeName, type PyDict, type PyValue } from '../json/python.ts';
import { pyStr } from '../json/repr.ts';
import type { Tool } from './messages.ts';

/** Names of the schema, the first that holds one counts. */
const SCHEMA_KEYS = [
  'parameters',
  'inputSchema',
  'input_schema',
  'parametersJsonSchema',
  'parameters_json_schema',
  'jsonSchema',
  'json_schema',
  'arguments',
  'args',
  'params',
  'schema',
] as const;
/** Names of what a tool answers with: a schema, but not of its arguments. */
const ANSWER_KEY = /output|return|response|result/i;
/** Names under which a list of tools may stand inside of an object. */
const LIST_KEYS = ['tools', 'functions', 'function_declarations', 'functionDeclarations', 'result'] as const;
/** Names under which an object may hold the tool itself. */
const WRAPPER_KEYS = ['function', 'toolSpec', 'tool_spec'] as const;
/** Keys of a tool that is its own schema. */
const OWN_SCHEMA_KEYS = ['properties', 'required', '$defs', 'definitions', 'additionalProperties'] as const;
/** Number of times that JSON is looked for inside of JSON text. */
const MOST_TEXTS = 3;

function fault(message: string): UserError {
  return new UserError('TOOLS', message);
}

/** A value that may have been written as JSON text, also of JSON text. */
function unpacked(value: PyValue, what: string): PyValue {
  let inner = value;
  for (let i = 0; i < MOST_TEXTS && typeof inner === 'string'; i++) {
    if (inner.trim() === '') return null;
    const parsed = tryParseJson(inner);
    if (!parsed.ok) throw fault(`${what} a text that is not JSON. ${parsed.error.message}`);
    inner = parsed.value;
  }
  return inner;
}

function isObjectSchema(value: PyValue | undefined): boolean {
  return isDict(value) && (isDict(value.get('properties')) || value.get('type') === 'object');
}

/** Tells whether an object is a schema, and no table of arguments. */
function isSchema(value: PyDict): boolean {
  return isObjectSchema(value) || typeof value.get('type') === 'string';
}

/** A schema that says its type: where "properties" holds schemas, they are those of an object. */
function typed(schema: PyDict): PyDict {
  const properties = schema.get('properties');
  const isObject = isDict(properties) && [...properties.values()].every(isDict);
  return isObject && (schema.get('type') ?? null) === null
    ? new Map<string, PyValue>([['type', 'object'], ...[...schema].filter(([key]) => key !== 'type')])
    : schema;
}

/** Arguments as a list of {name, type, ...}, as a table of them. */
function tableOf(list: readonly PyValue[], name: string): PyDict {
  return new Map(
    list.map((item): [string, PyValue] => {
      const own = isDict(item) ? item.get('name') : undefined;
      if (!isDict(item) || typeof own !== 'string')
        throw fault(`The parameters of ${name} are a list of something else than objects with a name.`);
      return [own, new Map([...item].filter(([key]) => key !== 'name'))];
    }),
  );
}

/** The parameters that stand under a key; undefined where there are none. */
function parametersOf(value: PyValue | undefined, name: string): PyDict | undefined {
  const read = unpacked(value ?? null, `The parameters of ${name} are`);
  if (read === null) return undefined;
  if (isList(read)) return read.length === 0 ? undefined : tableOf(read, name);
  if (!isDict(read)) throw fault(`The parameters of ${name} are ${typeName(read)}, not an object.`);
  const inner = read.get('json');
  return typed(read.size === 1 && isDict(inner) ? inner : read);
}

function noParameters(): PyDict {
  return new Map<string, PyValue>([
    ['type', 'object'],
    ['properties', new Map()],
  ]);
}

/** The parameters of a tool that is its own schema, as Python's libraries write one; undefined if it is none. */
function ownSchema(tool: PyDict): PyDict | undefined {
  if (!isDict(tool.get('properties'))) return undefined;
  const own = OWN_SCHEMA_KEYS.flatMap((key): [string, PyValue][] => {
    const value = tool.get(key);
    return value === undefined ? [] : [[key, value]];
  });
  return new Map<string, PyValue>([['type', 'object'], ...own]);
}

/** Refuses a schema that would be left out in silence. */
function checkUnread(tool: PyDict, name: string): void {
  const unread = [...tool].find(([key, value]) => isObjectSchema(value) && !ANSWER_KEY.test(key));
  if (unread === undefined) return;
  const key = JSON.stringify(unread[0]);
  throw fault(`${name} has a schema under ${key}, which is not read; rename it to "parameters".`);
}

/** The tool with its parameters under that name, in the place where they stood. */
function withParameters(tool: PyDict, name: string): PyDict {
  let chosen: readonly [key: string, parameters: PyDict] | undefined;
  for (const key of SCHEMA_KEYS) {
    const parameters = parametersOf(tool.get(key), name);
    if (parameters === undefined) continue;
    if (parameters.size > 0 || chosen === undefined) chosen = [key, parameters];
    if (parameters.size > 0) break;
  }
  if (chosen !== undefined) {
    const [key, parameters] = chosen;
    const others = [...tool].filter(([other]) => other === key || other !== 'parameters');
    return new Map(
      others.map(([other, value]) => (other === key ? ['parameters', parameters] : [other, value])),
    );
  }
  const own = ownSchema(tool);
  if (own === undefined) checkUnread(tool, name);
  if (own === undefined && !SCHEMA_KEYS.some((key) => tool.has(key))) return tool;
  const isMoved = (key: string): boolean =>
    SCHEMA_KEYS.some((one) => one === key) || (own?.has(key) ?? false);
  const rest = [...tool].filter(([key]) => !isMoved(key));
  return new Map<string, PyValue>([...rest, ['parameters', own ?? noParameters()]]);
}

/** The tool with a description that is a text, if it has one. */
function withDescription(tool: PyDict, name: string): PyDict {
  if (!tool.has('description')) return tool;
  const description = tool.get('description') ?? '';
  if (typeof description !== 'string')
    throw fault(`The description of ${name} is ${typeName(description)}, not a text.`);
  return new Map([...tool, ['description', description]]);
}

/** A tool that was read, with an empty description behind its name and no parameters where it says nothing of them. */
export function completedTool(tool: PyDict): PyDict {
  const entries = [...tool];
  const name = entries.findIndex(([key]) => key === 'name');
  if (!tool.has('description')) entries.splice(name + 1, 0, ['description', '']);
  if (!tool.has('parameters')) entries.push(['parameters', noParameters()]);
  return new Map(entries);
}

/** The tool inside of a wrapper such as OpenAI's {"type": "function", "function": {...}}, or the value itself. */
export function unwrapped(value: PyDict): PyDict {
  const inner = WRAPPER_KEYS.map((key) => value.get(key)).find(isDict);
  return inner !== undefined && !value.has('name') ? inner : value;
}

/** Tells whether a value can be nothing but a tool: it has a name, and says what it takes and not what it is called with. */
export function looksLikeTool(value: PyValue): boolean {
  const tool = isDict(value) ? unwrapped(value) : undefined;
  if (typeof tool?.get('name') !== 'string') return false;
  const isCall = !tool.has('description') && !tool.has('parameters');
  return !isCall && SCHEMA_KEYS.some((key) => isDict(tool.get(key)) || tool.get(key) === null);
}

function readTool(value: PyValue, number: number): PyDict {
  const document = unpacked(value, `Tool ${number} is`);
  if (!isDict(document)) throw fault(`Tool ${number} is ${typeName(document)}, not an object.`);
  const tool = unwrapped(document);
  const name = tool.get('name');
  if (typeof name !== 'string' || name === '') throw fault(`Tool ${number} has no name.`);
  const unread = portableFault(tool);
  if (unread !== undefined) throw fault(`${name} has ${unread}, which not every reader of JSON takes.`);
  // OpenAI's newer form says so beside the name; it is no part of the tool.
  const bare = tool.get('type') === 'function' ? new Map([...tool].filter(([key]) => key !== 'type')) : tool;
  return withParameters(withDescription(bare, name), name);
}

/** A tool of an object from names to tools, to schemas, or to tables of arguments. */
function namedTool(key: string, value: PyValue): PyValue {
  if (!isDict(value)) throw fault(`The tool ${key} is ${typeName(value)}, not an object.`);
  if (typeof unwrapped(value).get('name') === 'string') return value;
  const own = unwrapped(value);
  const isTool = SCHEMA_KEYS.some((one) => own.has(one)) || (!isSchema(own) && own.has('description'));
  if (isTool) return new Map<string, PyValue>([['name', key], ...own]);
  const parameters = isSchema(own) ? new Map([...own].filter(([one]) => one !== 'description')) : own;
  return new Map<string, PyValue>([
    ['name', key],
    ['description', isSchema(own) ? (own.get('description') ?? '') : ''],
    ['parameters', parameters],
  ]);
}

function listOf(value: PyValue): readonly PyValue[] {
  const read = unpacked(value, 'The tools are');
  if (read === null) return [];
  if (isList(read)) {
    const declares = (item: PyValue): boolean =>
      isDict(item) && item.size === 1 && LIST_KEYS.some((key) => isList(item.get(key)));
    return read.flatMap((item) => (declares(item) ? listOf(item) : [item]));
  }
  if (!isDict(read)) throw fault(`The tools are ${typeName(read)}, not a list.`);
  if (typeof unwrapped(read).get('name') === 'string') return [read];
  const key = LIST_KEYS.find((one) => isList(read.get(one)) || isDict(read.get(one)));
  if (key !== undefined) return listOf(read.get(key) ?? null);
  return Array.from(read, ([name, inner]) => namedTool(name, inner));
}

/** Reads a list of tools in any of their forms; nothing at all is none. Throws a UserError that names the tool. */
export function readTools(value: PyValue | undefined): readonly PyDict[] {
  return listOf(value ?? null).map((tool, index) => readTool(tool, index + 1));
}

/** A tool that was read, with JavaScript's numbers. */
export function toTool(tool: PyDict): Tool {
  const parameters = tool.get('parameters');
  return {
    name: pyStr(tool.get('name') ?? ''),
    description: pyStr(tool.get('description') ?? ''),
    parameters: toJsonObject(isDict(parameters) ? parameters : noParameters()),
  };
}

/** Tools that may have been read, with JavaScript's numbers. */
export const toTools = (tools: readonly (Tool | PyDict)[] = []): Tool[] =>
  tools.map((tool) => (tool instanceof Map ? toTool(tool) : (tool as Tool)));
