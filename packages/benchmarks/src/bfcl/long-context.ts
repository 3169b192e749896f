/** Where the constants of the long context lie. They are no part of the official data, but of the official program. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import { readText } from '../../../../src/base/files.ts';
import { tryParseJson } from '../../../../src/json/parse.ts';
import { isDict } from '../../../../src/json/python.ts';
import { constantsOf } from '../python/constants.ts';
import { LongContext } from './multi-turn/index.ts';

/** From the folder of the data: as one JSON object, as the program's own module, and that module in a checkout of the repository. */
const PLACES = [
  'long_context.json',
  'long_context.py',
  '../eval_checker/multi_turn_eval/func_source_code/long_context.py',
] as const;

/** The file with the constants; undefined where there is none. */
export function longContextFile(data: string): string | undefined {
  return PLACES.map((place) => join(data, place)).find(existsSync);
}

/** Reads the constants; a module is not run, only its literals are read. Throws a UserError for a file that has not all of them. */
export function readLongContext(path: string): LongContext {
  const text = readText(path);
  if (path.endsWith('.py')) return new LongContext(constantsOf(text), path);
  const parsed = tryParseJson(text);
  if (!parsed.ok || !isDict(parsed.value))
    throw new UserError('LONG_CONTEXT', `${path} is no JSON object of BFCL's long-context constants.`);
  return new LongContext(parsed.value, path);
}
