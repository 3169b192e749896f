/** The constants of the long context. */
import { UserError } from '../../../../src/base/errors.ts';
import { readText } from '../../../../src/base/files.ts';
import { tryParseJson } from '../../../../src/json/parse.ts';
import { isDict } from '../../../../src/json/python.ts';
import { constantsOf } from '../python/constants.ts';
import { LongContext } from './multi-turn/index.ts';

/** Reads the constants; a module is not run, only its literals are read. Throws a UserError for a file that has not all of them. */
export function readLongContext(path: string): LongContext {
  const text = readText(path);
  if (path.endsWith('.py')) return new LongContext(constantsOf(text), path);
  const parsed = tryParseJson(text);
  if (!parsed.ok || !isDict(parsed.value))
    throw new UserError('LONG_CONTEXT', `${path} is no JSON object of BFCL's long-context constants.`);
  return new LongContext(parsed.value, path);
}
