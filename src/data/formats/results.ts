/** Results of tools: one message a result, in the order of the calls, without the tags that templates put around it. */
import type { ExactMessage } from '../../chat/messages.ts';
import { hermes } from '../../chat/formats/hermes.ts';
import { isDict, isList, type PyDict } from '../../json/python.ts';

const { open: OPEN, close: CLOSE } = hermes.response;
const BEFORE = new RegExp(`^\\s*(?:${OPEN}\\s*)+`);
const BEHIND = new RegExp(`(?:\\s*${CLOSE})+\\s*$`);
const BETWEEN = new RegExp(`\\s*(?:${CLOSE}\\s*)+(?:${OPEN}\\s*)+`);

/** The results in a tool's text: what stands between the tags, which may be written twice or be left open. */
function resultsIn(text: string): readonly string[] {
  if (!BEFORE.test(text) && !BEHIND.test(text)) return [text];
  return text.replace(BEFORE, '').replace(BEHIND, '').split(BETWEEN);
}

/** Tells whether a user's message is what templates make of results, and no words of a user. */
function isResults({ role, content }: ExactMessage): boolean {
  const text = content.trim();
  return role === 'user' && text.startsWith(OPEN) && text.endsWith(CLOSE);
}

/** Messages with one for each result, also where they were written as one, or as the user's after a call. */
export function withResults(messages: readonly ExactMessage[]): ExactMessage[] {
  return messages.flatMap((message, index) => {
    const isAnswer = messages[index - 1]?.toolCalls !== undefined && isResults(message);
    if (message.role !== 'tool' && !isAnswer) return [message];
    return resultsIn(message.content).map((content): ExactMessage => ({ role: 'tool', content }));
  });
}

const EMPTY: PyDict = new Map(Object.entries({ role: 'tool', content: '' }));

/** The ids of the calls of a message, if each has one of its own. */
function callIds(message: PyDict | undefined): readonly string[] {
  const calls = message?.get('tool_calls');
  const ids = (isList(calls) ? calls : []).map((call) => (isDict(call) ? call.get('id') : undefined));
  return ids.every((id) => typeof id === 'string') && new Set(ids).size === ids.length ? ids : [];
}

/** The results of one message's calls; a call without one gets an empty one where later calls have theirs. */
function ordered(ids: readonly string[], results: readonly PyDict[]): readonly PyDict[] {
  const known = results.every((result) => ids.some((id) => id === result.get('tool_call_id')));
  if (!known) return results;
  const ofCalls = ids.map((id) => results.filter((result) => result.get('tool_call_id') === id));
  const last = ofCalls.findLastIndex((own) => own.length > 0);
  return ofCalls.slice(0, last + 1).flatMap((own) => (own.length > 0 ? own : [EMPTY]));
}

/** OpenAI's messages with results in the order of their calls, which ids alone may tell: records have none. */
export function inCallOrder(messages: readonly PyDict[]): PyDict[] {
  const sorted: PyDict[] = [];
  for (let at = 0; at < messages.length;) {
    const end = messages.findIndex((message, index) => index >= at && message.get('role') !== 'tool');
    const results = messages.slice(at, end < 0 ? messages.length : end);
    sorted.push(...ordered(callIds(messages[at - 1]), results));
    at += results.length;
    const next = messages[at];
    if (next !== undefined) sorted.push(next);
    at += 1;
  }
  return sorted;
}
