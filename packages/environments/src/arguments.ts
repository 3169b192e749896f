/** Tells whether a call's arguments fit its function's JSON Schema, in words that a model can act on. */
import { UserError } from '../../../src/base/errors.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { fromJson } from '../../../src/json/python.ts';
import { JsonSchema, type SchemaFault, schemaProblem } from '../../../src/json/schema.ts';
import type { JsonObject } from '../../../src/json/value.ts';

/** `numbers[2]`, for a path of keys. */
function placeOf(path: readonly string[]): string {
  return path.reduce((place, key) => {
    if (/^\d+$/.test(key)) return `${place}[${key}]`;
    return place === '' ? key : `${place}.${key}`;
  }, '');
}

function describe(tool: string, { path, keyword, message }: SchemaFault): string {
  const place = placeOf(path);
  if (keyword === 'false') return `${tool} has no argument ${place}`;
  if (keyword === 'required') return `${tool} needs the argument ${place}`;
  const wanted = /Expected "(.*)"\.$/s.exec(message)?.[1];
  if (keyword === 'type' && wanted !== undefined)
    return `${place} of ${tool} must be of type ${wanted.replaceAll('", "', ' or ')}`;
  const values = /does not match any of \[(.*)\]\.$/s.exec(message)?.[1];
  if (keyword === 'enum' && values !== undefined) return `${place} of ${tool} must be one of ${values}`;
  return `${place === '' ? 'the arguments' : place} of ${tool}: ${message}`;
}

/** Reads the schema of a tool once, for what says what is wrong with arguments; throws a UserError for one that cannot be read. */
export function argumentCheck(tool: Tool): (given: JsonObject) => string | undefined {
  // Closed unless it says otherwise: a misspelt argument must not be dropped in silence.
  const parameters = { additionalProperties: false, ...tool.parameters };
  const problem = schemaProblem(fromJson(parameters));
  if (problem !== undefined) {
    throw new UserError(
      'ENVIRONMENT',
      `The parameters of the tool ${tool.name} are no JSON Schema that can be read (${problem}); correct them.`,
    );
  }
  const schema = new JsonSchema(parameters);
  return (given) => {
    const fault = schema.firstFault(given);
    return fault === undefined ? undefined : describe(tool.name, fault);
  };
}
