/**
 * BFCL's data in the official layout: BFCL_v3_<category>.json, possible_answer/BFCL_v3_<category>.json and, for several turns,
 * multi_turn_func_doc/<class>.json, all of them with one JSON object a line.
 */
import { join } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { readText } from '../../base/files.ts';
import { tryParseJson } from '../../json/parse.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../json/python.ts';
import { pyStr } from '../../json/repr.ts';
import { type Category, rulesOf } from './categories.ts';

/** A message of a question. */
export interface QuestionMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

interface EntryBase {
  readonly id: string;
  readonly category: Category;
  /** What is said in each turn before the model is asked; one turn, unless the category has several. */
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
  /** State of each class before the first turn. */
  readonly initialConfig: PyDict;
  readonly involvedClasses: readonly string[];
  /** Documents that are held back until a turn, by its number from 0. */
  readonly heldBack: ReadonlyMap<number, readonly PyDict[]>;
  /** The calls of each turn, in Python's syntax. */
  readonly answers: readonly (readonly string[])[];
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

/** Reads the entries of `categories`, in the files' order. Throws a UserError for a file that is missing or of another form. */
export function readEntries(folder: string, categories: readonly Category[]): readonly Entry[] {
  const documents = new Map<string, readonly PyDict[]>();
  const documentsOf = (className: string, at: Place): readonly PyDict[] => {
    const file = CLASS_FILES[className];
    if (file === undefined) throw at.fault(`names the class ${className}, which BFCL v3 does not have`);
    const known = documents.get(className);
    if (known !== undefined) return known;
    const read = readRows(join(folder, 'multi_turn_func_doc', `${file}.json`)).map(({ row }) => row);
    documents.set(className, read);
    return read;
  };
  return categories.flatMap((category) => readCategory(folder, category, documentsOf));
}

function readCategory(
  folder: string,
  category: Category,
  documentsOf: (className: string, at: Place) => readonly PyDict[],
): Entry[] {
  const { kind } = rulesOf(category).check;
  const file = `BFCL_v3_${category}.json`;
  const answers =
    kind === 'ast' || kind === 'multi_turn'
      ? new Map(
          readRows(join(folder, 'possible_answer', file)).map(({ row, at }) => [
            textAt(row, 'id', at),
            listAt(row, 'ground_truth', at),
          ]),
        )
      : undefined;
  return readRows(join(folder, file)).map(({ row, at }) => {
    const id = textAt(row, 'id', at);
    const answer = answers === undefined ? [] : answers.get(id);
    if (answer === undefined) throw at.fault('has no answer in possible_answer');
    const turns = listAt(row, 'question', at).map((turn) => messagesOf(turn, at));
    if (kind !== 'multi_turn') {
      const functions = dictsIn(listAt(row, 'function', at), 'function', at);
      return { kind: 'single', id, category, turns, functions, answers: dictsIn(answer, 'ground_truth', at) };
    }
    const involvedClasses = listAt(row, 'involved_classes', at).map(pyStr);
    const all = involvedClasses.flatMap((name) => documentsOf(name, at));
    const { functions, heldBack } = holdBack(all, row.get('missed_function'), at);
    const config = row.get('initial_config');
    if (!isDict(config)) throw at.fault('has no "initial_config"');
    return {
      kind: 'multi',
      id,
      category,
      turns,
      functions,
      heldBack,
      initialConfig: config,
      involvedClasses,
      answers: answer.map((turn) => (isList(turn) ? turn.map(pyStr) : [])),
    };
  });
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

/** Where something was read, for errors. */
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
