/** Files that a fit leaves beside its student. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readFunctions } from '../../fit/src/tools/read.ts';
import type { Tool } from '../../../src/chat/messages.ts';

/** The file of that name in the folder of a model; undefined where there is none. */
export function fileBeside(model: string, name: string): string | undefined {
  const file = join(dirname(model), name);
  return existsSync(file) ? file : undefined;
}

/** Functions of a source, or of functions.json beside a model; none where there is neither. Throws a UserError for bad ones. */
export async function functionsFor(model: string, source?: string): Promise<readonly Tool[]> {
  const place = source ?? fileBeside(model, 'functions.json');
  return place === undefined ? [] : (await readFunctions(place)).functions;
}
