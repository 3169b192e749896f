/**
 * Questions of benchmarks, which have no answers here and are never trained on: they are prompts to look at, and what
 * data is decontaminated against.
 */
import type { ExactMessage } from '../../chat/messages.ts';
import { isDict, isList, type PyDict } from '../../json/python.ts';
import { plainMessage, recordTools, Rejection } from '../record.ts';
import type { Format } from './format.ts';
import { idOf, textAt } from './values.ts';

function questionsOf(
  name: string,
  benchmark: string,
  matches: Format['matches'],
  messagesOf: (row: PyDict) => readonly ExactMessage[],
): Format {
  return {
    name,
    description: `${benchmark} questions: prompts without answers, to decontaminate against`,
    matches,
    convert(row, { place, source }) {
      const messages = messagesOf(row);
      if (!messages.some(({ role }) => role === 'user'))
        throw new Rejection('no_user', 'The question has no words of a user.');
      // Questions of several turns name classes of functions; the answers between them come from running those.
      return [{ id: idOf(row, name, place), source, messages, tools: recordTools(row.get('function')) }];
    },
  };
}

/** The Berkeley Function-Calling Leaderboard, version 3: {"id", "question": [[messages]], "function": [...]}. */
export const bfcl = questionsOf(
  'bfcl',
  'BFCL',
  (row) => row.has('question') && (row.has('function') || row.has('involved_classes')),
  (row) => {
    const turns = row.get('question');
    if (!isList(turns) || turns.length === 0) throw new Rejection('no_messages', 'The row has no question.');
    return turns.flatMap((turn) => {
      if (!isList(turn) || !turn.every(isDict))
        throw new Rejection('messages', 'A turn of the question is no list of messages.');
      return turn.map(plainMessage);
    });
  },
);

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

/**
 * ACEBench: {"id", "question": "user: ...\nsystem: ...\n", "function": [...]}, where "system" is the assistant; agents'
 * questions are what their user wants, in one text.
 */
export const acebench = questionsOf(
  'acebench',
  'ACEBench',
  (row) => typeof row.get('question') === 'string' && row.has('function'),
  (row) => turnsOf(textAt(row, 'question', 'no_question')),
);
