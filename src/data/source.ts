/** Lines of files as dialogues with what an evaluation needs: the shape that a line must have. */
import { UserError } from '../base/errors.ts';
import type { Message } from '../chat/messages.ts';
import { toTool } from '../chat/tool-documents.ts';
import { tryParseJson } from '../json/parse.ts';
import { isDict, isList, toJsonObject, type PyValue } from '../json/python.ts';
import { readRecord, type RecordMessage, Rejection } from './record.ts';
import type { ReadDialogue } from './render.ts';

/** A dialogue with what an evaluation needs beyond it. */
export interface TaskDialogue extends ReadDialogue {
  /** Words that a right answer in words must contain. */
  readonly mustMention: readonly string[];
}

/** A record's calls are those of a dialogue, with JavaScript's numbers. */
function toMessage({ role, content, reasoning, toolCalls }: RecordMessage): Message {
  const calls = toolCalls?.map(({ name, arguments: given }) => ({ name, arguments: toJsonObject(given) }));
  return {
    role,
    content,
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(calls === undefined ? {} : { toolCalls: calls }),
  };
}

/** Words that an answer must mention. */
function mentions(value: PyValue): readonly string[] {
  const list = value ?? [];
  if (isList(list) && list.every((word) => typeof word === 'string')) return list;
  throw new Rejection('mention', '"mustMention" is no list of texts.');
}

/** A dialogue of a parsed line; throws a Rejection that says what is wrong with it. */
function toDialogue(value: PyValue, line: string, number: number): TaskDialogue {
  const record = readRecord(value, `line-${number}`);
  const { id, messages } = record;
  if (messages.at(-1)?.role !== 'assistant')
    throw new Rejection('no_answer', "The last message must be the assistant's answer.");
  if (messages.length < 2) throw new Rejection('no_messages', 'There is no message before the answer.');
  const field = (name: string): PyValue => (isDict(value) ? (value.get(name) ?? null) : null);
  const category = [field('category'), field('source')].find((one) => typeof one === 'string') ?? 'all';
  const tools = record.tools.map(toTool);
  return {
    id,
    tools,
    messages: messages.map(toMessage),
    category,
    mustMention: mentions(field('mustMention')),
    line,
  };
}

/** Reads a dialogue from a line; `where` and its number, from one, name it. Throws a UserError. */
export function parseDialogue(line: string, where: string, number: number): TaskDialogue {
  const parsed = tryParseJson(line);
  if (!parsed.ok) {
    throw new UserError(
      'DATA_LINE',
      `${where} is not whole JSON; the file may be cut short: repair or remove that line.`,
    );
  }
  try {
    return toDialogue(parsed.value, line, number);
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    const fault = thrown.message.replace(/\.$/, '');
    throw new UserError('DATA_LINE', `${where}: ${fault}; correct or remove that line.`);
  }
}
