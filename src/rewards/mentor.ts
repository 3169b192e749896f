/**
 * MENTOR's rewards (arXiv 2510.18383, as its public code of v1 and v2 computes them): a correct answer, the same tools
 * as in a teacher's reference trajectory, and no tool that does not exist.
 *
 *   correct: 0.7 + match + clean        match = 0.3 if the student used at least one valid tool, and the set of the
 *   wrong:   0.2 match + clean                  names it used is the teacher's
 *                                       clean = 0.1 if no name lies outside of the valid tools, also without any call
 *
 * A response that does not end is worth 0, one without an answer in \boxed{}, or without a teacher's reference, 0.1.
 *
 * The variants are the paper's ablations, by what they change. `strict` stands for the trajectory matching of its
 * later versions, whose formula is not public: here match is 0.3 only if the calls are the teacher's, in order, with
 * equal arguments. And one option none of them has: with `argument_weight` w, match is 0.3 ((1 - w) m + w s), where m
 * is the variant's own view of the names, and s is Sim-RL's similarity of the calls, arguments included.
 *
 * On a single turn, to compare it with Sim-RL's on the same prompts, the label stands for both the right answer and the
 * teacher's trajectory: correct is what evaluation means by it (exact.ts), and a match means the same functions, none
 * where none is wanted. The sum is divided by 1.1, which brings it into the range of the other rewards, and means nothing
 * to advantages within a group. A function that does not exist makes the form wrong, as in Sim-RL, so that the part for
 * none is always there; -1 for a wrong form is this project's choice. A label that cannot be read earns every well-formed
 * generation 0; a turn that says nothing, or never closes its call, earns 0 too, as one that does not end does.
 */
import { isDeepStrictEqual } from 'node:util';
import type { WrittenCall } from '../chat/formats/format.ts';
import { isObjectCall } from '../chat/tools.ts';
import { binary, type BinaryDetail } from './binary.ts';
import { callKey } from './exact.ts';
import { lastBoxed, sameAnswer } from './math-answer.ts';
import {
  type Answer,
  type ConversationResponse,
  type ConversationReward,
  type ConversationScore,
  type PreparedTask,
  type Reward,
  rewardOf,
  wellFormed,
} from './reward.ts';
import { callSimilarity } from './simrl.ts';

const CORRECT = 0.7;
const MATCH = 0.3;
const CLEAN = 0.1;
/** Share of the match that is left under a wrong answer. */
const WRONG_SHARE = 0.2;
const NO_ANSWER = 0.1;

/** Sum of what is earned by a right answer, a match of 0 to 1, and no invented tool. */
function composite(correct: boolean, match: number, clean: boolean): number {
  const rest = clean ? CLEAN : 0;
  return correct ? CORRECT + MATCH * match + rest : WRONG_SHARE * (MATCH * match) + rest;
}

type Calls = readonly Pick<WrittenCall, 'name'>[];

const nameOf = ({ name }: Calls[number]): string | undefined => (typeof name === 'string' ? name : undefined);

const namesOf = (calls: Calls): Set<string | undefined> => new Set(calls.map(nameOf));

function commonNames(teacher: Calls, student: Calls): number {
  const wanted = namesOf(teacher);
  return [...namesOf(student)].filter((name) => wanted.has(name)).length;
}

function sameNames(teacher: Calls, student: Calls): boolean {
  const common = commonNames(teacher, student);
  return common === namesOf(teacher).size && common === namesOf(student).size;
}

function sameCalls(teacher: readonly WrittenCall[], student: readonly WrittenCall[]): boolean {
  const gold = teacher.filter(isObjectCall).map(callKey);
  const made = student.filter(isObjectCall).map(callKey);
  return made.length === student.length && isDeepStrictEqual(gold, made);
}

interface Variant {
  /** Agreement of the student's valid calls with the teacher's, 0 to 1; without it nothing is earned by a match. */
  readonly agreement?: (teacher: readonly WrittenCall[], student: readonly WrittenCall[]) => number;
  /** False where invented tools are not looked at, nor rewarded their absence. */
  readonly clean?: boolean;
  readonly sparse?: boolean;
}

