/**
 * A public benchmark as one thing: its options, its entries, how a model is asked, how an answer is judged and how scores are
 * shown. Sessions, the command `eval`, stages and reports know nothing else of it; a new one is a folder here and a line in
 * the index.
 */
import { z } from 'zod';
import type { Contents } from '../../../src/base/identity.ts';
import { Rng } from '../../../src/base/rng.ts';
import type { PyValue } from '../../../src/json/python.ts';
import type { Sampler } from '../../../src/sampling/sampler.ts';

/** Options of every benchmark, beside where its data are. */
export const askOptions = (
  groups: string,
  official: { readonly temperature: number; readonly generate_max_len: number },
) => ({
  category: z
    .array(z.string().min(1))
    .min(1)
    .exactOptional()
    .describe(`categories or groups of them (${groups}); all without it`),
  limit: z
    .int()
    .positive()
    .exactOptional()
    .describe('a sample of this many a category: not the official score'),
  open_thought: z
    .boolean()
    .default(false)
    .describe(
      'end prompts with <think>, for models that the code of STAR itself trained; officially they do not',
    ),
  temperature: z
    .number()
    .min(0)
    .describe(`officially ${official.temperature}; 0 is greedy`)
    .default(official.temperature),
  generate_max_len: z
    .int()
    .positive()
    .describe(`tokens of an answer; officially ${official.generate_max_len}`)
    .default(official.generate_max_len),
});

export type AskOptions = z.output<z.ZodObject<ReturnType<typeof askOptions>>> & { readonly data: string };
export type SelectOptions = Pick<AskOptions, 'data' | 'category' | 'limit'>;

export interface Entry {
  readonly id: string;
  readonly category: unknown;
}

/** Entries that are asked for, and how responses to the benchmark are read. */
export interface Selection<E, Result> {
  readonly entries: readonly E[];
  /** Tells whether the benchmark has an entry of this id, asked for or not. */
  readonly knows: (id: string) => boolean;
  /** A result as it is judged; undefined if it is of the wrong type. */
  readonly read: (result: PyValue, id: string) => Result | undefined;
}

export interface Answered<E, Result> {
  readonly entry: E;
  /** Undefined where a prompt filled the model's context, so that nothing was asked. */
  readonly result: Result | undefined;
  /** Tokens that were written, thoughts included. */
  readonly tokens: number;
}

/** A verdict on an entry, as a file of verdicts has it. */
export interface Verdict {
  readonly id: string;
  readonly category: string;
  readonly valid: boolean;
  /** The official name of the error, or `no_response`; null where the answer is right. */
  readonly error: string | null;
}

/** Scores of every benchmark. */
export const commonScores = {
  /** Name of the model, or of the file of responses, in tables. */
  model: z.string(),
  /** Entries a category of a sample; null for all of them. */
  sample: z.int().nullable(),
  /** Seed of the sample. */
  seed: z.int(),
  /** Tells whether prompts ended with "<think>", which officially they do not. */
  openThought: z.boolean().default(false),
  /** Counts of each error, the most frequent first. */
  errors: z.record(z.string(), z.int()),
  /** Lines of responses that were left out, by fault. */
  faults: z.record(z.string(), z.int()),
};
export type CommonScores = z.output<z.ZodObject<typeof commonScores>>;

/** Something to know about scores, in a sentence after its label. */
export interface Note {
  readonly label: 'note' | 'left out';
  readonly text: string;
}

/** Looks of a text that stands out, or matters less. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bad: (text: string) => string;
}

/** A table of text; a cell of a count is shown as the interval around its share. */
export interface TextTable {
  readonly head?: readonly string[];
  readonly rows: readonly (readonly (string | { readonly correct: number; readonly total: number })[])[];
  readonly note?: string;
}

