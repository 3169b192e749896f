/**
 * MENTOR's reward (arXiv 2510.18383; see mentor.ts) on a single turn, to compare it with Sim-RL's on the same prompts.
 * The label stands for both the right answer and the teacher's trajectory: correct is what evaluation means by it
 * (exact.ts), and a match means the same functions, none where none is wanted.
 *
 *   (0.7 correct + 0.3 match + 0.1) / 1.1, and (0.2 * 0.3 match + 0.1) / 1.1 where the answer is wrong
 *
 * The division brings it into the range of the other rewards, and means nothing to advantages within a group. A
 * function that does not exist makes the form wrong, as in Sim-RL, so that the part for none, 0.1, is always there;
 * -1 for a wrong form is this project's choice. A label that cannot be read earns every well-formed generation 0; a turn
 * that says nothing, or never closes its call, earns 0 too, as one that does not end does there.
 */
import { binary, type BinaryDetail } from './binary.ts';
import { type Answer, PreparedTask, type Reward, type Score, scorerOf, wellFormed } from './reward.ts';

const [CORRECT, MATCH, CLEAN, WRONG_SHARE] = [0.7, 0.3, 0.1, 0.2];

function namesOf(calls: readonly { readonly name: string }[]): Set<string> {
  return new Set(calls.map(({ name }) => name));
}

/** Tells whether an answer uses the functions that the label uses. */
function sameFunctions(task: PreparedTask, answer: Answer): boolean {
  const used = namesOf(answer.kind === 'calls' ? answer.calls : []);
  const wanted = namesOf(task.label.kind === 'calls' ? task.label.calls : []);
  return used.size === wanted.size && [...used].every((name) => wanted.has(name));
}

/** MENTOR's composite reward of one turn. */
export const mentorTurn: Reward<BinaryDetail> = {
  name: 'mentor_turn',
  description:
    "MENTOR's composite on one turn: the right calls, or at least the right functions; -1 for a wrong form",
  prepare(task) {
    const prepared = new PreparedTask(task);
    const judged = binary.prepare(task);
    return scorerOf<BinaryDetail>(prepared, (generation): Score<BinaryDetail> => {
      const score = judged.score(generation);
      if (score.format === -1 || score.detail.kind === 'unusable_label') return score;
      const answer = prepared.read(generation);
      if (answer.kind === 'nothing') return wellFormed(0, score.detail);
      const correct = score.detail.kind === 'right';
      const match = MATCH * (sameFunctions(prepared, answer) ? 1 : 0);
      const sum = correct ? CORRECT + match + CLEAN : WRONG_SHARE * match + CLEAN;
      return wellFormed(Math.min(1, sum / (CORRECT + MATCH + CLEAN)), score.detail);
    });
  },
};
