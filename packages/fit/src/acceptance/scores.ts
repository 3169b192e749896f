/** Scores of a model's answers: by kind and by function, willing and right told apart, with what it confuses. */
import { type Count, mean } from '../../../report/src/numbers.ts';
import { CASE_KINDS, type CaseKind } from '../types.ts';
import type { Answered, Confusion } from './answers.ts';

/** Calls of one function. */
export interface FunctionScore extends Count {
  readonly name: string;
  /** Calls of it in place of another function, or where none was due. */
  readonly stray: number;
  /** Function that was called most often in its place; empty where none was. */
  readonly instead: string;
}

export interface Scores {
  /** Requests whose calls, or words, are just the right ones. */
  readonly all: Count;
  readonly kinds: readonly (Count & { readonly kind: CaseKind })[];
  readonly functions: readonly FunctionScore[];
  /** Requests that need a call, and those in which one was made, right or wrong. */
  readonly willing: Count;
  /** Of those in which one was made, the right ones. */
  readonly rightOfWilling: Count;
  /** Requests that need no call, and those in which none was made. */
  readonly restrained: Count;
  readonly errors: Readonly<Record<string, number>>;
  /** The most frequent first. */
  readonly confusions: readonly (Confusion & { readonly count: number })[];
}

const counted = <T>(items: readonly T[], isRight: (item: T) => boolean): Count => ({
  total: items.length,
  correct: items.filter(isRight).length,
});

/** Texts with how often each occurs, the most frequent first and equal ones in the order of their first. */
function tally<T>(
  items: readonly T[],
  key: (item: T) => string,
): { readonly item: T; readonly count: number }[] {
  const found = new Map<string, { item: T; count: number }>();
  for (const item of items) {
    const entry = found.get(key(item)) ?? { item, count: 0 };
    entry.count += 1;
    found.set(key(item), entry);
  }
  return [...found.values()].toSorted((a, b) => b.count - a.count);
}

/** Adds up answers; `names` are the functions of the project, in their order. */
export function scoresOf(answers: readonly Answered[], names: readonly string[]): Scores {
  const due = answers.filter(({ due: calls }) => calls.length > 0);
  const words = answers.filter(({ due: calls }) => calls.length === 0);
  const willing = due.filter(({ calls }) => calls.length > 0);
  const confusions = tally(
    answers.flatMap((answer) => answer.confusions),
    ({ wanted, made }) => `${wanted}\n${made}`,
  ).map(({ item, count }) => ({ ...item, count }));
  const wanted = answers.flatMap((answer) => answer.due);
  return {
    all: counted(answers, ({ correct }) => correct),
    kinds: CASE_KINDS.map((kind) => {
      const own = answers.filter(({ case: one }) => one.kind === kind);
      return { kind, ...counted(own, ({ correct }) => correct) };
    }).filter(({ total }) => total > 0),
    functions: names.map((name) => {
      const own = wanted.filter((call) => call.name === name);
      const stray = confusions.filter(({ made }) => made === name).reduce((sum, { count }) => sum + count, 0);
      const instead = confusions.find((one) => one.wanted === name && one.made !== '')?.made ?? '';
      return { name, ...counted(own, ({ isMade }) => isMade), stray, instead };
    }),
    willing: { total: due.length, correct: willing.length },
    rightOfWilling: counted(willing, ({ correct }) => correct),
    restrained: counted(words, ({ calls }) => calls.length === 0),
    errors: Object.fromEntries(
      tally(
        answers.flatMap(({ error }) => (error === undefined ? [] : [error])),
        (error) => error,
      ).map(({ item, count }) => [item, count]),
    ),
    confusions,
  };
}

/**
 * Likeness to the right answers, from 0 to 1: the geometric mean of that to calls and that to words, so that a model that has
 * only learned to talk, or only to call, has learned nothing.
 */
export function likenessOf(answers: readonly Pick<Answered, 'similarity' | 'case'>[]): number {
  const of = (isCall: boolean): number[] =>
    answers.filter((one) => one.case.calls.length > 0 === isCall).map(({ similarity }) => similarity);
  const parts = [of(true), of(false)].filter(({ length }) => length > 0).map(mean);
  return Math.pow(
    parts.reduce((product, part) => product * part, 1),
    1 / Math.max(1, parts.length),
  );
}

/** Weight of a wrong answer in the list of the worst: a call that nobody asked for does most harm. */
const HARM: Readonly<Record<string, number>> = {
  called_instead_of_answering: 0,
  wrong_function: 1,
  extra_call: 2,
  wrong_value: 3,
  wrong_argument_name: 4,
  missing_call: 5,
  no_call: 6,
  unparsable: 7,
  wrong_reply: 8,
};

/** The worst answers first, so many at most. */
export function worstOf(answers: readonly Answered[], most: number): Answered[] {
  return answers
    .filter(({ correct }) => !correct)
    .toSorted((a, b) => (HARM[a.error ?? ''] ?? 9) - (HARM[b.error ?? ''] ?? 9))
    .slice(0, most);
}
