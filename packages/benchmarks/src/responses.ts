/**
 * Files of responses to a benchmark, in the benchmarks' own format: one JSON object a line with "id" and "result". What is
 * broken is counted and named, never thrown at the user; and a file that is being written survives a power cut.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import { fileError } from '../../../src/base/files.ts';
import { cutFile, linesOf, wholeEnd } from '../../../src/base/lines.ts';
import { writeFully } from '../../../src/base/open-file.ts';
import { tryParseJson } from '../../../src/json/parse.ts';
import { dumps } from '../../../src/json/dumps.ts';
import { isDict, type PyValue } from '../../../src/json/python.ts';

/** Faults of a line of responses. */
export const RESPONSE_FAULTS = {
  not_json: 'the line is not whole JSON',
  not_an_object: 'the line is no JSON object',
  no_id: 'there is no "id", or it is no text',
  unknown_id: 'the benchmark has no entry of this id',
  duplicate_id: 'the id was answered on an earlier line, which counts',
  no_result: 'there is no "result"',
  wrong_type: 'the "result" is of another type than the benchmark asks for',
} as const;

export type ResponseFault = keyof typeof RESPONSE_FAULTS;

/** One line that is left out. */
export interface FaultyResponse {
  readonly path: string;
  /** Counted from one. */
  readonly line: number;
  readonly fault: ResponseFault;
  /** Absent where the line has none. */
  readonly id?: string;
}

export interface Responses<Result> {
  /** By id, in the order of the lines. */
  readonly results: ReadonlyMap<string, Result>;
  readonly faulty: readonly FaultyResponse[];
}

export interface ReadOptions<Result> {
  /** Tells whether the benchmark has an entry of this id. */
  readonly knows: (id: string) => boolean;
  /** A result as the benchmark needs it; undefined if it is of the wrong type. */
  readonly read: (result: PyValue, id: string) => Result | undefined;
}

/** Name of the file of a model's responses, in the folder of its evaluation. */
export const RESPONSES = 'responses.jsonl';

/**
 * The files of responses at `path`: itself; what a folder and those in it have of *.json and *.jsonl; or of the folder of an earlier
 * evaluation its responses alone. Throws a UserError if there are none.
 */
export function responseFiles(path: string): readonly string[] {
  let files: readonly string[];
  try {
    if (!statSync(path).isDirectory()) return [path];
    if (existsSync(join(path, RESPONSES))) return [join(path, RESPONSES)];
    files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => /\.jsonl?$/.test(name));
  } catch (thrown) {
    throw fileError('read', path, thrown);
  }
  if (files.length > 0) return files.toSorted().map((name) => join(path, name));
  throw new UserError('RESPONSES', `${path} has no file of responses; they end in .json or .jsonl.`);
}

/** A line of a file of responses. */
export function responseLine(id: string, result: PyValue): string {
  return dumps(
    new Map<string, PyValue>([
      ['id', id],
      ['result', result],
    ]),
  );
}

/** Reads files of responses as one; of several lines with one id the first whole one counts. Throws only if a file cannot be read. */
export function readResponses<Result>(
  paths: readonly string[],
  { knows, read }: ReadOptions<Result>,
): Responses<Result> {
  const results = new Map<string, Result>();
  const faulty: FaultyResponse[] = [];
  for (const path of paths) {
    const take = (text: string): readonly [fault: ResponseFault, id?: string] | undefined => {
      const parsed = tryParseJson(text.endsWith('\r') ? text.slice(0, -1) : text);
      if (!parsed.ok) return ['not_json'];
      if (!isDict(parsed.value)) return ['not_an_object'];
      const id = parsed.value.get('id');
      if (typeof id !== 'string') return ['no_id'];
      if (!knows(id)) return ['unknown_id', id];
      if (results.has(id)) return ['duplicate_id', id];
      const written = parsed.value.get('result');
      if (written === undefined) return ['no_result', id];
      const result = read(written, id);
      if (result === undefined) return ['wrong_type', id];
      results.set(id, result);
      return undefined;
    };
    for (const { text, number: line } of linesOf(path)) {
      const [fault, id] = (text.trim() === '' ? undefined : take(text)) ?? [];
      if (fault !== undefined) faulty.push({ path, line, fault, ...(id === undefined ? {} : { id }) });
    }
  }
  return { results, faulty };
}

/** Counts of each fault, in the order of RESPONSE_FAULTS, with the first place of each as an example. */
export function countFaults(
  faulty: readonly FaultyResponse[],
): readonly { readonly fault: ResponseFault; readonly count: number; readonly first: FaultyResponse }[] {
  const names = Object.keys(RESPONSE_FAULTS) as ResponseFault[];
  return names.flatMap((fault) => {
    const own = faulty.filter((one) => one.fault === fault);
    const [first] = own;
    return first === undefined ? [] : [{ fault, count: own.length, first }];
  });
}

/** A file of responses that grows line by line. A line that was being written when the power went is cut off. */
export class ResponseLog implements Disposable {
  readonly path: string;
  readonly #file: number;

  /** Opens a file to go on with it, or begins one; throws a UserError if that cannot be. */
  constructor(path: string) {
    this.path = path;
    try {
      mkdirSync(dirname(path), { recursive: true });
      if (existsSync(path)) cutFile(path, wholeEnd(path));
      this.#file = openSync(path, 'a');
    } catch (thrown) {
      throw fileError('write', path, thrown);
    }
  }

  /** Appends one line of JSON. */
  append(line: string): void {
    writeFully(this.path, this.#file, Buffer.from(`${line}\n`, 'utf8'));
  }

  [Symbol.dispose](): void {
    fsyncSync(this.#file);
    closeSync(this.#file);
  }
}
