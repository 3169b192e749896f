/** Conversations as the prompts of a model on this machine, through its own chat template. */
import type { Message } from '../chat/messages.ts';
import { renderChat, renderPrompt } from '../chat/template.ts';
import type { Answer, AskOptions } from './models.ts';

const THINK = '<think>';

/** The prompt of each conversation. */
export function chatPrompts(
  template: string,
  conversations: readonly (readonly Message[])[],
  { openThought = false, enableThinking }: AskOptions,
): readonly string[] {
  const thinking = enableThinking === undefined ? {} : { enableThinking };
  return conversations.map((messages) =>
    openThought
      ? renderPrompt(template, { messages })
      : renderChat(template, { messages, addGenerationPrompt: true, ...thinking }),
  );
}

/** Answers to such prompts, each with the tag that its prompt may have ended with. */
export async function* chatAnswers(
  answers: AsyncIterable<Answer>,
  { openThought = false }: AskOptions,
): AsyncGenerator<Answer, void, undefined> {
  for await (const answer of answers)
    yield openThought && answer.end !== 'full' ? { ...answer, text: THINK + answer.text } : answer;
}
