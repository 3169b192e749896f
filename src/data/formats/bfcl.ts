/**
 * Questions of the Berkeley Function-Calling Leaderboard, version 3: {"id", "question": [[messages]], "function": [...]}.
 * They have no answers here and are never trained on: they are prompts to look at, and what data is decontaminated
 * against.
 */
import { isDict, isList } from '../../json/python.ts';
import { plainMessage, recordTools, Rejection } from '../record.ts';
import type { Format } from './format.ts';
import { idOf } from './values.ts';

export const bfcl: Format = {
  name: 'bfcl',
  description: 'BFCL questions: prompts without answers, to decontaminate against',
  everyTurn: false,
  matches: (row) => row.has('question') && (row.has('function') || row.has('involved_classes')),
  convert(row, context) {
    const turns = row.get('question');
    if (!isList(turns) || turns.length === 0) throw new Rejection('no_messages', 'The row has no question.');
    const messages = turns.flatMap((turn) => {
      if (!isList(turn) || !turn.every(isDict))
        throw new Rejection('messages', 'A turn of the question is no list of messages.');
      return turn.map(plainMessage);
    });
    if (!messages.some(({ role }) => role === 'user'))
      throw new Rejection('no_user', 'The question has no message of a user.');
    // Questions of several turns name classes of functions; the answers between them come from running those.
    const tools = recordTools(row.get('function'));
    return [{ id: idOf(row, 'bfcl', context.place), source: context.source, messages, tools }];
  },
};
