/**
 * Readers of records: of one line, of the rows of any data file as they come, and of a file of lines of which only the
 * places are in memory. Dialogues are records with JavaScript's numbers, an answer at their end, and what an evaluation
 * needs beyond it.
 */
import { createHash } from 'node:crypto';
import { UserError } from '../base/errors.ts';
import { type FileLine, inputName, LineFile } from '../base/lines.ts';
import type { ExactMessage, Message } from '../chat/messages.ts';
import { toTool } from '../chat/tool-documents.ts';
import { dumps } from '../json/dumps.ts';
import { tryParseJson } from '../json/parse.ts';
import { isDict, isList, toJsonObject, type PyDict, type PyValue } from '../json/python.ts';
import { dialogueList, type Dialogues } from './dialogues.ts';
import { type DataRecord, readRecord, Rejection } from './record.ts';
import type { ReadDialogue } from './render.ts';
import { fileRows, type Row } from './streams/rows.ts';

/** Bytes up to which a file's dialogues are kept in memory. */
const KEPT = 1 << 26;

export interface Rejected {
  readonly where: string;
  readonly code: string;
  readonly message: string;
  /** The row as it was, where it was text. */
  readonly text: string | undefined;
}

/** Runs `work` on a row, with a Rejection that it throws as a value. */
export function attemptRow<T>({ where, text }: Row, work: () => T): T | { readonly rejected: Rejected } {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    return { rejected: { where, code: thrown.code, message: thrown.message, text } };
  }
}

/** The value of a row; throws a Rejection where its text could not be read. */
export function rowValue({ value, problem }: Row): PyValue {
  if (value === undefined) throw problem ?? new Rejection('not_json', 'It is not JSON.');
  return value;
}

/** Records of a data file, whatever it is packed in, or why a row is none. */
export async function* recordRows(path: string) {
  for await (const row of fileRows(path)) {
    const { where, text } = row;
    yield attemptRow(row, () => ({ where, text, record: readRecord(rowValue(row), where) }));
  }
}

/** A dialogue with what an evaluation needs beyond it. */
export interface TaskDialogue extends ReadDialogue {
  /** Words that a right answer in words must contain. */
  readonly mustMention: readonly string[];
}

type FileDialogue = TaskDialogue & { readonly record: DataRecord };

/** A record with all fields of its line. */
interface LineRecord {
  readonly record: DataRecord;
  readonly fields: PyDict;
}

/** Runs `read` on the JSON of a line; throws a UserError that begins with `where`. */
function parsedLine<T>(text: string, where: string, read: (value: PyValue) => T): T {
  const parsed = tryParseJson(text);
  if (!parsed.ok) {
    throw new UserError(
      'DATA_LINE',
      `${where} is not whole JSON; the file may be cut short: repair or remove that line.`,
    );
  }
  try {
    return read(parsed.value);
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    const fault = thrown.message.replace(/\.$/, '');
    throw new UserError('DATA_LINE', `${where}: ${fault}; correct or remove that line.`);
  }
}

function lineRecord(value: PyValue, number: number): LineRecord {
  return { record: readRecord(value, `line-${number}`), fields: isDict(value) ? value : new Map() };
}

/** A record's message as a dialogue's, with JavaScript's numbers. */
function toMessage({ toolCalls, ...message }: ExactMessage): Message {
  if (toolCalls === undefined) return message;
  const calls = toolCalls.map(({ name, arguments: given }) => ({ name, arguments: toJsonObject(given) }));
  return { ...message, toolCalls: calls };
}

function mentions(value: PyValue): readonly string[] {
  const list = value ?? [];
  if (isList(list) && list.every((word) => typeof word === 'string')) return list;
  throw new Rejection('mention', '"mustMention" is no list of texts.');
}

/** Leaves a record out of a dialogue's JSON, which has plain values: `JSON.stringify` refuses a record's. */
const toJSON = (): undefined => undefined;

