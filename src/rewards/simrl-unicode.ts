/**
 * Sim-RL for every script. The reference's ROUGE-L knows words of a-z and 0-9 alone, so that two Chinese texts earn 1 if
 * they are equal and 0 if they are not. Here words are those of base/words.ts: of any script, and characters where
 * words are written without spaces. Texts in ASCII earn what they earn with `simrl`.
 */
import { wordsOf } from '../base/words.ts';
import { rewardOf } from './reward.ts';
import { similarityScore } from './simrl.ts';

export const simrlUnicode = rewardOf(
  'simrl_unicode',
  'simrl, with words of every script, such as Chinese, where the reference knows a-z alone',
  (prepared) => similarityScore(prepared, wordsOf),
);
