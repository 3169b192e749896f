/** Rewards by name, which all.ts lists; a user's own is a module by its path. */
import { UserError } from '../base/errors.ts';
import { importDefault } from '../base/modules.ts';
import * as rewards from './all.ts';
import { isReward } from './define.ts';
import {
  type AnyReward,
  type ConversationReward,
  type Reward,
  scoresAnswers,
  scoresConversations,
} from './reward.ts';

export { rewards };

const namesOf = (suits: (reward: AnyReward) => boolean): string[] =>
  Object.entries<AnyReward>(rewards).flatMap(([name, reward]) => (suits(reward) ? [name] : []));

/** Names of the rewards of single answers, and of those of conversations, for recipes and flags. */
export const ANSWER_REWARDS = namesOf(scoresAnswers);
export const CONVERSATION_REWARDS = namesOf(scoresConversations);

/** Paths of modules, which no reward's name looks like. */
export const MODULE_PATH = /\.[cm]?[jt]s$/;

/** The reward that comes along under this name, if there is one, or that of the module at this path. */
async function anyReward(nameOrPath: string): Promise<AnyReward | undefined> {
  if (!MODULE_PATH.test(nameOrPath))
    return Object.hasOwn(rewards, nameOrPath) ? rewards[nameOrPath as keyof typeof rewards] : undefined;
  const exported = await importDefault(nameOrPath, 'REWARD');
  if (isReward(exported)) return exported;
  throw new UserError(
    'REWARD',
    `The default export of ${nameOrPath} is no reward; export what defineReward returns.`,
  );
}

/** The reward of answers of this name, or of the module at this path; throws UserErrors. */
export async function loadReward(nameOrPath: string): Promise<Reward<unknown>> {
  const reward = await anyReward(nameOrPath);
  if (reward !== undefined && scoresAnswers(reward)) return reward;
  throw new UserError(
    'REWARD',
    MODULE_PATH.test(nameOrPath)
      ? `The reward of ${nameOrPath} scores conversations only; give defineReward scoreAnswer to use it here.`
      : `There is no reward ${JSON.stringify(nameOrPath)}; choose one of ${ANSWER_REWARDS.join(', ')}, or give the path of a module.`,
  );
}

/** The reward of conversations of this name, or of the module at this path; throws UserErrors. */
export async function loadConversationReward(nameOrPath: string): Promise<ConversationReward> {
  const reward = await anyReward(nameOrPath);
  if (reward !== undefined && scoresConversations(reward)) return reward;
  throw new UserError(
    'REWARD',
    `${nameOrPath} is no reward of conversations; choose one of ${CONVERSATION_REWARDS.join(', ')}, or a module whose defineReward has scoreConversation.`,
  );
}
