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
import type { WrittenCall } from '../chat/formats/format.ts';
import type { GoldCall } from '../chat/generation.ts';
import { isObjectCall } from '../chat/tools.ts';
import { binary, type BinaryDetail } from './binary.ts';
import { judge } from './exact.ts';
import { lastBoxed, sameAnswer } from './math-answer.ts';
import {
  type Answer,
  type ConversationOptions,
  type ConversationResponse,
  type ConversationReward,
  type ConversationScore,
  type ConversationTask,
  PreparedTask,
  type Reward,
  type Score,
  scorerOf,
  wellFormed,
} from './reward.ts';
import { callSimilarity } from './simrl.ts';

/**
 * mentor: equal sets; sparse: 1 for a right answer, else 0.1; any_overlap: one common name is a match, and clean is
 * not looked at; no_match: clean alone; f1: the F1 of the two sets; strict: the same calls in the same order.
 */
export type MentorVariant = 'mentor' | 'sparse' | 'any_overlap' | 'no_match' | 'f1' | 'strict';

/** Parts of the composite: of a full match, of a right answer, of no invented tool. */
interface Parts {
  readonly correct: boolean;
  /** 0 to 1. */
  readonly match: number;
  readonly clean: boolean;
}

const CORRECT = 0.7;
/** Worth of a full match. */
const MATCH = 0.3;
const CLEAN = 0.1;
/** Share of the match that is left under a wrong answer. */
const WRONG_SHARE = 0.2;
/** Worth of a response without an answer. */
const NO_ANSWER = 0.1;

function composite({ correct, match, clean }: Parts): number {
  const rest = clean ? CLEAN : 0;
  return correct ? CORRECT + MATCH * match + rest : WRONG_SHARE * (MATCH * match) + rest;
}

const nameOf = ({ name }: Pick<WrittenCall, 'name'>): string | undefined =>
  typeof name === 'string' ? name : undefined;

/** The names of some calls; those that are no strings, as `undefined`. */
function namesOf(calls: readonly Pick<WrittenCall, 'name'>[]): Set<string | undefined> {
  return new Set(calls.map(nameOf));
}

function sameCalls(teacher: readonly GoldCall[], student: readonly WrittenCall[]): boolean {
  return (
    teacher.length === student.length &&
    teacher.every((gold, i) => {
      const call = student[i];
      return (
        call !== undefined &&
        isObjectCall(call) &&
        judge({ kind: 'calls', calls: [gold] }, { kind: 'calls', calls: [call] }).correct
      );
    })
  );
}

/** Agreement of the student's valid calls with the teacher's, 0 to 1. `student` is not empty. */
function agreement(
  variant: MentorVariant,
  teacher: readonly WrittenCall[],
  student: readonly WrittenCall[],
): number {
  const [wanted, used] = [namesOf(teacher), namesOf(student)];
  const common = [...used].filter((name) => wanted.has(name)).length;
  switch (variant) {
    case 'mentor':
      return common === wanted.size && common === used.size ? 1 : 0;
    case 'any_overlap':
      return common > 0 ? 1 : 0;
    case 'f1':
      return (2 * common) / (wanted.size + used.size);
    case 'strict':
      return sameCalls(teacher.filter(isObjectCall), student) ? 1 : 0;
    case 'sparse':
    case 'no_match':
      return 0;
    default:
      return variant satisfies never;
  }
}

/** The match of the student's valid calls, 0 to 1, of which the share `weight` is Sim-RL's similarity. */
function matchOf(
  variant: MentorVariant,
  weight: number,
  teacher: readonly WrittenCall[],
  student: readonly WrittenCall[],
): number {
  if (student.length === 0 || variant === 'no_match') return 0;
  const names = agreement(variant, teacher, student);
  if (weight === 0) return names;
  const similarity = callSimilarity(student.filter(isObjectCall), teacher.filter(isObjectCall));
  return (1 - weight) * names + weight * similarity;
}

/** Contents of a response's last box, if it came to an end; empty if there is none. */
function answerOf({ text, ended }: Pick<ConversationResponse, 'text' | 'ended'>): string {
  return ended ? (lastBoxed(text)?.trim() ?? '') : '';
}

/** Tells whether a response came to its end with the right answer in \boxed{}. */
export function answersRightly(
  answer: string,
  response: Pick<ConversationResponse, 'text' | 'ended'>,
): boolean {
  const given = answerOf(response);
  return given !== '' && sameAnswer(answer, given);
}

function scoreConversation(
  variant: MentorVariant,
  task: ConversationTask,
  response: ConversationResponse,
  { argument_weight }: ConversationOptions,
): ConversationScore {
  const given = answerOf(response);
  const correct = answersRightly(task.answer, response);
  const flat = (reward: number): ConversationScore => ({ reward, correct, toolMatch: 0 });
  if (!response.ended) return flat(0);
  if (given === '') return flat(NO_ANSWER);
  if (variant === 'sparse') return flat(correct ? 1 : NO_ANSWER);
  if (task.teacher === undefined) return flat(NO_ANSWER);
  const valid = response.calls.filter((call) => task.tools.has(nameOf(call) ?? ''));
  const match = matchOf(variant, argument_weight, task.teacher, valid);
  const clean = variant !== 'any_overlap' && valid.length === response.calls.length;
  return { reward: composite({ correct, match, clean }), correct, toolMatch: match };
}

function ofConversations(variant: MentorVariant, description: string): ConversationReward {
  return {
    name: variant,
    description: `conversations: ${description}`,
    converse: (task, response, options) => scoreConversation(variant, task, response, options),
  };
}

/** Tells whether an answer uses the functions that the label uses. */
function sameFunctions(task: PreparedTask, answer: Answer): boolean {
  const used = namesOf(answer.kind === 'calls' ? answer.calls : []);
  const wanted = namesOf(task.label.kind === 'calls' ? task.label.calls : []);
  return used.size === wanted.size && [...used].every((name) => wanted.has(name));
}

/** MENTOR's composite, of conversations and, see above, of single turns. */
export const mentor: Reward<BinaryDetail> & ConversationReward = {
  ...ofConversations('mentor', ''),
  description:
    "MENTOR's composite: a right answer, the functions of the teacher (of an answer: of the label), none that does not exist",
  prepare(task) {
    const prepared = new PreparedTask(task);
    const judged = binary.prepare(task);
    return scorerOf<BinaryDetail>(prepared, (generation): Score<BinaryDetail> => {
      const score = judged.score(generation);
      if (score.format === -1 || score.detail.kind === 'unusable_label') return score;
      const answer = prepared.read(generation);
      if (answer.kind === 'nothing') return wellFormed(0, score.detail);
      const match = sameFunctions(prepared, answer) ? 1 : 0;
      const sum = composite({ correct: score.detail.kind === 'right', match, clean: true });
      return wellFormed(Math.min(1, sum / (CORRECT + MATCH + CLEAN)), score.detail);
    });
  },
};

export const sparse = ofConversations('sparse', '1 for a right answer, else 0.1');
export const anyOverlap = ofConversations('any_overlap', 'as mentor, where one common function is a match');
export const noMatch = ofConversations('no_match', "as mentor, without the part for the teacher's functions");
export const f1 = ofConversations('f1', 'as mentor, with the F1 of the two sets of functions');
export const strict = ofConversations('strict', "as mentor, where the calls must be the teacher's, in order");
