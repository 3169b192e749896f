/** Rewards of users: plain functions of an answer or of a conversation. */
import { errorText, shortened, UserError } from '../base/errors.ts';
import type { Label } from '../chat/generation.ts';
import type { Tool } from '../chat/messages.ts';
import {
  type Answer,
  type AnyReward,
  type ConversationResponse,
  type ConversationScore,
  type ConversationTask,
  rewardOf,
} from './reward.ts';

export interface AnswerToScore {
  readonly prompt: string;
  readonly tools: readonly Tool[] | undefined;
  /** The text that the model wrote, special tokens included. */
  readonly generation: string;
  /** It, taken apart and held against the tools: calls, a reply, nothing, or malformed. */
  readonly answer: Answer;
  /** The right answer, taken apart likewise. */
  readonly gold: Label;
}

export type ConversationToScore = ConversationTask & ConversationResponse;

/**
 * Earnings of an answer: the reward, and for dynamic filtering how right it is, from 0 to 1; the reward itself, held to that
 * range, where that is left out.
 */
export type Earned = number | { readonly reward: number; readonly score?: number };

export interface RewardDefinition {
  readonly name: string;
  readonly description?: string;
  readonly scoreAnswer?: (answer: AnswerToScore) => Earned;
  readonly scoreConversation?: (conversation: ConversationToScore) => Earned;
}

/** Rewards that `defineReward` made, whichever copy of the program did. */
const MADE = Symbol.for('tinystar.reward');

export const isReward = (value: unknown): value is AnyReward =>
  typeof value === 'object' && value !== null && MADE in value;

/** Calls a user's function; throws a UserError where it throws, or gives no number. */
function earned(name: string, what: string, score: () => Earned): { reward: number; score: number } {
  let given: Earned;
  try {
    given = score();
  } catch (thrown) {
    throw new UserError('REWARD', `The reward ${name} failed on ${what} (${errorText(thrown)}); correct it.`);
  }
  const { reward, score: own = Math.min(1, Math.max(0, reward)) } =
    typeof given === 'number' ? { reward: given } : given;
  if (Number.isFinite(reward) && Number.isFinite(own)) return { reward, score: own };
  throw new UserError(
    'REWARD',
    `The reward ${name} gave ${String(reward)} for ${what}, which is no finite number; correct it.`,
  );
}

const quoted = (text: string): string => JSON.stringify(shortened(text, 80));

/**
 * Makes a reward of functions of one's own, for recipes (`reward: ./my-reward.js`) and for `score`.
 *
 * @example
 * export default defineReward({
 *   name: 'brief',
 *   scoreAnswer: ({ answer, generation }) => (answer.kind === 'calls' ? 1 - generation.length / 4000 : 0),
 * });
 */
export function defineReward(definition: RewardDefinition): AnyReward {
  const { name, description = '', scoreAnswer, scoreConversation } = definition;
  if (scoreAnswer === undefined && scoreConversation === undefined)
    throw new UserError(
      'REWARD',
      `The reward ${name} scores nothing; give it scoreAnswer or scoreConversation.`,
    );
  const answers =
    scoreAnswer &&
    rewardOf(name, description, (prepared, { prompt, tools }) => (generation) => {
      const answer = prepared.read(generation);
      const given = { prompt, tools, generation, answer, gold: prepared.label };
      const { reward, score } = earned(name, `the answer ${quoted(generation)}`, () => scoreAnswer(given));
      const format = answer.kind === 'malformed' ? -1 : 1;
      return { reward, format, answer: score, detail: { kind: 'own', reward: name } };
    });
  const conversations = scoreConversation && {
    converse(task: ConversationTask, response: ConversationResponse): ConversationScore {
      const what = `the conversation ${quoted(response.text)}`;
      const { reward, score } = earned(name, what, () => scoreConversation({ ...task, ...response }));
      return { reward, correct: score >= 1, toolMatch: 0 };
    },
  };
  return { name, description, [MADE]: true, ...answers, ...conversations } as AnyReward;
}
