/**
 * BFCL's data in the official layout: BFCL_v3_<category>.json, possible_answer/BFCL_v3_<category>.json and, for several turns,
 * multi_turn_func_doc/<class>.json, all of them with one JSON object a line.
 */
import { join } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import { readText } from '../../../../src/base/files.ts';
import { tryParseJson } from '../../../../src/json/parse.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../../../src/json/python.ts';
import { pyStr } from '../../../../src/json/repr.ts';
import { type Category, rulesOf } from './categories.ts';
import { readLongContext } from './long-context.ts';
import { longContextFile } from './long-context-file.ts';
import {
  isLongContext,
  type LongContext,
  type MultiTurnEntry as SimulatedEntry,
  readMultiTurnEntry,
} from './multi-turn/index.ts';

/** A message of a question. */
export interface QuestionMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

interface EntryBase {
  readonly id: string;
  readonly category: Category;
  /** Messages of each turn before the model is asked; one turn, unless the category has several. */
  readonly turns: readonly (readonly QuestionMessage[])[];
  /** Documents of the functions on offer, from the first turn on. */
  readonly functions: readonly PyDict[];
}

export interface SingleTurnEntry extends EntryBase {
  readonly kind: 'single';
  /** A dict a call: {name: {parameter: [accepted values]}}; none for relevance and irrelevance. */
  readonly answers: readonly PyDict[];
}

export interface MultiTurnEntry extends EntryBase {
  readonly kind: 'multi';
  /** Documents that are held back until a turn, by its number from 0. */
  readonly heldBack: ReadonlyMap<number, readonly PyDict[]>;
  /** Parts that the simulation and the checker need: classes, their first states, the wanted calls. */
  readonly simulated: SimulatedEntry;
}

export type Entry = SingleTurnEntry | MultiTurnEntry;

/** Documents of which class are in which file. */
const CLASS_FILES: Readonly<Record<string, string>> = {
  GorillaFileSystem: 'gorilla_file_system',
  MathAPI: 'math_api',
  MessageAPI: 'message_api',
  TwitterAPI: 'posting_api',
  TicketAPI: 'ticket_api',
  TradingBot: 'trading_bot',
  TravelAPI: 'travel_booking',
  VehicleControlAPI: 'vehicle_control',
};

