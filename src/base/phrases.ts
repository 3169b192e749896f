/** Phrase files: the words that generators of data speak with, in YAML under `phrases/` beside the module that reads them. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

/** Words with white space between them. */
export const wordList = z.string().transform((text) => text.trim().split(/\s+/));

/** Reads the phrase file `name`; `from` is the `import.meta.url` of who reads it. */
export function readPhrases<T>(from: string, name: string, schema: z.ZodType<T>): T {
  return schema.parse(parse(readFileSync(new URL(`./phrases/${name}.yaml`, from), 'utf8')));
}
