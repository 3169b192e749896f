/** Parameters whose values are words of the request, learned from cases: a student then writes nothing else there. */
import { z } from 'zod';
import { UserError } from '../../../../src/base/errors.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Verbatim } from '../../../../src/constrain/calls.ts';
import { GgufFile } from '../../../../src/ggml/gguf-reader.ts';
import { openLibrary } from '../../../../src/ggml/library.ts';
import { isFields, type JsonValue } from '../../../../src/json/value.ts';
import { isGguf } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import type { Case } from '../types.ts';

/** Key of a GGUF file's header that holds them. */
export const VERBATIM_KEY = 'tinystar.fit.verbatim';

const verbatimSchema = z.record(z.string(), z.array(z.string()));

/** Values that tell it, at least, and the part of them that are words of their requests. */
const [FEWEST, SHARE] = [8, 0.99];

/** Tells whether a schema says no more of a value than that it is a string. */
const isPlain = (schema: JsonValue | undefined): boolean =>
  isFields(schema) &&
  schema['type'] === 'string' &&
  !['enum', 'const', 'pattern', 'format'].some((key) => Object.hasOwn(schema, key));

const [BEGINS, ENDS] = [/^[\p{L}\p{N}\p{M}]/u, /[\p{L}\p{N}\p{M}]$/u];

/** Tells whether a text stands in another with no word cut. */
export function standsIn(text: string, whole: string): boolean {
  if (text.trim() === '') return false;
  for (let at = whole.indexOf(text); at >= 0; at = whole.indexOf(text, at + 1)) {
    const cutsBefore = ENDS.test(whole.slice(0, at)) && BEGINS.test(text);
    const cutsAfter = ENDS.test(text) && BEGINS.test(whole.slice(at + text.length));
    if (!cutsBefore && !cutsAfter) return true;
  }
  return false;
}

/** Parameters of each function whose values in cases are words of the requests. */
export function verbatimOf(
  functions: readonly Tool[],
  cases: readonly Pick<Case, 'request' | 'calls'>[],
): Verbatim {
  const counts = new Map<string, { all: number; said: number }>();
  const keyOf = (name: string, parameter: string): string => JSON.stringify([name, parameter]);
  for (const { request, calls } of cases)
    for (const call of calls)
      for (const [parameter, value] of Object.entries(call.arguments)) {
        const key = keyOf(call.name, parameter);
        const count = counts.get(key) ?? { all: 0, said: 0 };
        count.all += 1;
        if (typeof value === 'string' && standsIn(value, request)) count.said += 1;
        counts.set(key, count);
      }
  const entries = functions.flatMap(({ name, parameters: { properties } }) => {
    const names = Object.entries(isFields(properties) ? properties : {}).flatMap(([parameter, schema]) => {
      const { all, said } = counts.get(keyOf(name, parameter)) ?? { all: 0, said: 0 };
      return isPlain(schema) && all >= FEWEST && said >= SHARE * all ? [parameter] : [];
    });
    return names.length === 0 ? [] : [[name, names] as const];
  });
  return Object.fromEntries(entries);
}

/** Those that a GGUF file has in its header; undefined of a folder, or a file that has none. Throws a UserError for damaged ones. */
export function verbatimIn(path: string): Verbatim | undefined {
  if (!isGguf(path)) return undefined;
  using file = GgufFile.open(openLibrary(), path);
  const text = file.string(VERBATIM_KEY);
  if (text === undefined) return undefined;
  try {
    return verbatimSchema.parse(JSON.parse(text));
  } catch {
    throw new UserError(
      'VERBATIM',
      `${path} has a ${VERBATIM_KEY} in its header that is none; run tinystar fit again.`,
    );
  }
}
