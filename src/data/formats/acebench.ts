/**
 * Questions of ACEBench: {"id", "question": "user: ...\nsystem: ...\n", "function": [...]}, where "system" is the
 * assistant; agents' questions are what their user wants, in one text. Like BFCL's they are to decontaminate against.
 */
import type { ExactMessage } from '../../chat/messages.ts';
import { recordTools, Rejection } from '../record.ts';
import type { Format } from './format.ts';
import { idOf, textAt } from './values.ts';

/** Mark of a speaker, which begins a line. */
const SPEAKER = /^(user|system):[^\S\n]*/m;

/** The turns of a dialogue that is one text; a text without speakers is the user's. */
function turnsOf(text: string): ExactMessage[] {
  const [before = '', ...parts] = text.split(SPEAKER);
  const messages: ExactMessage[] = before.trim() === '' ? [] : [{ role: 'user', content: before.trim() }];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const content = parts[i + 1]?.trim() ?? '';
    messages.push({ role: parts[i] === 'user' ? 'user' : 'assistant', content });
  }
  return messages;
}

export const acebench: Format = {
  name: 'acebench',
  description: 'ACEBench questions: prompts without answers, to decontaminate against',
  everyTurn: false,
  matches: (row) => typeof row.get('question') === 'string' && row.has('function'),
  convert(row, context) {
    const messages = turnsOf(textAt(row, 'question', 'no_question'));
    if (!messages.some(({ role }) => role === 'user'))
      throw new Rejection('no_user', 'The question has no words of a user.');
    const { place, source } = context;
    return [{ id: idOf(row, 'acebench', place), source, messages, tools: recordTools(row.get('function')) }];
  },
};
