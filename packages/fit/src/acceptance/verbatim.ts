/** Parameters whose values are words of the request, learned from cases: a student then writes nothing else there. */
import { z } from 'zod';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Verbatim } from '../../../constrain/src/calls.ts';
import { bytesOf, END, type State } from '../../../constrain/src/state.ts';
import { someWords, wordsOf } from '../../../constrain/src/strings.ts';
import { dumps } from '../../../../src/json/dumps.ts';
import { isFields, type JsonValue } from '../../../../src/json/value.ts';
import type { Case } from '../types.ts';

/** Key of a GGUF file's header that holds them. */
export const VERBATIM_KEY = 'tinystar.fit.verbatim';

export const verbatimSchema = z.record(z.string(), z.array(z.string()));

/** Values that tell it, at least, and the part of them that are words of their requests. */
const [FEWEST, SHARE] = [8, 0.99];

/** Tells whether a schema says no more of a value than that it is a string. */
const isPlain = (schema: JsonValue | undefined): boolean =>
  isFields(schema) &&
  schema['type'] === 'string' &&
  !['enum', 'const', 'pattern', 'format'].some((key) => Object.hasOwn(schema, key));

/** Tells whether a text is some of the words of another, as a constraint to them would let it be written. */
export function standsIn(text: string, whole: string): boolean {
  let state: State | undefined = someWords(wordsOf(whole), () => END);
  for (const byte of bytesOf(dumps(text).slice(1))) state = state?.after(byte);
  return state?.isEnd ?? false;
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