/** The match of the student's valid calls, 0 to 1, of which the share `weight` is Sim-RL's similarity. */
function matchOf(
  { agreement }: Variant,
  weight: number,
  teacher: readonly WrittenCall[],
  student: readonly WrittenCall[],
): number {
  if (student.length === 0 || agreement === undefined) return 0;
  const names = agreement(teacher, student);
  if (weight === 0) return names;
  const similarity = callSimilarity(student.filter(isObjectCall), teacher.filter(isObjectCall));
  return (1 - weight) * names + weight * similarity;
}

type Ended = Pick<ConversationResponse, 'text' | 'ended'>;

/** Contents of a response's last box, if it came to an end; empty if there is none. */
function answerOf({ text, ended }: Ended): string {
  return ended ? (lastBoxed(text)?.trim() ?? '') : '';
}

/** Tells whether a response came to its end with the right answer in \boxed{}. */
export function answersRightly(answer: string, response: Ended): boolean {
  const given = answerOf(response);
  return given !== '' && sameAnswer(answer, given);
}

function ofConversations(name: string, description: string, variant: Variant = {}): ConversationReward {
  return {
    name,
    description: `conversations: ${description}`,
    converse({ answer, teacher, tools }, response, { argument_weight }) {
      const given = answerOf(response);
      const correct = answersRightly(answer, response);
      const flat = (reward: number): ConversationScore => ({ reward, correct, toolMatch: 0 });
      if (!response.ended) return flat(0);
      if (given === '') return flat(NO_ANSWER);
      if (variant.sparse === true) return flat(correct ? 1 : NO_ANSWER);
      if (teacher === undefined) return flat(NO_ANSWER);
      const valid = response.calls.filter((call) => tools.has(nameOf(call) ?? ''));
      const match = matchOf(variant, argument_weight, teacher, valid);
      const clean = variant.clean !== false && valid.length === response.calls.length;
      return { reward: composite(correct, match, clean), correct, toolMatch: match };
    },
  };
}

const callsOf = (one: Answer | PreparedTask['label']): Calls => (one.kind === 'calls' ? one.calls : []);

/** MENTOR's composite, of conversations and, see above, of single turns. */
export const mentor: Reward<BinaryDetail> & ConversationReward = {
  ...ofConversations('mentor', '', {
    agreement: (teacher, student) => (sameNames(teacher, student) ? 1 : 0),
  }),
  ...rewardOf<BinaryDetail>(
    'mentor',
    "MENTOR's composite: a right answer, the functions of the teacher (of an answer: of the label), none that does not exist",
    (prepared, task) => {
      const judged = binary.prepare(task);
      return (generation) => {
        const score = judged.score(generation);
        if (score.format === -1 || score.detail.kind === 'unusable_label') return score;
        const answer = prepared.read(generation);
        if (answer.kind === 'nothing') return wellFormed(0, score.detail);
        const match = sameNames(callsOf(prepared.label), callsOf(answer)) ? 1 : 0;
        const sum = composite(score.detail.kind === 'right', match, true);
        return wellFormed(Math.min(1, sum / (CORRECT + MATCH + CLEAN)), score.detail);
      };
    },
  ),
};

export const sparse = ofConversations('sparse', '1 for a right answer, else 0.1', { sparse: true });
export const anyOverlap = ofConversations('any_overlap', 'as mentor, where one common function is a match', {
  agreement: (teacher, student) => (commonNames(teacher, student) > 0 ? 1 : 0),
  clean: false,
});
export const noMatch = ofConversations('no_match', "as mentor, without the part for the teacher's functions");
export const f1 = ofConversations('f1', 'as mentor, with the F1 of the two sets of functions', {
  agreement: (teacher, student) =>
    (2 * commonNames(teacher, student)) / (namesOf(teacher).size + namesOf(student).size),
});
export const strict = ofConversations(
  'strict',
  "as mentor, where the calls must be the teacher's, in order",
  {
    agreement: (teacher, student) => (sameCalls(teacher, student) ? 1 : 0),
  },
);
