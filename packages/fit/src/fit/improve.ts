/** Weights of cases to be made next, by what went wrong on the development split. */
import type { Answered } from '../acceptance/answers.ts';
import type { CaseKind } from '../types.ts';

/** Weights of functions, of kinds of requests and of ways in which cases come about; 1 where nothing is said. */
export interface Weights {
  readonly functions: Readonly<Record<string, number>>;
  readonly kinds: Readonly<Partial<Record<CaseKind, number>>>;
  readonly made: Readonly<Record<string, number>>;
}

/** Weight of what goes wrong most often. */
const MOST = 5;

/** Names with weights from 1 to MOST, by how often they occur. */
function weights<K extends string>(names: readonly K[]): Partial<Record<K, number>> {
  const counts = new Map<K, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const largest = Math.max(1, ...counts.values());
  const entries = [...counts].map(([name, count]) => [name, 1 + ((MOST - 1) * count) / largest] as const);
  return Object.fromEntries(entries) as Partial<Record<K, number>>;
}

/** Weights by wrong answers: functions that were due or called in error, kinds and makings of the requests. */
export function focusOf(wrong: readonly Answered[]): Weights {
  const functions = wrong.flatMap(({ due, confusions }) => [
    ...due.filter(({ isMade }) => !isMade).map(({ name }) => name),
    ...confusions.map(({ made }) => made).filter((name) => name !== ''),
  ]);
  return {
    functions: weights(functions) as Record<string, number>,
    kinds: weights(wrong.map(({ case: { kind } }) => kind)),
    made: weights(wrong.map(({ case: { made } }) => made)) as Record<string, number>,
  };
}
