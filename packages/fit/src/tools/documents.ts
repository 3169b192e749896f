/** Functions of a text: JSON or YAML, tools in any form or an OpenAPI document. */
import { parse } from 'yaml';
import { UserError } from '../../../../src/base/errors.ts';
import { tryParseJson } from '../../../../src/json/parse.ts';
import { fromJson, isDict, toJson, type PyValue } from '../../../../src/json/python.ts';
import type { JsonValue } from '../../../../src/json/value.ts';
import { functionsOfJson, normalised, type ReadFunctions } from './functions.ts';
import { functionsOfOpenApi, isOpenApi } from './openapi.ts';

/** Reads a text as JSON, or as YAML where it can be nothing else; throws a UserError that names it. */
export function parseDocument(text: string, name: string): PyValue {
  if (text.trim() === '')
    throw new UserError('FUNCTIONS', `${name} is empty; it must hold a list of functions.`);
  const parsed = tryParseJson(text);
  if (parsed.ok) return parsed.value;
  const isYaml =
    /\.ya?ml$/i.test(name) ||
    /^\s*(#|---|openapi\s*:|swagger\s*:|["']?(openapi|swagger)["']?\s*:)/.test(text);
  const why = parsed.error.message.replace(/^Not JSON: |\.$/g, '');
  if (!isYaml)
    throw new UserError('FUNCTIONS', `${name} is not JSON (${why}); it must hold a list of functions.`);
  try {
    // Dates of YAML would be objects, and a key may be a number.
    return fromJson(JSON.parse(JSON.stringify(parse(text, { logLevel: 'error' }) ?? null)) as JsonValue);
  } catch (thrown) {
    const [first = ''] = (thrown instanceof Error ? thrown.message : String(thrown)).split('\n');
    throw new UserError(
      'FUNCTIONS',
      `${name} is neither JSON nor YAML (${first.replace(/[.:]$/, '')}); correct it.`,
    );
  }
}

/** Functions of a document that was read; throws a UserError with all faults. */
export function functionsOfDocument(value: PyValue, name: string): ReadFunctions {
  const isDocument = isDict(value) && (value.has('openapi') || value.has('swagger'));
  const json = isDocument ? toJson(value) : null;
  if (!isOpenApi(json)) return functionsOfJson(value, name);
  const { given, notes, faults } = functionsOfOpenApi(json);
  const read = normalised(
    given,
    name,
    faults.map((fault) => `${name}: ${fault}; add it.`),
  );
  return { ...read, notes: [...read.notes, ...notes] };
}

/** Functions of a text that stands in the file `name`; throws a UserError with all faults. */
export const functionsOfText = (text: string, name: string): ReadFunctions =>
  functionsOfDocument(parseDocument(text, name), name);
