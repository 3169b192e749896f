/** The system's words: what a row says beside its messages, and tools that are written into them. */
import type { ExactMessage } from '../../chat/messages.ts';
import { hermes } from '../../chat/formats/hermes.ts';
import { looksLikeTool } from '../../chat/tool-documents.ts';
import { tryParseJson } from '../../json/parse.ts';
import { isList, type PyDict, type PyValue } from '../../json/python.ts';
import { recordTools, Rejection } from '../record.ts';
import type { Conversation } from './turns.ts';
import { contentOf } from './values.ts';

const SYSTEM_KEYS = ['system', 'system_prompt', 'systemPrompt', 'system_message'] as const;
const { open: OPEN, close: CLOSE } = hermes.tools;
/** Number of beginnings of lists that are tried, so that a text that only looks like tools stays cheap. */
const MAX_STARTS = 64;

/** Messages with what the row says as the system before them, unless they begin with it. */
export function withSystem(row: PyDict, messages: readonly ExactMessage[]): readonly ExactMessage[] {
  const key = SYSTEM_KEYS.find((one) => (row.get(one) ?? null) !== null);
  const content = key === undefined ? '' : contentOf(row.get(key));
  const isThere = messages.some((message) => message.role === 'system' && message.content === content);
  return content.trim() === '' || isThere ? messages : [{ role: 'system', content }, ...messages];
}

/** A text without the tools in it. */
interface Found {
  readonly tools: readonly PyDict[];
  readonly rest: string;
}

/** The value that begins at `start`, and where it ends; undefined if there is none. */
function valueAt(text: string, start: number): { readonly value: PyValue; readonly end: number } | undefined {
  const tail = text.slice(start);
  const whole = tryParseJson(tail);
  if (whole.ok) return { value: whole.value, end: text.length };
  const length = tail.slice(0, whole.error.position).trimEnd().length;
  const parsed = tryParseJson(tail.slice(0, length));
  return parsed.ok ? { value: parsed.value, end: start + length } : undefined;
}

/** The tools that a list holds and nothing else; none if it is a list of other things, such as of calls. */
function asTools(value: PyValue): readonly PyDict[] {
  if (!isList(value) || !value.every(looksLikeTool)) return [];
  try {
    return recordTools(value);
  } catch (thrown) {
    if (thrown instanceof Rejection) return [];
    throw thrown;
  }
}

/** The first JSON list of tools in a text. */
export function listedTools(text: string): Found | undefined {
  const starts = [...text.matchAll(/\[\s*\{/g)].slice(0, MAX_STARTS);
  for (const { index } of starts) {
    const found = valueAt(text, index);
    const tools = found === undefined ? [] : asTools(found.value);
    if (found !== undefined && tools.length > 0)
      return { tools, rest: text.slice(0, index) + text.slice(found.end) };
  }
  return undefined;
}

/** The tools inside of <tools>, as a list or one a line, as templates write them. */
export function taggedTools(text: string): Found | undefined {
  for (let start = text.indexOf(OPEN); start >= 0; start = text.indexOf(OPEN, start + 1)) {
    const end = text.indexOf(CLOSE, start);
    if (end < 0) return undefined;
    const inner = text.slice(start + OPEN.length, end);
    const lines = inner.split('\n').filter((line) => line.trim() !== '');
    const list = tryParseJson(inner.trim());
    const each = lines.map((line) => tryParseJson(line)).map((one) => (one.ok ? one.value : null));
    const tools = asTools(list.ok && isList(list.value) ? list.value : each);
    if (tools.length > 0) return { tools, rest: text.slice(0, start) + text.slice(end + CLOSE.length) };
  }
  return undefined;
}

/**
 * The tools of a conversation: those of the row, else those that `find` finds in the system's words, of which no more
 * than the tools is left out, since a template says them in its own way.
 */
export function offeredTools(
  given: readonly PyDict[],
  messages: readonly ExactMessage[],
  find: (text: string) => Found | undefined,
): Conversation {
  if (given.length > 0) return { messages, tools: given };
  for (const [index, message] of messages.entries()) {
    const found = message.role === 'system' ? find(message.content) : undefined;
    if (found === undefined) continue;
    const system = found.rest.trim() === '' ? [] : [{ ...message, content: found.rest }];
    return { tools: found.tools, messages: messages.toSpliced(index, 1, ...system) };
  }
  return { messages, tools: [] };
}
