/**
 * Example lines of a project (`tinystar init`), {"request", "calls"} or {"request", "reply"}; other keys are left alone.
 * Arguments come in the order of their function's schema, as `tinystar fit` teaches them and grammars want them.
 */
import type { ExactCall } from '../../chat/messages.ts';
import { declaredFirst } from '../../chat/tools.ts';
import { isDict, type PyDict } from '../../json/python.ts';
import { callsOf } from '../calls.ts';
import { Rejection } from '../record.ts';
import type { Format } from './format.ts';
import { recordsOf } from './turns.ts';
import { contentOf, rowTools, textAt } from './values.ts';

function inOrder({ name, arguments: given }: ExactCall, tools: readonly PyDict[]): ExactCall {
  const parameters = tools.find((tool) => tool.get('name') === name)?.get('parameters');
  const properties = isDict(parameters) ? parameters.get('properties') : undefined;
  const declared = isDict(properties) ? [...properties.keys()] : [];
  return { name, arguments: new Map(declaredFirst(given, declared)) };
}

export const requests: Format = {
  name: 'requests',
  description: "a project's example lines: request, and calls or reply",
  matches: (row) => row.has('request') && (row.has('calls') || row.has('reply')),
  convert(row, context) {
    const tools = rowTools(row);
    const toolCalls = callsOf(row.get('calls')).map((call) => inOrder(call, tools));
    if (toolCalls.length > 0 && tools.length === 0)
      throw new Rejection('no_tools', 'The row has calls and no functions; give them with --tools FILE.');
    const said = contentOf(row.get('reply'));
    const reply = said === '' && context.refusal !== undefined ? context.refusal : said;
    if (toolCalls.length === 0 && reply === '')
      throw new Rejection(
        'no_answer',
        'The row has neither calls nor a reply; give the words for such rows with --refusal.',
      );
    const answer = toolCalls.length === 0 ? { content: reply } : { content: '', toolCalls };
    const messages = [
      { role: 'user' as const, content: textAt(row, 'request', 'no_request') },
      { role: 'assistant' as const, ...answer },
    ];
    return recordsOf(row, 'requests', { messages, tools }, context);
  },
};
