/** The file of the long context's constants. They are no part of the official data, but of the official program. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

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

/** Tells whether the long context cannot be scored, although its entries are there, for want of its constants. */
export function lacksLongContext(data: string): boolean {
  return (
    existsSync(join(data, 'BFCL_v3_multi_turn_long_context.json')) && longContextFile(data) === undefined
  );
}
