/** Options that name a reward: one that comes along, or a module of the user's. */
import { z } from 'zod';
import { ANSWER_REWARDS, CONVERSATION_REWARDS, MODULE_PATH } from '../rewards/index.ts';
import { pathTo } from './stage.ts';

const optionOf = (names: readonly string[]) => z.union([z.enum(names), pathTo('module').regex(MODULE_PATH)]);

export const answerRewardOption = optionOf(ANSWER_REWARDS).default('simrl');
export const conversationRewardOption = optionOf(CONVERSATION_REWARDS).default('mentor');
