/**
 * Lessons with some of a project's functions each. Where a list of functions is long, reading it is nearly all of the work;
 * a student learns what each function is for from short lists many times faster, and then to choose from the whole one.
 */
import { Rng } from '../../../../src/base/rng.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Case } from '../types.ts';

/** Cases with the functions that they are shown. */
export interface SomeFunctions {
  readonly functions: readonly Tool[];
  readonly cases: readonly Case[];
}

/** Functions of a short list. */
export const SHORT_LIST = 12;

/** Lengths with a short list in place of the whole one. */
export const shortened = <L extends { readonly shared: number }>(lengths: L, functions: number): L => ({
  ...lengths,
  shared: Math.ceil(lengths.shared * Math.min(1, SHORT_LIST / functions)),
});

/** First word of a name: functions that share it are easily taken for each other. */
const familyOf = (name: string): string =>
  name.split(/[_\-.\s]|(?<=[a-z])(?=[A-Z])/)[0]?.toLowerCase() ?? name;

/**
 * Groups of at most `most` cases, each with a short list of functions that their calls are of: whole families of names, drawn by
 * the seed, the more often the more of their cases are left. Every case is in one group; requests that call nothing go with any.
 */
export function withSomeFunctions(
  cases: readonly Case[],
  functions: readonly Tool[],
  { seed, most }: { readonly seed: number; readonly most: number },
): SomeFunctions[] {
  const rng = Rng.seeded(seed, 'some functions');
  const left = new Set(rng.shuffled(cases));
  const share = cases.filter(({ calls }) => calls.length === 0).length / Math.max(1, cases.length);
  const groups: SomeFunctions[] = [];
  while (left.size > 0) {
    // A case that is left decides on a function, so that frequent ones are in many lists and every one gets its turn.
    const names = new Set<string>();
    for (const [first] = left; names.size < SHORT_LIST;) {
      const called = names.size === 0 ? (first?.calls ?? []) : [];
      const drawn = called.length > 0 ? called.map(({ name }) => name) : [rng.pick(functions).name];
      const families = new Set(drawn.map(familyOf));
      for (const name of drawn) names.add(name);
      for (const { name } of rng.shuffled(functions))
        if (names.size < SHORT_LIST && families.has(familyOf(name))) names.add(name);
      if (names.size >= functions.length) break;
    }
    const own: Case[] = [];
    let silent = 0;
    for (const one of left) {
      if (own.length >= most) break;
      const isSilent = one.calls.length === 0;
      if (isSilent && silent > share * most) continue;
      if (!one.calls.every(({ name }) => names.has(name))) continue;
      if (isSilent) silent += 1;
      own.push(one);
    }
    for (const one of own) left.delete(one);
    groups.push({ functions: rng.shuffled(functions.filter(({ name }) => names.has(name))), cases: own });
  }
  return groups;
}
