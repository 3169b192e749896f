/** Functions as a project keeps them: read from any form of tools, normalised, with what a tiny model cannot learn told by name. */
import { UserError } from '../../../../src/base/errors.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import { completedTool, readTools, toTool } from '../../../../src/chat/tool-documents.ts';
import { schemaOfType, subschemas, withJsonSchema } from '../../../../src/json/schema-dialects.ts';
import { isDict, isList, type PyDict, type PyValue, toJsonObject } from '../../../../src/json/python.ts';
import { throwFaults } from '../faults.ts';
import type { Note } from '../types.ts';
import { Canonical } from './canonical.ts';
import { shortDescription } from './descriptions.ts';
import { entriesOf, isObject, type JsonObject, type JsonValue } from './json.ts';

/** Numbers above which it is told that a tiny model will do less well. */
const MANY_FUNCTIONS = 40;
const MANY_PARAMETERS = 12;
/** Characters of all functions together that a request is read with: about a thousand tokens of a small vocabulary. */
const LONG_PROMPT = 12_000;
/** Names under which tools have examples of their arguments, and how many values of each are kept. */
const EXAMPLES = ['inputExamples', 'input_examples', 'examples'];
const MOST_EXAMPLES = 3;
/** Names that every server and format of calls takes. */
const PLAIN_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** A function as its source has it. */
export interface GivenFunction extends Tool {
  /** Schemas that its references may lead to, beside its own parameters. */
  readonly roots?: readonly JsonObject[];
}

/** Functions that were read, with what there is to know about them. */
export interface ReadFunctions {
  readonly functions: Tool[];
  readonly notes: Note[];
}

/** Names of types that no JSON Schema has, in parameters as they were written. */
function unknownTypes(schema: PyDict, found: string[] = []): readonly string[] {
  const type = schema.get('type');
  if (typeof type === 'string' && schemaOfType(type.split(',')[0] ?? '').size === 0) found.push(type);
  for (const part of subschemas(schema)) unknownTypes(part, found);
  return found;
}

/** Parameters whose texts have the values of a tool's own examples, which say how they look. */
function withExamples(parameters: JsonObject, tool: PyDict): JsonObject {
  const given = EXAMPLES.map((key) => tool.get(key)).find(isList) ?? [];
  const inputs = given.filter(isDict).map((one) => one.get('input') ?? one);
  const examples = inputs.filter(isDict).map(toJsonObject);
  if (examples.length === 0) return parameters;
  const properties = entriesOf(parameters['properties']).map(([name, schema]): [string, JsonValue] => {
    if (!isObject(schema) || schema['type'] !== 'string' || schema['enum'] !== undefined)
      return [name, schema];
    const values = new Set(examples.map((one) => one[name]).filter((value) => typeof value === 'string'));
    return [name, values.size === 0 ? schema : { ...schema, examples: [...values].slice(0, MOST_EXAMPLES) }];
  });
  return { ...parameters, properties: Object.fromEntries(properties) };
}

/** A tool of a file, whose references may also lead into the tool or the file itself. */
function givenFunction(
  tool: PyDict,
  around: JsonObject,
  note: (where: string, text: string) => void,
): GivenFunction {
  const complete = completedTool(tool);
  const parameters = complete.get('parameters');
  const title = complete.get('title');
  const type = isDict(parameters) ? parameters.get('type') : undefined;
  // Of another type it is left as it is, and refused.
  const isTable = typeof type !== 'string' || schemaOfType(type).get('type') === 'object';
  const read = toTool(isTable ? withJsonSchema(complete) : complete);
  for (const unknown of isDict(parameters) ? unknownTypes(parameters) : [])
    if (!/^(any|object|mixed|unknown)?$/i.test(unknown))
      note(
        read.name,
        `has an argument of type ${JSON.stringify(unknown)}, which is none of JSON Schema's, and takes any value`,
      );
  const whole = toTool(new Map([...complete, ['parameters', complete]])).parameters;
  const description = read.description === '' && typeof title === 'string' ? title : read.description;
  return {
    ...read,
    description,
    parameters: withExamples(read.parameters, complete),
    roots: [whole, around],
  };
}

/** The tools of a list, each read by itself so that the faults of all are told; throws nothing. */
function toolsOf(value: PyValue, faults: string[]): readonly PyDict[] {
  const parts = isList(value) ? value.map((item): PyValue => [item]) : [value];
  return parts.flatMap((part, index) => {
    try {
      return readTools(part);
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      const text = isList(value) ? thrown.message.replace(/\bTool 1\b/, `Tool ${index + 1}`) : thrown.message;
      faults.push(`${text.replace(/\. Not JSON: (.*)\.$/, ' ($1)').replace(/\.$/, '')}; correct it.`);
      return [];
    }
  });
}

