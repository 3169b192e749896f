/**
 * Sim-RL that prefers the short of two right answers, for students that pay for every token: what a well-formed generation earns is
 * multiplied by a factor that falls from 1 to 1/2 as it grows longer than the label's answer.
 *
 * Counted are the characters of the turn beyond those of `<think></think>` and the label's answer: thoughts, text around calls, calls too many.
 * Up to FREE of them cost nothing, from FULL on the factor is 1/2, and it is linear between: a soft limit as in DAPO (arXiv 2503.14476, equation 13),
 * but as a factor, so that a long right answer is never worse than a short wrong one. A wrong form earns -1 as ever.
 */
import { shownParts } from '../chat/generation.ts';
import { rewardOf, wellFormed } from './reward.ts';
import { similarityScore, type SimRlDetail } from './simrl.ts';

/** Characters; a token of Qwen3 is about four of them. */
export const FREE = 1000;
export const FULL = 4000;
const LEAST = 0.5;

export interface SimRlLengthDetail {
  readonly kind: 'length';
  /** Number of characters of the turn beyond the label's answer. */
  readonly surplus: number;
  readonly factor: number;
  readonly simrl: SimRlDetail;
}

export const simrlLength = rewardOf<SimRlLengthDetail>(
  'simrl_length',
  'simrl, times a factor from 1 down to 1/2 for what is written beyond the gold answer',
  (prepared, { label }) => {
    const similarity = similarityScore(prepared);
    const { think, thinks } = prepared.format;
    const [, gold] = shownParts(label, prepared.format);
    const needed = (thinks ? think.open.length + think.close.length : 0) + gold.trim().length;
    return (generation) => {
      const score = similarity(generation);
      const surplus = Math.max(0, prepared.turn(generation).length - needed);
      const over = Math.min(1, Math.max(0, (surplus - FREE) / (FULL - FREE)));
      const factor = 1 - (1 - LEAST) * over;
      const detail: SimRlLengthDetail = { kind: 'length', surplus, factor, simrl: score.detail };
      return score.format === -1 ? { ...score, detail } : wellFormed(score.answer * factor, detail);
    };
  },
);
