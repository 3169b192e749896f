/** An evaluation on a benchmark: from responses, stored ones and new ones, to a folder of verdicts and scores. */
import { join } from 'node:path';
import { writeAtomic } from '../../../src/base/files.ts';
import type { Sampler } from '../../../src/sampling/sampler.ts';
import {
  type AskOptions,
  type Benchmark,
  type CommonScores,
  countErrors,
  type Entry,
  type Note,
  SAMPLE_SEED,
  type Selection,
  type Verdict,
} from './benchmark.ts';
import type { PyValue } from '../../../src/json/python.ts';
import {
  countFaults,
  type FaultyResponse,
  readResponses,
  RESPONSES,
  responseLine,
  ResponseLog,
} from './responses.ts';

const VERDICTS = 'verdicts.jsonl';
export const SCORES = 'scores.json';

/** Writes verdicts, one JSON object a line, and scores. */
export function writeResults(folder: string, verdicts: readonly Verdict[], scores: object): void {
  writeAtomic(join(folder, VERDICTS), verdicts.map((one) => `${JSON.stringify(one)}\n`).join(''));
  writeAtomic(join(folder, SCORES), `${JSON.stringify(scores, null, 2)}\n`);
}

export interface Outcome {
  readonly scores: CommonScores;
  readonly faulty: readonly FaultyResponse[];
  /** Entries whose prompts fill the model's context: they could not be asked, and count as wrong. */
  readonly unasked: number;
  readonly note: Note | undefined;
  /** Folder of verdicts and scores. */
  readonly folder: string;
}

/** Responses to a benchmark's entries. */
export interface Responded {
  /** Name of the model, or of the file of responses, in tables. */
  readonly model: string;
  readonly entries: readonly Entry[];
  readonly results: ReadonlyMap<string, PyValue>;
  /** Verdicts that are known already, by id. */
  readonly verdicts?: ReadonlyMap<string, Verdict>;
  readonly faulty?: readonly FaultyResponse[];
  readonly unasked?: number;
}

/** Judges all entries, and writes verdicts and scores. */
export function finishEvaluation(
  benchmark: Benchmark,
  options: AskOptions,
  folder: string,
  { model, entries, results, verdicts: known, faulty = [], unasked = 0 }: Responded,
): Outcome {
  const verdicts = entries.map(
    (entry) => known?.get(entry.id) ?? benchmark.judge(entry, results.get(entry.id), options),
  );
  const common = {
    model,
    sample: options.limit ?? null,
    seed: SAMPLE_SEED,
    openThought: options.open_thought,
    errors: countErrors(verdicts),
    faults: Object.fromEntries(countFaults(faulty).map(({ fault, count }) => [fault, count])),
  };
  const scores = benchmark.scores(common, entries, verdicts, options);
  writeResults(folder, verdicts, scores);
  return { scores, faulty, unasked, note: benchmark.note(options, entries, results), folder };
}

/** One more answer. */
export interface AnswerStep {
  /** Tokens that were written; 0 where the prompt left no room for an answer. */
  readonly tokens: number;
  readonly isRight: boolean;
}

/** A model that answers a benchmark; its earlier answers are in the folder, where the rest is added. */
export class Session implements Disposable {
  /** Entries that are asked for. */
  readonly total: number;
  /** Answers that were there before, and how many of them are right. */
  readonly done: number;
  readonly correct: number;
  readonly #benchmark: Benchmark;
  readonly #model: Sampler;
  readonly #options: AskOptions;
  readonly #folder: string;
  readonly #entries: readonly Entry[];
  readonly #results: Map<string, PyValue>;
  readonly #verdicts = new Map<string, Verdict>();
  readonly #log: ResponseLog;
  #unasked = 0;

  /** Opens a folder of results, or makes it; throws a UserError if that cannot be. */
  constructor(
    benchmark: Benchmark,
    model: Sampler,
    options: AskOptions,
    selection: Selection<Entry, PyValue>,
    folder: string,
  ) {
    this.#benchmark = benchmark;
    this.#model = model;
    this.#options = options;
    this.#folder = folder;
    this.#entries = selection.entries;
    this.#log = new ResponseLog(join(folder, RESPONSES));
    this.#results = new Map(readResponses([this.#log.path], selection).results);
    for (const entry of this.#entries) {
      const result = this.#results.get(entry.id);
      if (result !== undefined) this.#verdicts.set(entry.id, benchmark.judge(entry, result, options));
    }
    this.total = this.#entries.length;
    this.done = this.#verdicts.size;
    this.correct = [...this.#verdicts.values()].filter(({ valid }) => valid).length;
  }

  /** Asks what is not answered yet, and stores each answer as it comes. */
  async *answers(signal: AbortSignal): AsyncGenerator<AnswerStep, void, undefined> {
    const open = this.#entries.filter(({ id }) => !this.#verdicts.has(id));
    const asked = this.#benchmark.ask(this.#model, open, this.#options, signal);
    for await (const { entry, result, tokens } of asked) {
      if (result === undefined) {
        this.#unasked += 1;
        yield { tokens, isRight: false };
        continue;
      }
      this.#log.append(responseLine(entry.id, result));
      this.#results.set(entry.id, result);
      const verdict = this.#benchmark.judge(entry, result, this.#options);
      this.#verdicts.set(entry.id, verdict);
      yield { tokens, isRight: verdict.valid };
    }
  }

  /** Writes verdicts and scores. */
  finish(): Outcome {
    return finishEvaluation(this.#benchmark, this.#options, this.#folder, {
      model: this.#model.name,
      entries: this.#entries,
      results: this.#results,
      verdicts: this.#verdicts,
      unasked: this.#unasked,
    });
  }

  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]();
  }
}
