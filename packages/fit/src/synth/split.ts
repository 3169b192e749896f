/** Division of wordings into training, development and test, before anything is made of them. */
import { Rng } from '../../../../src/base/rng.ts';
import { wordsOf } from '../../../../src/base/words.ts';
import { valueText } from './lexicon.ts';
import { type Case, type Split, SPLITS } from '../types.ts';

/** Shares of wordings that are held out. */
export interface Shares {
  readonly dev: number;
  readonly test: number;
}

/**
 * Splits by the wordings' identities: those of one group (a function, a kind) are divided alike, and at least half of a group stays in
 * training, whose only wording is never held out.
 */
export function divide(
  items: readonly { readonly id: string; readonly group: string }[],
  shares: Shares,
  rng: Rng,
): ReadonlyMap<string, Split> {
  const groups = new Map<string, Set<string>>();
  const groupOf = new Map<string, string>();
  for (const { id, group } of items) {
    if (groupOf.has(id)) continue;
    groupOf.set(id, group);
    groups.set(group, (groups.get(group) ?? new Set()).add(id));
  }
  const split = new Map<string, Split>();
  let [owedTest, owedDev] = [0, 0];
  for (const ids of rng.shuffled([...groups.values()])) {
    const order = rng.shuffled([...ids]);
    owedTest += order.length * shares.test;
    owedDev += order.length * shares.dev;
    const most = Math.floor(order.length / 2);
    const test = Math.min(most, Math.round(owedTest));
    const dev = Math.min(most - test, Math.round(owedDev));
    [owedTest, owedDev] = [owedTest - test, owedDev - dev];
    for (const [i, id] of order.entries())
      split.set(id, i < test ? 'test' : i < test + dev ? 'dev' : 'train');
  }
  return split;
}

/** Shares of the lexicons' phrases that are held out of training: of every project's, and of the bases'. */
const HELD_PHRASES: Shares = { dev: 0.1, test: 0.15 };

/** Split of a phrase of the lexicons, the same in every project, so that a base may read what all projects train on. */
export function phraseSplit(id: string): Split {
  const at = Rng.seeded(0, `phrase: ${id}`).uniform();
  return at < HELD_PHRASES.test ? 'test' : at < HELD_PHRASES.test + HELD_PHRASES.dev ? 'dev' : 'train';
}

/** Things that test and development share with training: all of it should be none. */
export interface Leaks {
  /** Wordings that stand in two splits. */
  readonly wordings: number;
  /** Requests that are the same words in two splits. */
  readonly requests: number;
  /** Requests that are the same words but for their values. */
  readonly templates: number;
  /** Cases that were left out of training or development because a held-out wording came out the same. */
  readonly leftOut: number;
}

/** Words of a request with the values of its calls left out. */
export function templateOf({ request, calls }: Pick<Case, 'request' | 'calls'>): string {
  const values: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
    else if (value !== null && typeof value !== 'boolean') values.push(valueText(value).toLowerCase());
  };
  for (const call of calls) visit(call.arguments);
  let text = ` ${wordsOf(request).join(' ')} `;
  for (const value of values.sort((a, b) => b.length - a.length))
    text = text.replaceAll(` ${wordsOf(value).join(' ')} `, ' * ');
  return `${calls.map(({ name }) => name).join()} ${text.trim()}`;
}

/** Leaks between the splits, found by looking at the finished cases alone. */
export function leaksOf(cases: Readonly<Record<Split, readonly Case[]>>, leftOut: number): Leaks {
  const shared = (key: (one: Case) => string): number => {
    const first = new Map<string, Split>();
    const bad = new Set<string>();
    for (const split of SPLITS)
      for (const one of cases[split]) {
        const value = key(one);
        const other = first.get(value);
        if (other === undefined) first.set(value, split);
        else if (other !== split) bad.add(value);
      }
    return bad.size;
  };
  return {
    wordings: shared(({ wording }) => wording),
    requests: shared(({ request }) => wordsOf(request).join(' ')),
    templates: shared(templateOf),
    leftOut,
  };
}
