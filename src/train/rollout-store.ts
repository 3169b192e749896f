/**
 * A teacher's kept answers on disk: texts and rewards as lines of JSON, tokens and distributions in a top-k store. A
 * line is written when all it speaks of is safe in the store, so progress survives a kill at any moment; what was
 * finished is never asked again. The distributions, by far the most, are read from disk when a sample's turn comes.
 */
import { constants, copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { appendParts } from '../base/open-file.ts';
import { UserError } from '../base/errors.ts';
import { fileError } from '../base/files.ts';
import { cutFile, wholeLines } from '../base/lines.ts';
import type { TokenIds } from '../base/token-ids.ts';
import { type Distributions, NO_DISTRIBUTIONS } from '../sampling/teacher.ts';
import { STORE_FILE, type TopKFacts, type TopRows } from '../topk/format.ts';
import { checkVocabulary, TopKFile } from '../topk/reader.ts';
import { TopKWriter } from '../topk/writer.ts';

export interface Answer {
  readonly text: string;
  readonly tokens: TokenIds;
  readonly reward: number;
}

export interface StoredSample extends Answer {
  /** k of the stored rows; 0 where the teacher gave no distributions. */
  readonly topK: number;
  readTop(): TopRows;
}

export interface StoredPrompt<S = StoredSample> {
  readonly id: string;
  readonly prompt: string;
  readonly promptIds: TokenIds;
  readonly samples: readonly S[];
}

export interface KeptPrompt extends StoredPrompt<Answer & Distributions> {
  /** Its place among all prompts. */
  readonly position: number;
}

const count = z.int().nonnegative();

/** Counts of some prompts' answers, in sums, so that means can be told of any number of them. */
const countsSchema = z.object({
  drawn: count,
  valid: count,
  kept: count,
  /** Answers that were drawn and have no end. */
  cut: count.default(0),
  /** Sum over the drawn answers. */
  reward: z.number(),
  /** Tokens of the drawn answers, and of the prompts. */
  completionTokens: count,
  promptTokens: count,
  tooLong: count,
});
export type RolloutCounts = Readonly<z.output<typeof countsSchema>>;

const COUNTED = Object.keys(countsSchema.shape) as (keyof RolloutCounts)[];

const countsOf = (of: (name: keyof RolloutCounts) => number): RolloutCounts =>
  Object.fromEntries(COUNTED.map((name) => [name, of(name)])) as unknown as RolloutCounts;

export const NO_COUNTS = countsOf(() => 0);

export const addCounts = (a: RolloutCounts, b: RolloutCounts): RolloutCounts =>
  countsOf((name) => a[name] + b[name]);

const ANSWERS_FILE = 'answers.jsonl';
const lineSchema = z.object({
  /** Places of the prompts that this line settles, kept or not. */
  positions: z.array(count),
  counts: countsSchema,
  /** Sequences of the store once the line is written. */
  sequences: count,
  kept: z.array(
    z.object({
      position: count,
      id: z.string(),
      prompt: z.string(),
      /** The prompt's tokens and those of each sample, by their number in the store. */
      sequence: count,
      samples: z.array(z.object({ text: z.string(), reward: z.number(), sequence: count })),
    }),
  ),
});
type Line = z.output<typeof lineSchema>;

function* readLines(path: string): Generator<{ readonly line: Line; readonly end: number }> {
  for (const { text, end } of wholeLines(path)) {
    let line: Line;
    try {
      line = lineSchema.parse(JSON.parse(text));
    } catch {
      throw new UserError(
        'ROLLOUTS',
        `${path} is not a whole file of rollouts; remove the rollout stage's folder and run again.`,
      );
    }
    yield { line, end };
  }
}

/** Adds to a folder of rollouts, from where an earlier process left off. */
export class RolloutWriter implements Disposable {
  readonly done = new Set<number>();
  /** Counts of each group of them, in the order in which they were stored. */
  readonly settled: { readonly positions: number; readonly counts: RolloutCounts }[] = [];
  readonly #path: string;
  readonly #store: TopKWriter;

  /** Throws a UserError if the folder holds rollouts of another kind. */
  constructor(folder: string, facts: TopKFacts) {
    try {
      mkdirSync(folder, { recursive: true });
    } catch (thrown) {
      throw fileError('create', folder, thrown);
    }
    this.#path = join(folder, ANSWERS_FILE);
    const lines = existsSync(this.#path) ? readLines(this.#path) : [];
    const groups = Array.from(lines, ({ line: { kept: _texts, ...group }, end }) => ({ ...group, end }));
    this.#store = new TopKWriter(join(folder, STORE_FILE), facts, groups.at(-1)?.sequences ?? 0);
    // A disk may lose what it had said was written: only lines whose sequences are all there count.
    const good = groups.filter(({ sequences }) => sequences <= this.#store.length);
    for (const group of good) this.#settle(group);
    cutFile(this.#path, good.at(-1)?.end ?? 0);
  }

  #settle({ positions, counts }: Pick<Line, 'positions' | 'counts'>): void {
    for (const position of positions) this.done.add(position);
    this.settled.push({ positions: positions.length, counts });
  }

  /** Stores prompts that are settled, all or none of them. */
  append(positions: readonly number[], counts: RolloutCounts, kept: readonly KeptPrompt[]): void {
    const store = this.#store;
    const line: Line = {
      positions: [...positions],
      counts,
      sequences: 0,
      kept: kept.map(({ position, id, prompt, promptIds, samples }) => ({
        position,
        id,
        prompt,
        sequence: store.append({ tokens: promptIds, ...NO_DISTRIBUTIONS }),
        samples: samples.map(({ text, reward, tokens, logprobs, top }) => ({
          text,
          reward,
          sequence: store.append({ tokens, logprobs, top }),
        })),
      })),
    };
    line.sequences = store.length;
    store.sync();
    appendParts(this.#path, [Buffer.from(`${JSON.stringify(line)}\n`)]);
    this.#settle(line);
  }

  /** Forgets what was settled, so that it is asked again. */
  clear(): void {
    this.done.clear();
    this.settled.length = 0;
    cutFile(this.#path, 0);
  }

  /** Makes the folder readable; call it when all prompts are settled. */
  finish(): void {
    this.#store.finish();
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
  }
}

/** Reads the distributions of a sample, all of whose ids the student must know. */
function readTop(store: TopKFile, sequence: number, vocabSize: number): TopRows {
  const { top } = store.read(sequence);
  if (top.ids.some((id) => id >= vocabSize))
    throw new UserError(
      'ROLLOUTS',
      `${store.path} holds ids beyond the student's ${vocabSize}; use a teacher with the student's vocabulary.`,
    );
  return top;
}

const isRollouts = (folder: string): boolean =>
  [ANSWERS_FILE, STORE_FILE].every((name) => existsSync(join(folder, name)));

/** The folder of rollouts that `given` is, or that is the only one in the folder of a run. */
export function findRollouts(given: string): string {
  if (isRollouts(given)) return given;
  const stages = join(given, 'stages');
  const found = (existsSync(stages) ? readdirSync(stages) : [])
    .map((stage) => join(stages, stage, 'rollouts'))
    .filter(isRollouts);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const what =
    found.length > 1
      ? `holds several (${found.join(', ')}); name one`
      : 'holds none; give a folder that rollouts were drawn into';
  throw new UserError('ROLLOUTS', `${given} is no folder of rollouts and ${what}.`);
}

/** Copies rollouts into a folder, without taking room twice where the file system can. */
export function copyRollouts(from: string, to: string): void {
  for (const name of [ANSWERS_FILE, STORE_FILE]) {
    try {
      copyFileSync(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
    } catch (thrown) {
      throw fileError('copy', join(from, name), thrown);
    }
  }
}

/**
 * All kept prompts of a rollout stage, in the order of the prompts, for a student whose tokenizer has this fingerprint and
 * whose embedding has so many ids. Throws when there are none or the vocabulary is another.
 */
export function readRollouts(
  folder: string,
  student: { readonly vocabulary: string; readonly vocabSize: number },
): StoredPrompt[] {
  const answers = join(folder, ANSWERS_FILE);
  const store = new TopKFile(join(folder, STORE_FILE));
  checkVocabulary(store.path, store.header, student.vocabulary);
  using _open = store.keepOpen();
  // Servers finish prompts in any order; what is learned from must not depend on it.
  const kept = Array.from(readLines(answers), ({ line }) => line.kept)
    .flat()
    .toSorted((a, b) => a.position - b.position);
  if (kept.length === 0)
    throw new UserError(
      'ROLLOUTS',
      `The rollouts in ${folder} hold no valid answer; the teacher may be too weak for the format: train it first.`,
    );
  return kept.map(({ id, prompt, sequence, samples }) => ({
    id,
    prompt,
    promptIds: store.tokens(sequence),
    samples: samples.map(({ text, reward, sequence: own }) => ({
      text,
      reward,
      tokens: store.tokens(own),
      topK: store.size(own).rows > 0 ? store.header.topK : 0,
      readTop: () => readTop(store, own, student.vocabSize),
    })),
  }));
}
