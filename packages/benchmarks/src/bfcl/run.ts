/** What an evaluation on BFCL does: chooses entries, asks a model, judges, and leaves a folder of results. */
import { join } from 'node:path';
import type { Sampler } from '../../../../src/sampling/sampler.ts';
import {
  countFaults,
  type FaultyResponse,
  readResponses,
  RESPONSES,
  responseLine,
  ResponseLog,
  type Responses,
} from '../responses.ts';
import type { AnswerStep, Session } from '../session.ts';
import { type Answered, askMultiTurn, askSingleTurn } from './ask.ts';
import { categoriesNamed, isCategory } from './categories.ts';
import type { DecodeRule } from './decode.ts';
import { type Entry, readEntries } from './entries.ts';
import { categoriesIn, lacksLongContext, type Scores, writeScores, writeVerdicts } from './results.ts';
import {
  countErrors,
  countVerdicts,
  judge,
  readResponse,
  type Response,
  SAMPLE_SEED,
  sampleEntries,
  type Verdict,
} from './verdicts.ts';

export interface SelectOptions {
  /** The benchmark's folder. */
  readonly data: string;
  /** Names of categories and groups; all that the folder has without it. */
  readonly category?: readonly string[];
  /** Entries a category. */
  readonly limit?: number;
}

export interface ScoreOptions extends SelectOptions {
  readonly decode: DecodeRule;
}

export interface AnswerOptions extends ScoreOptions {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly openThought: boolean;
}

export interface Selection {
  /** What is scored. */
  readonly entries: readonly Entry[];
  /** Reads responses; those of other categories, or not in the sample, are passed over. */
  read(files: readonly string[]): Responses<Response>;
}

/** The entries that the options ask for. */
export function selectEntries({ data, category, limit }: SelectOptions): Selection {
  const categories = category === undefined ? categoriesIn(data) : categoriesNamed(category);
  const all = readEntries(data, categories);
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const elsewhere = (id: string): boolean => {
    const name = id.replace(/_\d+(?:-\d+-\d+)?$/, '');
    return isCategory(name) && !categories.includes(name);
  };
  return {
    entries: limit === undefined ? all : sampleEntries(all, limit),
    read: (files) =>
      readResponses(files, {
        knows: (id) => byId.has(id) || elsewhere(id),
        read: (result, id) => {
          const entry = byId.get(id);
          return entry === undefined ? [] : readResponse(entry, result);
        },
      }),
  };
}

export interface BfclOutcome {
  readonly scores: Scores;
  readonly faulty: readonly FaultyResponse[];
  /** Entries whose prompts fill the model's positions: they could not be asked, and count as wrong. */
  readonly unasked: number;
  /** Tells whether the long context was left out for want of its constants. */
  readonly lacksLongContext: boolean;
  /** Where verdicts and scores are. */
  readonly folder: string;
}

export interface Judged {
  /** What tables call the model, or the file of responses. */
  readonly model: string;
  readonly verdicts: readonly Verdict[];
  readonly faulty?: readonly FaultyResponse[];
  readonly unasked?: number;
  readonly openThought?: boolean;
}

/** Writes verdicts and scores. */
export function writeResults(
  folder: string,
  { data, category, decode, limit }: ScoreOptions,
  { model, verdicts, faulty = [], unasked = 0, openThought = false }: Judged,
): BfclOutcome {
  writeVerdicts(folder, verdicts);
  const scores = writeScores(folder, countVerdicts(verdicts), {
    model,
    sample: limit ?? null,
    seed: SAMPLE_SEED,
    decode,
    openThought,
    errors: Object.fromEntries(countErrors(verdicts)),
    faults: Object.fromEntries(countFaults(faulty).map(({ fault, count }) => [fault, count])),
  });
  const lacks = category === undefined && lacksLongContext(data);
  return { scores, faulty, unasked, lacksLongContext: lacks, folder };
}

/** A model answers; what it answered before is in the folder, where the rest is added. */
export class BfclSession implements Session<BfclOutcome> {
  readonly total: number;
  readonly done: number;
  readonly correct: number;
  readonly #model: Sampler;
  readonly #options: AnswerOptions;
  readonly #folder: string;
  readonly #entries: readonly Entry[];
  readonly #verdicts = new Map<string, Verdict>();
  readonly #log: ResponseLog;
  #unasked = 0;

  constructor(model: Sampler, options: AnswerOptions, selection: Selection, folder: string) {
    this.#model = model;
    this.#options = options;
    this.#folder = folder;
    this.#entries = selection.entries;
    this.#log = new ResponseLog(join(folder, RESPONSES));
    const before = selection.read([this.#log.path]).results;
    for (const entry of this.#entries) {
      const response = before.get(entry.id);
      if (response !== undefined) this.#verdicts.set(entry.id, judge(entry, response, options.decode));
    }
    this.total = this.#entries.length;
    this.done = this.#verdicts.size;
    this.correct = [...this.#verdicts.values()].filter(({ error }) => error === null).length;
  }

  async *answers(signal: AbortSignal): AsyncGenerator<AnswerStep, void, undefined> {
    const { maxTokens, temperature, openThought, decode } = this.#options;
    const settings = { generate_max_len: maxTokens, temperature, openThought, rule: decode, signal };
    const open = this.#entries.filter(({ id }) => !this.#verdicts.has(id));
    const single = open.flatMap((entry) => (entry.kind === 'single' ? [entry] : []));
    for await (const answer of askSingleTurn(this.#model, single, settings)) yield this.#take(answer);
    const multi = open.flatMap((entry) => (entry.kind === 'multi' ? [entry] : []));
    for await (const answer of askMultiTurn(this.#model, multi, settings)) yield this.#take(answer);
  }

  #take({ entry, result, tokens }: Answered<Entry, Response>): AnswerStep {
    if (result === undefined) {
      this.#unasked += 1;
      return { tokens, isRight: false };
    }
    this.#log.append(responseLine(entry.id, result));
    const verdict = judge(entry, result, this.#options.decode);
    this.#verdicts.set(entry.id, verdict);
    return { tokens, isRight: verdict.error === null };
  }

  finish(): BfclOutcome {
    const { decode, openThought } = this.#options;
    const verdicts = this.#entries.map(
      (entry) => this.#verdicts.get(entry.id) ?? judge(entry, undefined, decode),
    );
    const judged = { model: this.#model.name, verdicts, unasked: this.#unasked, openThought };
    return writeResults(this.#folder, this.#options, judged);
  }

  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]();
  }
}
