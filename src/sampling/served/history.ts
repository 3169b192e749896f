/**
 * A conversation as OpenAI's API takes it: every call has an id, and exactly one message of role tool answers each,
 * straight behind it. Data sets are freer: one result for several calls, none, or more than there were calls.
 */
import type { Message } from '../../chat/messages.ts';
import { dumps } from '../../json/dumps.ts';
import { fromJson } from '../../json/python.ts';

/** Of a call whose result stands with another's, and of one that nobody answered. */
const SEE_ABOVE = 'See the result above.';
const NO_RESULT = 'No result.';

function resultsFor(count: number, given: readonly string[]): string[] {
  // Results that no call is left for belong to the last one.
  const own =
    given.length > count ? [...given.slice(0, count - 1), given.slice(count - 1).join('\n')] : given;
  return Array.from({ length: count }, (_, i) => own[i] ?? (own.length > 0 ? SEE_ABOVE : NO_RESULT));
}

export function historyOf(messages: readonly Message[]): object[] {
  const written: object[] = [];
  let calls = 0;
  for (let at = 0; at < messages.length; at++) {
    const message = messages[at];
    if (message === undefined) continue;
    const { role, content, toolCalls = [] } = message;
    if (role !== 'assistant' || toolCalls.length === 0) {
      // A result without a call is refused; what it says is not lost.
      written.push({ role: role === 'tool' ? 'user' : role, content });
      continue;
    }
    const ids = toolCalls.map(() => `call_${(calls += 1)}`);
    written.push({
      role,
      content: content === '' ? null : content,
      tool_calls: toolCalls.map(({ name, arguments: given }, i) => ({
        id: ids[i],
        type: 'function',
        function: { name, arguments: dumps(fromJson(given)) },
      })),
    });
    const results: string[] = [];
    while (messages[at + 1]?.role === 'tool') results.push(messages[(at += 1)]?.content ?? '');
    resultsFor(ids.length, results).forEach((result, i) => {
      written.push({ role: 'tool', content: result, tool_call_id: ids[i] });
    });
  }
  return written;
}
