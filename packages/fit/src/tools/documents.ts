/** Functions of a text of JSON. */
import { UserError } from '../../../../src/base/errors.ts';
import { tryParseJson } from '../../../../src/json/parse.ts';
import { functionsOfJson, type ReadFunctions } from './functions.ts';

/** Functions of a text that stands in the file `name`, in any form of tools; throws a UserError with all faults. */
export function functionsOfText(text: string, name: string): ReadFunctions {
  if (text.trim() === '')
    throw new UserError('FUNCTIONS', `${name} is empty; it must hold a list of functions.`);
  const parsed = tryParseJson(text);
  if (parsed.ok) return functionsOfJson(parsed.value, name);
  const why = parsed.error.message.replace(/^Not JSON: |\.$/g, '');
  throw new UserError('FUNCTIONS', `${name} is not JSON (${why}); it must hold a list of functions.`);
}
