/** Tells whether a call's arguments fit its function's JSON Schema, in words that a model can act on. */
import { z } from 'zod';
import { errorText, UserError } from '../base/errors.ts';
import type { Tool } from '../chat/messages.ts';
import type { JsonObject } from '../json/value.ts';

/** Says what is wrong with the arguments of one function, or undefined. */
export type ArgumentCheck = (given: JsonObject) => string | undefined;

/** `numbers[2]`, for a path of keys. */
function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (place, key) =>
      typeof key === 'number' ? `${place}[${key}]` : place === '' ? String(key) : `${place}.${String(key)}`,
    '',
  );
}

function describe(tool: string, issue: z.core.$ZodIssue, given: unknown): string {
  const place = placeOf(issue.path);
  if (issue.code === 'unrecognized_keys') return `${tool} has no argument ${issue.keys.join(', ')}`;
  const value = issue.path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    given,
  );
  if (value === undefined) return `${tool} needs the argument ${place}`;
  if (issue.code === 'invalid_type') return `${place} of ${tool} must be of type ${issue.expected}`;
  if (issue.code === 'invalid_value')
    return `${place} of ${tool} must be one of ${issue.values.map(String).join(', ')}`;
  return `${place === '' ? 'the arguments' : place} of ${tool}: ${issue.message}`;
}

/** Reads the schema of a tool once; throws a UserError for one that cannot be read. */
export function argumentCheck(tool: Tool): ArgumentCheck {
  let schema: z.ZodType;
  try {
    // Closed unless it says otherwise: a misspelt argument must not be dropped in silence.
    schema = z.fromJSONSchema({
      additionalProperties: false,
      ...tool.parameters,
    } as z.core.JSONSchema.JSONSchema);
  } catch (thrown) {
    throw new UserError(
      'ENVIRONMENT',
      `The parameters of the tool ${tool.name} are no JSON Schema that can be read (${errorText(thrown)}); correct them.`,
    );
  }
  return (given) => {
    const [issue] = schema.safeParse(given).error?.issues ?? [];
    return issue === undefined ? undefined : describe(tool.name, issue, given);
  };
}