/** The dialogue that a record is; throws a Rejection that says what it lacks. Its tools are `shared` where it names none. */
function toDialogue({ record: given, fields }: LineRecord, shared?: readonly PyDict[]): FileDialogue {
  const record = shared === undefined || fields.has('tools') ? given : { ...given, tools: shared };
  const { id, messages, tools } = record;
  if (messages.at(-1)?.role !== 'assistant')
    throw new Rejection('no_answer', "The last message must be the assistant's answer.");
  if (messages.length < 2) throw new Rejection('no_messages', 'There is no message before the answer.');
  const names = [fields.get('category'), fields.get('source')];
  return {
    id,
    tools: tools.map(toTool),
    messages: messages.map(toMessage),
    category: names.find((one) => typeof one === 'string') ?? 'all',
    mustMention: mentions(fields.get('mustMention') ?? null),
    record: Object.assign({ ...record }, { toJSON }),
  };
}

/** Reads a dialogue from a line of a file, or of none; throws a UserError. */
export const parseDialogue = (line: string): TaskDialogue =>
  parsedLine(line, 'the record', (value) => toDialogue(lineRecord(value, 1)));

/** A file of one record a line of which only the places of the lines are in memory, so that they can be taken in any order. */
export class RecordFile extends LineFile {
  readonly #places: Omit<FileLine, 'text'>[] = [];

  /** Lines that were read and are not blank. */
  get length(): number {
    return this.#places.length;
  }

  /** Applies `read` to every line once, in order; throws a UserError for a line that is no record. */
  *read<T>(read: (line: LineRecord) => T): Generator<T> {
    for (const { text, ...place } of this.lines()) {
      if (text.trim() === '') continue;
      this.#places.push(place);
      yield this.#parsed(text, place.number, read);
    }
  }

  #parsed<T>(text: string, number: number, read: (line: LineRecord) => T): T {
    const where = `${inputName(this.path)}:${number}`;
    return parsedLine(text, where, (value) => read(lineRecord(value, number)));
  }

  /** The text of a line that was read, counted from zero. */
  lineAt(index: number): string {
    const { start = 0, end = 0 } = this.#places[index] ?? {};
    return this.textAt(start, end).trimEnd();
  }

  /** Applies `read` to a line that was read before, counted from zero. */
  at<T>(index: number, read: (line: LineRecord) => T): T {
    return this.#parsed(this.lineAt(index), this.#places[index]?.number ?? 0, read);
  }
}

/**
 * Reads a file of one dialogue a line: {id?, tools, messages, category?, mustMention?}, or a record of `data convert`,
 * whose source is then its category. Blank lines are skipped, all others checked first; of a large file only their places
 * are kept. Dialogues without "tools" have those that are `shared`.
 */
export function readDialogues(
  path: string,
  keptBytes = KEPT,
  shared?: readonly PyDict[],
): Required<Dialogues<TaskDialogue>> {
  const file = new RecordFile(path);
  const dialogueOf = (line: LineRecord): FileDialogue => toDialogue(line, shared);
  const isLarge = file.size > keptBytes;
  const kept: TaskDialogue[] = [];
  /** Lists of tools by their hash, and the number of the list of each dialogue. */
  const known = new Map<string, number>();
  const numbers: number[] = [];
  /** The first dialogue with each list that is kept: equal lists are one. */
  const first: FileDialogue[] = [];
  try {
    for (const dialogue of file.read(dialogueOf)) {
      const key =
        dialogue.record.tools === shared
          ? 'shared'
          : createHash('sha1').update(dumps(dialogue.record.tools)).digest('base64');
      const number = known.get(key) ?? known.size;
      known.set(key, number);
      numbers.push(number);
      if (isLarge) continue;
      const { tools, record } = (first[number] ??= dialogue);
      kept.push({ ...dialogue, tools, record: { ...dialogue.record, tools: record.tools } });
    }
    if (file.length === 0)
      throw new UserError(
        'DATA_EMPTY',
        `${inputName(path)} holds no dialogue; give a file with one JSON object a line.`,
      );
  } catch (thrown) {
    file[Symbol.dispose]();
    throw thrown;
  }
  if (!isLarge) file[Symbol.dispose]();
  return dialogueList(file.length, {
    at: (index) => (isLarge ? file.at(index, dialogueOf) : kept[index]),
    toolsAt: (index) => numbers[index],
    isLarge,
  });
}
