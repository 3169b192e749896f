/**
 * xLAM (Salesforce/xlam-function-calling-60k) and Hammer's irrelevance set (MadeAgents/xlam-irrelevance-7.5k): {"id",
 * "query", "tools", "answers"}, the last two as JSON or as JSON text. Tools are kept as they are.
 */
import type { ExactMessage } from '../../chat/messages.ts';
import { isList, type PyDict } from '../../json/python.ts';
import { callsOf } from '../calls.ts';
import { Rejection } from '../record.ts';
import type { Format, FormatContext } from './format.ts';
import { withSystem } from './system.ts';
import { recordsOf } from './turns.ts';
import { hasTools, rowTools, textAt } from './values.ts';

function answerText(row: PyDict): string | undefined {
  for (const key of ['response', 'reply', 'refusal', 'output']) {
    const value = row.get(key);
    if (typeof value === 'string' && value.trim() !== '') return value;
  }
  return undefined;
}

const isEmptyList = (row: PyDict): boolean => {
  const answers = row.get('answers');
  return (isList(answers) && answers.length === 0) || answers === '[]';
};

function recordOf(
  row: PyDict,
  prefix: string,
  answer: Pick<ExactMessage, 'content' | 'toolCalls'>,
  context: FormatContext,
): ReturnType<Format['convert']> {
  const messages = withSystem(row, [
    { role: 'user', content: textAt(row, 'query', 'no_query') },
    { role: 'assistant', ...answer },
  ]);
  return recordsOf(row, prefix, { messages, tools: rowTools(row) }, context);
}

export const xlam: Format = {
  name: 'xlam',
  description: 'xLAM: query, tools, answers',
  matches: (row) => row.has('query') && hasTools(row) && row.has('answers') && !isEmptyList(row),
  convert(row, context) {
    const toolCalls = callsOf(row.get('answers'));
    if (toolCalls.length === 0) throw new Rejection('empty_answer', 'The row has no answers.');
    return recordOf(row, 'xlam', { content: '', toolCalls }, context);
  },
};

export const hammer: Format = {
  name: 'hammer',
  description: "Hammer's irrelevance set: xLAM's rows without an answer, where no tool fits",
  matches: (row) => row.has('query') && hasTools(row) && isEmptyList(row),
  convert(row, context) {
    if (callsOf(row.get('answers')).length > 0)
      throw new Rejection('not_irrelevant', 'The row has calls as its answer.');
    const content = answerText(row) ?? context.refusal;
    if (content !== undefined) return recordOf(row, 'hammer', { content }, context);
    throw new Rejection(
      'no_answer',
      'The data set has no words for rows that no tool fits; give them with --refusal.',
    );
  },
};