/** Scores as they are shown: in a terminal, at the end of a run, and in its report. */
export interface Table<S> {
  /** Follows the title in the terminal. */
  edition(scores: S): string;
  /** Differences from what is official. */
  remarks(scores: S): readonly string[];
  tables(scores: S, paint: Paint): readonly TextTable[];
  /** A row a model; the first column is the benchmark's. */
  readonly summary: { readonly columns: readonly string[]; cells(scores: S): readonly string[] };
  readonly page: {
    readonly title: string;
    readonly columns: readonly string[];
    cells(scores: S): readonly string[];
    remarks(scores: S): readonly string[];
    /** Scores of others. */
    readonly published: readonly {
      readonly model: string;
      readonly remark?: string;
      readonly cells: readonly string[];
    }[];
    readonly categories: {
      readonly title: string;
      readonly names: readonly string[];
      column(scores: S): string;
      cell(scores: S, name: string): string;
    };
  };
}

/** Methods are bivariant, so that a benchmark of certain entries and scores is a benchmark of any. */
export interface Benchmark<
  Options extends AskOptions = AskOptions,
  E extends Entry = Entry,
  Result extends PyValue = PyValue,
  S extends CommonScores = CommonScores,
> {
  /** Chooses entries; throws a UserError for unknown categories and for data that cannot be read. */
  entries(options: SelectOptions): Selection<E, Result>;
  /** Asks entries; answers come as they are ready. */
  ask(
    model: Sampler,
    entries: readonly E[],
    options: Options,
    signal: AbortSignal,
  ): AsyncGenerator<Answered<E, Result>, void, undefined>;
  /** Judges a result; none at all is wrong. */
  judge(entry: E, result: Result | undefined, options: Options): Verdict;
  /** Adds up verdicts, one an entry. */
  scores(common: CommonScores, entries: readonly E[], verdicts: readonly Verdict[], options: Options): S;
  /** Reads scores of this benchmark; undefined if they are not. */
  readScores(json: unknown): S | undefined;
  /** Tells what has to be known about the data and the results, if there is something. */
  note(options: Options, entries: readonly E[], results: ReadonlyMap<string, Result>): Note | undefined;
  readonly table: Table<S>;
}

/** A benchmark before it is loaded. */
export interface BenchmarkSpec<Shape extends z.core.$ZodLooseShape = z.core.$ZodLooseShape> {
  /** Name of its command, its kind of stage and its folders. */
  readonly name: string;
  /** Its name in sentences. */
  readonly label: string;
  /** Its name in headings. */
  readonly title: string;
  readonly options: Shape;
  /** Options, in this order, that other answers come of, and those that answers are judged by. */
  readonly identity: {
    answers(options: z.output<z.ZodObject<Shape>>): readonly unknown[];
    verdicts(options: z.output<z.ZodObject<Shape>>): readonly unknown[];
  };
  /** Texts of the command's help. */
  readonly help: { readonly data: string; readonly text: string; readonly examples: readonly string[] };
  /** Digests of all files that answers and verdicts depend on. */
  contents(data: string): Contents;
  load(): Promise<Benchmark>;
}

/** Counts of each error, the most frequent first. */
export function countErrors(
  verdicts: readonly { readonly error: string | null }[],
): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { error } of verdicts) {
    if (error !== null) counts.set(error, (counts.get(error) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

/** Seed of every sample, so that two samples of one size are the same. */
export const SAMPLE_SEED = 7;

/** At most `size` units of each category, the same ones every time, in their order. A unit is one entry, or several. */
export function sampleEntries<E>(
  entries: readonly E[],
  size: number,
  of: { readonly category: (entry: E) => string; readonly unit: (entry: E) => unknown },
): readonly E[] {
  const chosen = new Set<unknown>();
  for (const category of new Set(entries.map(of.category))) {
    const own = new Set(entries.filter((entry) => of.category(entry) === category).map(of.unit));
    const drawn = Rng.seeded(SAMPLE_SEED, category).shuffled([...own]);
    for (const unit of drawn.slice(0, size)) chosen.add(unit);
  }
  return entries.filter((entry) => chosen.has(of.unit(entry)));
}
