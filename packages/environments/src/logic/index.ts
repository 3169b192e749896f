/**
 * Puzzles of first-order logic. A reasoner takes one step at a time: a rule, applied to somebody. Steps that do not
 * follow are refused, so that a chain is right or says where it went wrong.
 */
import { UserError } from '../../../../src/base/errors.ts';
import type { JsonObject } from '../../../../src/json/value.ts';
import { defineEnvironment, type SolutionStep, toolWith } from '../environment.ts';
import { drawProblems } from '../splits.ts';
import { makePuzzle, type Puzzle } from './puzzle.ts';
import { Knowledge, type Literal, type Theory, type Verdict, VERDICTS } from './theory.ts';
import { readLiteral, type Wording, WORDINGS } from './wording.ts';

interface State {
  readonly theory: Theory;
  readonly wording: Wording;
  readonly statement: Literal;
  readonly knowledge: Knowledge;
}

interface Setting {
  readonly theory: Theory;
  readonly wording: Wording['name'];
  readonly statement: Literal;
}

function settingOf({ theory, statement }: Puzzle, wording: Wording): JsonObject {
  const setting: Setting = { theory, wording: wording.name, statement };
  return { ...setting } as unknown as JsonObject;
}

const fault = (text: string): UserError => new UserError('LOGIC', text);

function take({ theory, wording, knowledge }: State, number: number, given: string): string {
  const rule = theory.rules[number - 1];
  if (rule === undefined)
    throw fault(`there is no rule ${number}; there are rules 1 to ${theory.rules.length}`);
  const name = wording.people.find((known) => known.toLowerCase() === given.trim().toLowerCase());
  if (name === undefined) throw fault(`nobody is called ${given}`);
  const [missing] = knowledge.missing(rule, name);
  if (missing !== undefined)
    throw fault(`rule ${number} does not apply: it is not known that ${wording.literal(missing)}`);
  knowledge.apply(number - 1, name);
  return `${wording.literal({ ...rule.conclusion, name })}.`;
}

const standing = (verdict: Verdict): string =>
  verdict === 'unknown' ? 'not known' : `known to be ${verdict}`;

function check({ wording, knowledge }: State, text: string): string {
  const literal = readLiteral(text, wording);
  if (literal === undefined) throw fault(`"${text}" is no statement about somebody of this puzzle`);
  return standing(knowledge.verdict(literal));
}

/** Tells whether the answer follows from what was derived so far: it does not say whether more could be derived. */
function conclude({ statement, knowledge, wording }: State, answer: string): string {
  const verdict = knowledge.verdict(statement);
  if (verdict === answer) return `Concluded: ${answer}.`;
  throw fault(
    `it is ${standing(verdict)} that ${wording.literal(statement)}; take the steps that show it first`,
  );
}

function questionOf({ theory, statement }: Puzzle, wording: Wording): string {
  const facts = theory.facts.map((fact) => `${wording.literal(fact)}.`).join(' ');
  const rules = theory.rules.map((rule, i) => `${i + 1}. ${wording.rule(rule)}.`).join(' ');
  return `Facts: ${facts} Rules: ${rules} Statement: ${wording.literal(statement)}. Is it true, false or unknown?`;
}

function solutionOf({ statement, steps, answer }: Puzzle, wording: Wording): SolutionStep[] {
  const { name } = statement;
  return [
    ...steps.map((rule) => ({
      thought: `Rule ${rule + 1} applies to ${name}.`,
      calls: [{ name: 'take', arguments: { rule: rule + 1, name } }],
    })),
    {
      thought: 'No further step helps.',
      calls: [{ name: 'check', arguments: { statement: wording.literal(statement) } }],
    },
    { thought: 'That decides it.', calls: [{ name: 'conclude', arguments: { answer } }] },
  ];
}

const text = { type: 'string' };

export const logic = defineEnvironment<State>({
  name: 'logic',
  description: 'puzzles of first-order logic, solved by steps that are checked',
  tools: [
    {
      ...toolWith('take', 'take a reasoning step: apply a rule to somebody', {
        rule: { type: 'integer' },
        name: text,
      }),
      run: (given, state) => take(state, given['rule'] as number, given['name'] as string),
    },
    {
      ...toolWith('check', 'check whether a statement is known by now', { statement: text }),
      run: (given, state) => check(state, given['statement'] as string),
    },
    {
      ...toolWith('conclude', 'conclude what the statement is', {
        answer: { type: 'string', enum: [...VERDICTS] },
      }),
      run: (given, state) => conclude(state, given['answer'] as string),
    },
  ],
  start(setting) {
    const { theory, wording, statement } = setting as unknown as Setting;
    return { theory, statement, wording: WORDINGS[wording], knowledge: new Knowledge(theory) };
  },
  problems: (request) =>
    drawProblems(request, (rng, index, split) => {
      const wording = WORDINGS[split === 'transfer' ? 'kinds' : 'traits'];
      const depth = (split === 'transfer' ? 2 : 1) + (Math.floor(index / VERDICTS.length) % 3);
      const puzzle = makePuzzle(rng, wording, depth, VERDICTS[index % VERDICTS.length] ?? 'true');
      if (puzzle === undefined) return undefined;
      return {
        category: `${wording.name}/${depth}`,
        question: questionOf(puzzle, wording),
        answer: puzzle.answer,
        setting: settingOf(puzzle, wording),
        solution: solutionOf(puzzle, wording),
      };
    }),
});
