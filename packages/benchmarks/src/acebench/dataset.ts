/** The benchmark's files: data_{kind}_{name}.json with the questions, possible_answer/ with the right answers, JSON lines. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import { readText } from '../../../../src/base/files.ts';
import { tryParseJson } from '../../../../src/json/parse.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../../../src/json/python.ts';
import { pyStr } from '../../../../src/json/repr.ts';
import { CATEGORIES, type Category } from './categories.ts';

export interface Entry {
  readonly id: string;
  readonly category: Category;
  /** "user: ...\nsystem: ...\n", where "system" is the assistant. */
  readonly question: string;
  /** The documents of the functions, as they are written. */
  readonly functions: readonly PyDict[];
  /** A sentence that says what day it is, or nothing. */
  readonly time: string;
  /** Profile of the user; of preference entries alone. */
  readonly profile: string;
  /** The right answers, of which one is enough. */
  readonly golds: readonly PyValue[];
}

/** Folders of a checkout of the benchmark that may have its English files. */
const PLACES = ['.', 'data_en', 'data_all/data_en'];

/** The folder with the English files in `folder` or below it; throws a UserError if there is none. */
export function dataFolder(folder: string): string {
  const found = PLACES.map((place) => join(folder, place)).find((path) =>
    existsSync(join(path, 'possible_answer')),
  );
  if (found !== undefined) return found;
  throw new UserError(
    'ACEBENCH_DATA',
    `${folder} has no ACEBench data: neither it nor its data_en has a folder possible_answer; give the benchmark's folder data_en.`,
  );
}

const fileOf = ({ kind, name }: Category): string => `data_${kind}_${name}.json`;

/** The categories whose questions are in a folder. */
export function categoriesIn(folder: string): readonly Category[] {
  return CATEGORIES.filter((category) => existsSync(join(folder, fileOf(category))));
}

/** Reads the entries of some categories, in their order. Throws a UserError for a file that is missing or broken. */
export function loadEntries(folder: string, categories: readonly Category[]): readonly Entry[] {
  return categories.flatMap((category) => {
    const file = fileOf(category);
    const answers = new Map<string, PyValue>();
    for (const { row, id } of rowsOf(join(folder, 'possible_answer', file)))
      answers.set(id, row.get('ground_truth') ?? null);
    return rowsOf(join(folder, file)).map(({ row, id, place }): Entry => {
      const answer = answers.get(id);
      if (answer === undefined) throw broken(place, `${id} has no answer in possible_answer`);
      const functions = row.get('function');
      return {
        id,
        category,
        question: textOf(row.get('question')),
        functions: isList(functions) ? functions.filter(isDict) : [],
        time: textOf(row.get('time')),
        profile: textOf(row.get('profile')),
        golds: isList(answer) ? answer : [answer],
      };
    });
  });
}

function broken(place: string, problem: string): UserError {
  return new UserError('ACEBENCH_DATA', `${place}: ${problem}; fetch the benchmark's data again.`);
}

function textOf(value: PyValue | undefined): string {
  return value === undefined ? '' : pyStr(value);
}

function rowsOf(path: string): { row: PyDict; id: string; place: string }[] {
  return readText(path)
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      const place = `${path}:${i + 1}`;
      const parsed = tryParseJson(line);
      const row = parsed.ok ? parsed.value : undefined;
      const id = isDict(row) ? row.get('id') : undefined;
      if (!isDict(row) || typeof id !== 'string') throw broken(place, 'the line is no entry with an id');
      return [{ row, id, place }];
    });
}
