/**
 * Answers of the assistant as words and calls. Calls are taken only where their own form says so (fields of calls,
 * <tool_call>, a name with arguments) or the tools of the row do: anything else is words, JSON included.
 */
import type { ExactCall, ExactMessage } from '../../chat/messages.ts';
import { hermes } from '../../chat/formats/hermes.ts';
import {
  type KnownTool,
  looksLikePythonCalls,
  parsePythonCalls,
  parsePythonLiteral,
  PythonFault,
} from '../../chat/formats/python-calls.ts';
import { argumentsOf } from '../../chat/tools.ts';
import { exactCall } from '../../chat/template.ts';
import { dumps } from '../../json/dumps.ts';
import { tryParseJson } from '../../json/parse.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../json/python.ts';
import { pyStr } from '../../json/repr.ts';
import { callsOf, isCall } from '../calls.ts';
import { Rejection } from '../record.ts';
import { splitThink } from './turns.ts';

export interface Answer {
  readonly content: string;
  readonly calls: readonly ExactCall[];
}

/** The same tag several times in a row, as some data sets write it. */
const DOUBLED = new RegExp(`(${hermes.call.open}|${hermes.call.close})(?:\\s*\\1)+`, 'g');

/** Value in a block of <tool_call>: JSON, or the dict of Python that some data sets print instead. */
function blockValue(block: string): PyValue {
  if (!/^\s*\[?\s*\{/.test(block) || tryParseJson(block).ok) return block;
  try {
    return parsePythonLiteral(block);
  } catch (thrown) {
    // Text that is neither is told as broken JSON.
    if (thrown instanceof PythonFault) return block;
    throw thrown;
  }
}

/** Calls that stand in a text inside of <tool_call>, and the words around them; undefined if there are none. */
function taggedCalls(written: string): Answer | undefined {
  const text = written.replace(DOUBLED, '$1');
  const blocks = hermes.callBlocks(text);
  if (blocks === undefined) return undefined;
  const calls = blocks.flatMap((block) => callsOf(blockValue(block)));
  if (calls.length === 0)
    throw new Rejection('call', `An answer opens ${hermes.call.open} and never closes it.`);
  return { content: hermes.outsideOfCalls(text).trim(), calls };
}

/** The calls that a text is as a whole, in JSON; undefined if it is something else. */
function jsonCalls(text: string, names: ReadonlySet<string>): readonly ExactCall[] | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  const parsed = tryParseJson(text.trim());
  if (!parsed.ok) return undefined;
  const inner = isDict(parsed.value) && parsed.value.size === 1 ? parsed.value.get('tool_calls') : undefined;
  const list: readonly PyValue[] = isList(inner)
    ? inner
    : isList(parsed.value)
      ? parsed.value
      : [parsed.value];
  return list.length > 0 && list.every((item) => isCall(item, names)) ? list.flatMap(callsOf) : undefined;
}

/** A text with calls that stand in a field beside it, which some data sets write into the text too. */
function withField(text: string, calls: readonly ExactCall[]): Answer {
  const tagged = taggedCalls(text);
  if (tagged === undefined) return { content: text, calls };
  if (dumps(tagged.calls.map(exactCall)) === dumps(calls.map(exactCall)))
    return { content: tagged.content, calls };
  throw new Rejection('call', 'A message has calls in its text that are not those of its field.');
}

const byLength = (a: string, b: string): number => b.length - a.length;

function knownTools(tools: readonly PyDict[]): readonly KnownTool[] {
  return tools
    .map((tool) => {
      const parameters = tool.get('parameters');
      const keys = isDict(parameters) ? [...argumentsOf(parameters).keys()] : [];
      return { name: pyStr(tool.get('name') ?? ''), keywords: keys.toSorted(byLength) };
    })
    .toSorted((a, b) => byLength(a.name, b.name));
}

/** The calls that a text is as a whole, in Python; undefined if it is something else. Throws a Rejection where they are broken. */
function pythonCalls(text: string, tools: readonly PyDict[]): readonly ExactCall[] | undefined {
  const known = knownTools(tools);
  if (!looksLikePythonCalls(text, known)) return undefined;
  try {
    return parsePythonCalls(text, known);
  } catch (thrown) {
    if (thrown instanceof PythonFault) throw new Rejection('call', thrown.message);
    throw thrown;
  }
}

/** A text whose calls may be written in any way. */
export function writtenAnswer(text: string, tools: readonly PyDict[]): Answer {
  const tagged = taggedCalls(text);
  if (tagged !== undefined) return tagged;
  const names = new Set(tools.map((tool) => pyStr(tool.get('name') ?? '')));
  const calls = jsonCalls(text, names) ?? pythonCalls(text, tools);
  return calls === undefined ? { content: text, calls: [] } : { content: '', calls };
}

export interface AssistantParts {
  readonly text: string;
  /** Thought, where that has a field of its own. */
  readonly reasoning?: PyValue | undefined;
  /** The calls of its fields. */
  readonly calls: readonly ExactCall[];
  /** Reads the words after the thought where no field has calls; default: tags alone are calls. */
  readonly read?: (text: string) => Answer;
}

export function assistantMessage({ text, reasoning, calls: given, read }: AssistantParts): ExactMessage {
  const { reasoning: inside, content: said } = splitThink(text);
  const readTags = (words: string): Answer => taggedCalls(words) ?? { content: words, calls: [] };
  const { content, calls } = given.length > 0 ? withField(said, given) : (read ?? readTags)(said);
  const own =
    typeof reasoning === 'string' && (reasoning !== '' || inside === undefined) ? reasoning : inside;
  return {
    role: 'assistant',
    content,
    ...(own === undefined ? {} : { reasoning: own }),
    ...(calls.length > 0 ? { toolCalls: calls } : {}),
  };
}
