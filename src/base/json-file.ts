/** Files of JSON that this program has written itself. */
import type { z } from 'zod';
import { UserError } from './errors.ts';
import { readText } from './files.ts';

/** Reads a file that a schema describes; throws a UserError with the `remedy` where a power cut or somebody has damaged it. */
export function readJson<T>(path: string, schema: z.ZodType<T>, remedy: string): T {
  const text = readText(path);
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new UserError('RUN_FILE', `${path} is damaged; ${remedy}.`);
  }
}
