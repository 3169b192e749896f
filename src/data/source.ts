/** Where dialogues come from: the project's generator, or files of one dialogue a line. */
import { UserError } from '../base/errors.ts';
import { readText } from '../base/files.ts';
import { Rng } from '../base/rng.ts';
import type { Dialogue, Message, Tool } from '../chat/messages.ts';
import { toTool } from '../chat/tool-documents.ts';
import { tryParseJson } from '../json/parse.ts';
import { isDict, isList, toJsonObject, type PyValue } from '../json/python.ts';
import { generateAssistant, GROUP_SIZE } from './assistant/index.ts';
import { mixByWeight } from './mixing.ts';
import { readRecord, type RecordMessage, Rejection } from './record.ts';
import type { ReadDialogue } from './render.ts';

/** A dialogue with what an evaluation needs beyond it. */
export interface TaskDialogue extends ReadDialogue {
  /** Words that a right answer in words must contain. */
  readonly mustMention: readonly string[];
}

export type DialogueSource =
  | { readonly source: 'assistant'; readonly seed: number; readonly train: number; readonly test: number }
  | { readonly source: 'file'; readonly train: string; readonly test: string }
  | {
      readonly source: 'mix';
      readonly seed: number;
      readonly parts: readonly { readonly path: string; readonly weight: number }[];
      /** How many dialogues of all parts together. */
      readonly train: number;
      readonly test: string;
    };

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
function toDialogue(value: PyValue, line: string, index: number): TaskDialogue {
  const record = readRecord(value, `line-${index + 1}`);
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

function parseLine(line: string, where: string, index: number): TaskDialogue {
  const parsed = tryParseJson(line);
  if (!parsed.ok) {
    throw new UserError(
      'DATA_LINE',
      `${where} is not whole JSON; the file may be cut short: repair or remove that line.`,
    );
  }
  try {
    return toDialogue(parsed.value, line, index);
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    const fault = thrown.message.replace(/\.$/, '');
    throw new UserError('DATA_LINE', `${where}: ${fault}; correct or remove that line.`);
  }
}

/**
 * Reads a file of one dialogue a line: {id?, tools, messages, category?, mustMention?}, or a record of `data convert`,
 * whose source is then its category. Blank lines are skipped.
 */
export function readDialogues(path: string): TaskDialogue[] {
  // Equal tools are made one array: dialogues in a row that share it share their prompt's computation.
  const toolSets = new Map<string, readonly Tool[]>();
  const dialogues = readText(path)
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      const dialogue = parseLine(line, `${path}:${i + 1}`, i);
      const key = JSON.stringify(dialogue.tools);
      const tools = toolSets.get(key) ?? dialogue.tools;
      toolSets.set(key, tools);
      return [{ ...dialogue, tools }];
    });
  if (dialogues.length === 0)
    throw new UserError('DATA_EMPTY', `${path} holds no dialogue; give a file with one JSON object a line.`);
  return dialogues;
}

/** All dialogues of a split. */
export function loadDialogues(source: DialogueSource, split: 'train' | 'test'): readonly TaskDialogue[] {
  if (source.source === 'file') return readDialogues(source[split]);
  if (source.source === 'mix') {
    if (split === 'test') return readDialogues(source.test);
    const parts = source.parts.map(({ path, weight }) => ({ weight, items: readDialogues(path) }));
    return mixByWeight(parts, source.train, Rng.seeded(source.seed, 'mix'));
  }
  const count = source[split];
  return generateAssistant({ seed: source.seed, split, groups: Math.ceil(count / GROUP_SIZE) }).slice(
    0,
    count,
  );
}

/** Runs of neighbours that share one tool set, at most `limit` long: a shared prompt is computed once. */
export function groupByTools<T extends Dialogue>(dialogues: readonly T[], limit: number): T[][] {
  const groups: T[][] = [];
  for (const dialogue of dialogues) {
    const last = groups.at(-1);
    if (last !== undefined && last.length < limit && last[0]?.tools === dialogue.tools) last.push(dialogue);
    else groups.push([dialogue]);
  }
  return groups;
}
