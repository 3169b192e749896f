/** Conversations as the prompts of a model on this machine, through its own chat template. */
import type { Message } from '../chat/messages.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Answer, AskOptions } from './answering.ts';

const THINK = '<think>';

/** The prompt of each conversation. */
export function chatPrompts(
  template: ChatTemplate,
  conversations: readonly (readonly Message[])[],
  { openThought = false, enableThinking }: AskOptions,
): readonly string[] {
  return conversations.map((messages) => {
    const prompt = template.prompt({ messages }, enableThinking);
    return openThought ? prompt + THINK : prompt;
  });
}

/** Answers to such prompts, each with the tag that its prompt may have ended with. */
export async function* chatAnswers(
  answers: AsyncIterable<Answer>,
  { openThought = false }: AskOptions,
): AsyncGenerator<Answer, void, undefined> {
  for await (const answer of answers)
    yield openThought && answer.end !== 'full' ? { ...answer, text: THINK + answer.text } : answer;
}
