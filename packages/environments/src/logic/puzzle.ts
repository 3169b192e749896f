/** Generated puzzles: a chain of rules that leads to the statement or its opposite, or breaks off, among other rules. */
import type { Rng } from '../../../../src/base/rng.ts';
import { Knowledge, type Literal, type Rule, type Theory, type Verdict } from './theory.ts';
import type { Wording } from './wording.ts';

export interface Puzzle {
  readonly theory: Theory;
  readonly statement: Literal;
  readonly answer: Verdict;
  /** Indices of the rules to take for the statement's name, in order: a proof, or all that leads nowhere. */
  readonly steps: readonly number[];
}

type Property = Omit<Literal, 'name'>;

const property = (rng: Rng, name: string): Property => ({ property: name, holds: !rng.chance(0.2) });

/** Rules from each of the chain's properties to the next; some need a second property that is given as a fact. */
function chainOf(rng: Rng, chain: readonly Property[], spare: string[], name: string): Theory {
  const facts: Literal[] = [];
  const rules: Rule[] = [];
  for (const [i, conclusion] of chain.slice(1).entries()) {
    const from = chain[i];
    if (from === undefined) continue;
    const extra = rng.chance(0.3) ? spare.pop() : undefined;
    if (extra === undefined) rules.push({ when: [from], conclusion });
    else {
      const second = property(rng, extra);
      facts.push({ ...second, name });
      rules.push({ when: [from, second], conclusion });
    }
  }
  return { facts, rules };
}

/** A puzzle whose proof takes `depth` steps; undefined when the dice gave a contradiction or another answer. */
export function makePuzzle(rng: Rng, wording: Wording, depth: number, answer: Verdict): Puzzle | undefined {
  const [name = '', other = ''] = rng.shuffled(wording.people);
  const names = rng.shuffled(wording.properties);
  const chain = names.slice(0, depth + 1).map((one) => property(rng, one));
  const spare = names.slice(depth + 1);
  const [first, last] = [chain[0], chain.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const main = chainOf(rng, chain, spare, name);
  // A chain that leads nowhere begins with somebody else, or lacks a rule.
  const elsewhere = answer === 'unknown' && rng.chance(0.3);
  const begin: Literal = { ...first, name: elsewhere ? other : name };
  const missing = answer === 'unknown' && !elsewhere ? rng.below(main.rules.length) : -1;
  const aside: Rule[] = Array.from({ length: 1 + rng.below(2) }, () => ({
    when: [property(rng, rng.pick(names))],
    conclusion: property(rng, rng.pick(spare.length > 0 ? spare : names)),
  }));
  const extra: Literal = { ...property(rng, rng.pick(spare.length > 0 ? spare : names)), name: other };
  const theory: Theory = {
    facts: rng.shuffled([begin, ...main.facts, extra]),
    rules: rng.shuffled([
      ...main.rules.filter((_, i) => i !== missing),
      ...aside.filter(({ when: [one], conclusion }) => one?.property !== conclusion.property),
    ]),
  };
  if (new Set(theory.facts.map((fact) => `${fact.name}/${fact.property}`)).size < theory.facts.length)
    return undefined;
  const statement: Literal = {
    name,
    property: last.property,
    holds: answer === 'false' ? !last.holds : last.holds,
  };
  const knowledge = new Knowledge(theory);
  if (!knowledge.close([name, other]) || knowledge.verdict(statement) !== answer) return undefined;
  const steps = answer === 'unknown' ? knowledge.applied(name) : knowledge.proof(statement);
  // A short cut would make the puzzle easier than its level says.
  if (answer === 'unknown' ? steps.length > depth : steps.length !== depth) return undefined;
  return { theory, statement, answer, steps };
}
