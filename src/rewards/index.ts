/** The rewards by name. A new reward is one file beside this one and one line here. */
import { UserError } from '../base/errors.ts';
import { binary, type BinaryDetail } from './binary.ts';
import { mentorTurn } from './mentor-turn.ts';
import type { Reward } from './reward.ts';
import { simrlLength, type SimRlLengthDetail } from './simrl-length.ts';
import { simrlStrict } from './simrl-strict.ts';
import { simrlUnicode } from './simrl-unicode.ts';
import { simrl, type SimRlDetail } from './simrl.ts';
import { toolrl, type ToolRlDetail } from './toolrl.ts';

/** All rewards, each with the type of its own detail. */
export const rewards = {
  simrl,
  binary,
  toolrl,
  simrl_length: simrlLength,
  simrl_strict: simrlStrict,
  simrl_unicode: simrlUnicode,
  mentor_turn: mentorTurn,
} as const satisfies Record<string, Reward<unknown>>;

export type RewardName = keyof typeof rewards;
export type RewardDetail = SimRlDetail | BinaryDetail | ToolRlDetail | SimRlLengthDetail;

/** The names, for recipes and flags. */
export const REWARD_NAMES = Object.keys(rewards).filter(isRewardName);

/** Tells whether a reward of that name exists. */
export function isRewardName(name: string): name is RewardName {
  return Object.hasOwn(rewards, name);
}

/** The reward that a recipe names; throws a UserError that lists them all. */
export function rewardNamed(name: string): Reward<RewardDetail> {
  if (isRewardName(name)) return rewards[name];
  throw new UserError(
    'REWARD',
    `There is no reward ${JSON.stringify(name)}; choose one of ${REWARD_NAMES.join(', ')}.`,
  );
}
