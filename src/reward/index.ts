/** The rewards by name. A new reward is one file beside this one and one line here. */
import { UserError } from '../base/errors.ts';
import { binary, type BinaryDetail } from './binary.ts';
import type { Reward } from './reward.ts';
import { simrl, type SimRlDetail } from './simrl.ts';

/** All rewards, each with the type of its own detail. */
export const rewards = {
  simrl,
  binary,
} as const satisfies Record<string, Reward<unknown>>;

export type RewardName = keyof typeof rewards;
export type RewardDetail = SimRlDetail | BinaryDetail;

/** Whether a reward of that name exists. */
export function isRewardName(name: string): name is RewardName {
  return Object.hasOwn(rewards, name);
}

/** The reward that a recipe names; throws a UserError that lists them all. */
export function rewardNamed(name: string): Reward<RewardDetail> {
  if (isRewardName(name)) return rewards[name];
  throw new UserError(
    'REWARD',
    `There is no reward ${JSON.stringify(name)}; choose one of ${Object.keys(rewards).join(', ')}.`,
  );
}
