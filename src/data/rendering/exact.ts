/**
 * The texts that a model is trained on, of a dialogue that was read from a file: with every value as the file has it,
 * where a dialogue in memory has JavaScript's numbers, to which 5.0 is 5.
 */
import { openThought, targetText } from '../../chat/template.ts';
import { parseJson } from '../../json/parse.ts';
import { answerText } from '../gold.ts';
import { readRecord, Rejection } from '../record.ts';
import { renderConversation } from './modes.ts';

/** The prompt up to and including "<think>", and the target up to and including "<|im_end|>". */
export function exactTexts(
  line: string,
  template: string,
): { readonly prompt: string; readonly target: string } {
  const { messages, tools } = readRecord(parseJson(line), 'line');
  const last = messages.at(-1);
  if (last?.role !== 'assistant')
    throw new Rejection('no_answer', 'The record does not end with an answer of the assistant.');
  const history = { messages: messages.slice(0, -1), tools };
  return {
    prompt: openThought(renderConversation(template, history, true)),
    target: targetText(last.reasoning ?? '', answerText(last)),
  };
}
