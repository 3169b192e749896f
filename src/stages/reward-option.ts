/** The option that names a reward of single answers. */
import { z } from 'zod';
import { type RewardName, rewards } from '../rewards/index.ts';

export const rewardOption = z.enum(Object.keys(rewards) as RewardName[]).default('simrl');
