/** Pairs of answers to one prompt, one chosen and one rejected: what preference optimisation learns from. */
import { rowsFrom, type TrainCompletion } from './examples.ts';
import type { Answer, StoredPrompt } from './rollout-store.ts';

/** One answer of a prompt, or the rest of a conversation after it, with what it earned. */
export interface PairAnswer extends Answer {
  /** Indices of the tokens that the model wrote, ascending; without it all of them. What tools answered does not count. */
  readonly rows?: readonly number[];
}

export type AnsweredPrompt = StoredPrompt<PairAnswer>;

export interface PreferencePair extends Omit<AnsweredPrompt, 'samples'> {
  readonly chosen: PairAnswer;
  readonly rejected: PairAnswer;
}

/**
 * Of each prompt the answer that earned most against the one that earned least; of equals, the first drawn. The former
 * must lead by the margin, above 0, and earn the threshold. `dropped` counts prompts with a single answer, with answers
 * that are too much alike, and whose best answer earned too little.
 */
export function choosePairs(
  prompts: readonly AnsweredPrompt[],
  options: { readonly reward_margin: number; readonly reward_threshold?: number },
) {
  const { reward_margin: margin, reward_threshold: threshold = -Infinity } = options;
  const pairs: PreferencePair[] = [];
  const dropped = { alone: 0, alike: 0, poor: 0 };
  for (const { samples, ...prompt } of prompts) {
    const [first, ...others] = samples;
    if (first === undefined || others.length === 0) {
      dropped.alone += 1;
      continue;
    }
    const chosen = others.reduce((best, next) => (next.reward > best.reward ? next : best), first);
    const rejected = others.reduce((worst, next) => (next.reward < worst.reward ? next : worst), first);
    if (chosen.reward - rejected.reward < margin || chosen === rejected) dropped.alike += 1;
    else if (chosen.reward < threshold) dropped.poor += 1;
    else pairs.push({ ...prompt, chosen, rejected });
  }
  return { pairs, dropped };
}

/** Reference log-probabilities of a pair's answers, one a token. */
export interface PairScores {
  readonly chosen: Float32Array;
  readonly rejected: Float32Array;
}

export const countedRows = ({ rows, tokens }: PairAnswer): readonly number[] => rows ?? rowsFrom(tokens);

function completion(answer: PairAnswer, sign: 1 | -1, scores: Float32Array): TrainCompletion {
  const rows = countedRows(answer);
  return {
    tokens: answer.tokens,
    rows,
    inputs: {
      pair_signs: new Float32Array(rows.length).fill(sign),
      ref_logprobs: Float32Array.from(rows, (row) => scores[row] ?? 0),
    },
  };
}

export function pairExample({ promptIds, chosen, rejected }: PreferencePair, scores: PairScores) {
  return {
    prompt: promptIds,
    completions: [completion(chosen, 1, scores.chosen), completion(rejected, -1, scores.rejected)],
  };
}