/** Files that entries of several turns share, read when they are needed. */
class Shared {
  readonly #folder: string;
  readonly #documents = new Map<string, readonly PyDict[]>();
  #longContext: LongContext | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The documents of a class. */
  documents(className: string, at: Place): readonly PyDict[] {
    const file = CLASS_FILES[className];
    if (file === undefined) throw at.fault(`names the class ${className}, which BFCL v3 does not have`);
    let documents = this.#documents.get(className);
    if (documents === undefined) {
      documents = readRows(join(this.#folder, 'multi_turn_func_doc', `${file}.json`)).map(({ row }) => row);
      this.#documents.set(className, documents);
    }
    return documents;
  }

  /** The constants of the long context; undefined where there are none. */
  longContext(): LongContext | undefined {
    const path = longContextFile(this.#folder);
    if (path !== undefined) this.#longContext ??= readLongContext(path);
    return this.#longContext;
  }
}

/** Reads the entries of `categories`, in the files' order. Throws a UserError for a file that is missing or of another form. */
export function readEntries(folder: string, categories: readonly Category[]): readonly Entry[] {
  const shared = new Shared(folder);
  return categories.flatMap((category) => {
    const file = `BFCL_v3_${category}.json`;
    const { kind } = rulesOf(category).check;
    const rows = readRows(join(folder, file));
    if (kind !== 'ast' && kind !== 'multi_turn')
      return rows.map(({ row, at }) => singleTurn(category, row, [], at));
    const answers = new Map(
      readRows(join(folder, 'possible_answer', file)).map(({ row, at }) => [textAt(row, 'id', at), row]),
    );
    return rows.map(({ row, at }) => {
      const answer = answers.get(textAt(row, 'id', at));
      if (answer === undefined) throw at.fault('has no answer in possible_answer');
      return kind === 'ast'
        ? singleTurn(category, row, dictsAt(answer, 'ground_truth', at), at)
        : multiTurn(category, row, answer, at, shared);
    });
  });
}

function base(category: Category, row: PyDict, at: Place): Omit<EntryBase, 'functions'> {
  const turns = listAt(row, 'question', at).map((turn) => messagesOf(turn, at));
  return { id: textAt(row, 'id', at), category, turns };
}

function singleTurn(category: Category, row: PyDict, answers: readonly PyDict[], at: Place): SingleTurnEntry {
  return { kind: 'single', ...base(category, row, at), functions: dictsAt(row, 'function', at), answers };
}

function multiTurn(
  category: Category,
  row: PyDict,
  answer: PyDict,
  at: Place,
  shared: Shared,
): MultiTurnEntry {
  const simulated = readMultiTurnEntry(
    row,
    answer,
    isLongContext(category) ? shared.longContext() : undefined,
  );
  const documents = simulated.involvedClasses.flatMap((name) => shared.documents(name, at));
  return {
    kind: 'multi',
    ...base(category, row, at),
    ...holdBack(documents, row.get('missed_function'), at),
    simulated,
  };
}

/** Takes the functions out that are on offer only from a later turn on. */
function holdBack(
  documents: readonly PyDict[],
  missed: PyValue | undefined,
  at: Place,
): Pick<MultiTurnEntry, 'functions' | 'heldBack'> {
  const heldBack = new Map<number, readonly PyDict[]>();
  const left = [...documents];
  for (const [turn, names] of isDict(missed) ? missed : []) {
    const held = (isList(names) ? names : []).map((name) => {
      const place = left.findIndex((document) => document.get('name') === name);
      const [document] = place < 0 ? [] : left.splice(place, 1);
      if (document === undefined) throw at.fault(`holds back ${pyStr(name)}, which none of its classes has`);
      return document;
    });
    heldBack.set(Number(turn), held);
  }
  return { functions: left, heldBack };
}

/** A place in a file, for errors. */
interface Place {
  fault(what: string): UserError;
}

function readRows(path: string): readonly { readonly row: PyDict; readonly at: Place }[] {
  return readText(path)
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      const at: Place = {
        fault: (what) =>
          new UserError(
            'BFCL_DATA',
            `Line ${i + 1} of ${path} ${what}; take BFCL v3's files as they are in the gorilla repository.`,
          ),
      };
      const parsed = tryParseJson(line);
      if (!parsed.ok || !isDict(parsed.value)) throw at.fault('is no JSON object');
      return [{ row: parsed.value, at }];
    });
}

function textAt(row: PyDict, key: string, at: Place): string {
  const value = row.get(key);
  if (typeof value !== 'string') throw at.fault(`has no text "${key}"`);
  return value;
}

function listAt(row: PyDict, key: string, at: Place): readonly PyValue[] {
  const value = row.get(key);
  if (!isList(value)) throw at.fault(`has no list "${key}"`);
  return value;
}

function dictsAt(row: PyDict, key: string, at: Place): readonly PyDict[] {
  return dictsIn(listAt(row, key, at), key, at);
}

function dictsIn(values: readonly PyValue[], key: string, at: Place): readonly PyDict[] {
  return values.map((value) => {
    if (!isDict(value)) throw at.fault(`has something in "${key}" that is no object`);
    return value;
  });
}

const ROLES = ['system', 'user', 'assistant'] as const;

function messagesOf(turn: PyValue, at: Place): readonly QuestionMessage[] {
  if (!isList(turn)) throw at.fault('has a turn that is no list of messages');
  return dictsIn(turn, 'question', at).map((message) => {
    const role = ROLES.find((one) => one === message.get('role'));
    const content = message.get('content');
    if (role === undefined || typeof content !== 'string')
      throw at.fault('has a message without a known role or without text');
    return { role, content };
  });
}
