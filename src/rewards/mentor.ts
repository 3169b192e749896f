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
 * equal arguments. And one option none of them has: with `argumentWeight` w, match is 0.3 ((1 - w) m + w s), where m
 * is the variant's own view of the names, and s is Sim-RL's similarity of the calls, arguments included.
 */
import type { GoldCall, WrittenCall } from '../chat/generation.ts';
import { isObjectCall } from '../chat/tools.ts';
import { judge } from './exact.ts';
import { lastBoxed, sameAnswer } from './math-answer.ts';
import { callSimilarity } from './simrl.ts';

export const MENTOR_VARIANTS = ['mentor', 'sparse', 'any_overlap', 'no_match', 'f1', 'strict'] as const;
/**
 * mentor: equal sets; sparse: 1 for a right answer, else 0.1; any_overlap: one common name is a match, and clean is
 * not looked at; no_match: clean alone; f1: the F1 of the two sets; strict: the same calls in the same order.
 */
export type MentorVariant = (typeof MENTOR_VARIANTS)[number];

export interface MentorOptions {
  readonly variant: MentorVariant;
  /** Share of the match that is Sim-RL's similarity of the calls; 0 is the paper's reward. */
  readonly argumentWeight?: number;
}

/** What a group of responses is scored against. */
export interface MentorTask {
  /** The right answer. */
  readonly answer: string;
  /** Names of the tools that exist. */
  readonly tools: ReadonlySet<string>;
  /** The calls of the teacher's reference trajectory; undefined when there is none. */
  readonly teacher: readonly WrittenCall[] | undefined;
}

/** A student's response, all of its turns. */
export interface MentorResponse {
  /** What it wrote, without what functions returned. */
  readonly text: string;
  /** Its calls that can be read, in order. */
  readonly calls: readonly WrittenCall[];
  /** Tells whether its last turn came to an end. */
  readonly ended: boolean;
}

export interface MentorScore {
  readonly reward: number;
  readonly correct: boolean;
  /** The part for the teacher's tools, 0 to 0.3, before a wrong answer shrinks it. */
  readonly match: number;
  /** The part for no invented tool, 0 or 0.1. */
  readonly clean: number;
}

const CORRECT = 0.7;
/** What a full match is worth. */
export const FULL_MATCH = 0.3;
const CLEAN = 0.1;
/** What is left of the match under a wrong answer. */
const WRONG_SHARE = 0.2;
/** What a response without an answer is worth. */
const NO_ANSWER = 0.1;

const nameOf = ({ name }: WrittenCall): string | undefined => (typeof name === 'string' ? name : undefined);

/** The names of some calls; those that are no strings, as `undefined`. */
function namesOf(calls: readonly WrittenCall[]): Set<string | undefined> {
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

/** How far the student's valid calls match the teacher's, 0 to 1. `student` is not empty. */
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

function matchOf(
  { variant, argumentWeight = 0 }: MentorOptions,
  task: MentorTask,
  student: readonly WrittenCall[],
): number {
  const teacher = task.teacher ?? [];
  if (student.length === 0 || variant === 'no_match') return 0;
  const names = agreement(variant, teacher, student);
  if (argumentWeight === 0) return FULL_MATCH * names;
  const similarity = callSimilarity(student.filter(isObjectCall), teacher.filter(isObjectCall));
  return FULL_MATCH * ((1 - argumentWeight) * names + argumentWeight * similarity);
}

/** What the last box of a response holds, if it came to an end; empty if there is none. */
function answerOf({ text, ended }: Pick<MentorResponse, 'text' | 'ended'>): string {
  return ended ? (lastBoxed(text)?.trim() ?? '') : '';
}

/** Tells whether a response came to its end with the right answer in \boxed{}. */
export function answersRightly(answer: string, response: Pick<MentorResponse, 'text' | 'ended'>): boolean {
  const given = answerOf(response);
  return given !== '' && sameAnswer(answer, given);
}

/** Scores one response. Never throws. */
export function mentorReward(
  options: MentorOptions,
  task: MentorTask,
  response: MentorResponse,
): MentorScore {
  const given = answerOf(response);
  const correct = answersRightly(task.answer, response);
  const flat = (reward: number): MentorScore => ({ reward, correct, match: 0, clean: 0 });
  if (!response.ended) return flat(0);
  if (given === '') return flat(NO_ANSWER);
  if (options.variant === 'sparse') return flat(correct ? 1 : NO_ANSWER);
  if (task.teacher === undefined) return flat(NO_ANSWER);
  const valid = response.calls.filter((call) => task.tools.has(nameOf(call) ?? ''));
  const match = matchOf(options, task, valid);
  const clean = options.variant !== 'any_overlap' && valid.length === response.calls.length ? CLEAN : 0;
  return { reward: correct ? CORRECT + match + clean : WRONG_SHARE * match + clean, correct, match, clean };
}