/** Names that several functions have, with the numbers of those. */
function sameNames(functions: readonly Tool[]): string[] {
  const numbers = new Map<string, number[]>();
  for (const [index, { name }] of functions.entries())
    numbers.set(name, [...(numbers.get(name) ?? []), index + 1]);
  return [...numbers].flatMap(([name, all]) =>
    all.length > 1
      ? [
          `${all.length} functions are called ${name} (numbers ${all.join(', ')}); give each a name of its own.`,
        ]
      : [],
  );
}

/** The notes on a list of functions as a whole. */
export function notesOnAll(functions: readonly Tool[], place: string): Note[] {
  const notes: Note[] = [];
  const note = (where: string, text: string): number => notes.push({ where, text });
  if (functions.length > MANY_FUNCTIONS)
    note(
      place,
      `holds ${functions.length} functions, and a tiny model tells some dozens apart; keep those that people ask for, or train a model for each group of them`,
    );
  const length = JSON.stringify(functions).length;
  if (length > LONG_PROMPT)
    note(
      place,
      `is ${length} characters long when written out, which are read with every request; shorten descriptions, or keep fewer functions`,
    );
  const described = new Map<string, string>();
  for (const { name, description, parameters } of functions) {
    const other = described.get(description.toLowerCase());
    if (description === '')
      note(name, 'has no description; say in a sentence what it does, as people would ask for it');
    else if (other !== undefined)
      note(name, `has the description of ${other}; say what sets them apart, as a model cannot see it`);
    else described.set(description.toLowerCase(), name);
    if (!PLAIN_NAME.test(name))
      note(name, 'has a name that not every server takes; letters, digits, _ and - are safe');
    const { properties } = parameters;
    const count = isObject(properties) ? Object.keys(properties).length : 0;
    if (count > MANY_PARAMETERS)
      note(
        name,
        `has ${count} arguments, and a tiny model keeps about ${MANY_PARAMETERS} apart; offer fewer, or split it`,
      );
  }
  return notes;
}

/** Functions in their normal form; throws a UserError with all faults, whose places begin with `place`. */
export function normalised(
  given: readonly GivenFunction[],
  place: string,
  before: readonly string[] = [],
): ReadFunctions {
  const [faults, notes]: [string[], Note[]] = [[...before], []];
  if (given.length === 0 && faults.length === 0)
    faults.push(`${place} holds no function; give at least one with a name, a description and parameters.`);
  const functions = given.map(({ name, description, parameters, roots = [] }): Tool => {
    const where = (path: string): string => (path === '' ? name : `${name}.${path}`);
    const said = new Set<string>();
    const canonical = new Canonical([parameters, ...roots], {
      note(path, text) {
        if (said.has(`${path} ${text}`)) return;
        said.add(`${path} ${text}`);
        notes.push({ where: where(path), text });
      },
      fault: (path, text) => void faults.push(`${place}: ${where(path)} ${text}.`),
    });
    const type = parameters['type'];
    if (type !== undefined && type !== 'object')
      faults.push(
        `${place}: the parameters of ${name} are of type ${JSON.stringify(type)}; they must be an object.`,
      );
    const known = faults.length;
    const read = canonical.parameters(parameters);
    if (read === undefined && faults.length === known)
      faults.push(
        `${place}: ${name} can never be called, as an argument that it needs has no value that ends; make it optional.`,
      );
    const short = shortDescription(description, 'function', (text) => notes.push({ where: name, text }));
    return { name, description: short, parameters: read ?? { type: 'object', properties: {}, required: [] } };
  });
  faults.push(...sameNames(functions).map((fault) => `${place}: ${fault}`));
  throwFaults('FUNCTIONS', place, faults);
  return { functions, notes: [...notesOnAll(functions, place), ...notes] };
}

/** Functions of JSON in any form of tools; `place` is the file that it is from. Throws a UserError with all faults. */
export function functionsOfJson(value: PyValue, place: string): ReadFunctions {
  const [faults, notes]: [string[], Note[]] = [[], []];
  const around = isDict(value) ? toJsonObject(value) : {};
  const given = toolsOf(value, faults).map((tool) =>
    givenFunction(tool, around, (where, text) => notes.push({ where, text })),
  );
  const read = normalised(
    given,
    place,
    faults.map((fault) => `${place}: ${fault}`),
  );
  return { ...read, notes: [...read.notes, ...notes] };
}
