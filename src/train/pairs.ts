/** Pairs of answers to one prompt, one chosen and one rejected: what preference optimisation learns from. */
import type { TokenIds } from '../base/token-ids.ts';
import type { DrawnSample } from './events.ts';
import { rowsFrom, type TrainCompletion, type TrainExample } from './examples.ts';

/** One answer of a prompt, or the rest of a conversation after it, with what it earned. */
export interface PairAnswer {
  readonly text: string;
  readonly tokens: TokenIds;
  readonly reward: number;
  /** Indices of the tokens that the model wrote, ascending; without it all of them. What tools answered does not count. */
  readonly rows?: readonly number[];
}

export interface AnsweredPrompt {
  readonly id: string;
  readonly prompt: string;
  readonly promptIds: TokenIds;
  readonly samples: readonly PairAnswer[];
}

export interface PreferencePair {
  readonly id: string;
  readonly prompt: string;
  readonly promptIds: TokenIds;
  readonly chosen: PairAnswer;
  readonly rejected: PairAnswer;
}

export interface PairRule {
  /** Least lead of the chosen answer's reward; above 0. */
  readonly margin: number;
  /** Least reward of the chosen answer. */
  readonly threshold: number | undefined;
}

export interface ChosenPairs {
  readonly pairs: readonly PreferencePair[];
  /** Prompts with a single answer, with answers that are too much alike, and whose best answer earned too little. */
  readonly dropped: { readonly alone: number; readonly alike: number; readonly poor: number };
}

/** Of each prompt the answer that earned most against the one that earned least; of equals, the first drawn. */
export function choosePairs(
  prompts: readonly AnsweredPrompt[],
  { margin, threshold = -Infinity }: PairRule,
): ChosenPairs {
  const pairs: PreferencePair[] = [];
  const dropped = { alone: 0, alike: 0, poor: 0 };
  for (const { id, prompt, promptIds, samples } of prompts) {
    const [first, ...others] = samples;
    if (first === undefined || others.length === 0) {
      dropped.alone += 1;
      continue;
    }
    const chosen = others.reduce((best, next) => (next.reward > best.reward ? next : best), first);
    const rejected = others.reduce((worst, next) => (next.reward < worst.reward ? next : worst), first);
    if (chosen.reward - rejected.reward < margin || chosen === rejected) dropped.alike += 1;
    else if (chosen.reward < threshold) dropped.poor += 1;
    else pairs.push({ id, prompt, promptIds, chosen, rejected });
  }
  return { pairs, dropped };
}

/** Reference log-probabilities of a pair's answers, one a token. */
export interface PairScores {
  readonly chosen: Float32Array;
  readonly rejected: Float32Array;
}

/** The tokens of an answer that count. */
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

/** A pair as one prompt tree. */
export function pairExample(
  { promptIds, chosen, rejected }: PreferencePair,
  scores: PairScores,
): TrainExample {
  return {
    prompt: promptIds,
    completions: [completion(chosen, 1, scores.chosen), completion(rejected, -1, scores.rejected)],
  };
}

/** A pair for the run's samples: the chosen answer, then the rejected one, with what they earned. */
export function shownPair({ id, prompt, chosen, rejected }: PreferencePair): DrawnSample[] {
  return [chosen, rejected].map(({ text, reward }) => ({ id, prompt, generation: text, reward }));
}
