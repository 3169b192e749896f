/** What an evaluation on ACEBench does: chooses entries, asks a model, judges, and leaves verdicts and scores in a folder. */
import { join } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import { writeAtomic } from '../../../../src/base/files.ts';
import { Rng } from '../../../../src/base/rng.ts';
import type { SampleOptions, Sampler } from '../../../../src/sampling/sampler.ts';
import { answersTo } from '../answers.ts';
import { CATEGORIES, categoriesNamed, type Category } from './categories.ts';
import { categoriesIn, dataFolder, type Entry, loadEntries } from './dataset.ts';
import { promptOf } from './prompts.ts';
import { type JudgedEntry, type Scores, unitOf } from './scores.ts';

const VERDICTS = 'verdicts.jsonl';
const SCORES = 'scores.json';

/** Seed of every sample, so that two samples of one size are the same. */
export const SAMPLE_SEED = 7;

/** What becomes of thoughts; the benchmark itself scores them with the rest. */
export type Thinking = Scores['thinking'];

export interface SelectOptions {
  /** The benchmark's folder. */
  readonly data: string;
  /** Names of categories, or `normal` and `special`; all without it. */
  readonly category?: readonly string[];
  /** Entries a category, dialogues counting as one. */
  readonly limit?: number;
}

/** The entries that are asked for, and what other ids the benchmark has. Throws a UserError for unknown categories. */
export function selectEntries({ data, category, limit }: SelectOptions): {
  readonly entries: readonly Entry[];
  readonly knows: (id: string) => boolean;
} {
  const { found, unknown } = categoriesNamed(category ?? ['normal', 'special']);
  if (unknown.length > 0) {
    const names = CATEGORIES.map(({ name }) => name).join(', ');
    throw new UserError(
      'ACEBENCH_CATEGORY',
      `ACEBench has no category ${unknown.join(', ')}; choose from normal, special, ${names}.`,
    );
  }
  const folder = dataFolder(data);
  const there = categoriesIn(folder);
  // What was asked for by its own name and is missing is told by the file that cannot be read.
  const missing = found.filter((one) => !there.includes(one) && category?.includes(one.name) === true);
  const all = loadEntries(folder, [...there, ...missing]);
  const ids = new Set(all.map(({ id }) => id));
  const own = all.filter((entry) => found.includes(entry.category));
  const entries = limit === undefined ? own : found.flatMap((one) => sampleOf(own, one, limit));
  return { entries, knows: (id) => ids.has(id) || id.startsWith('agent_') };
}

/** At most `size` entries of a category, or dialogues with all their turns; the same ones every time, in their order. */
function sampleOf(entries: readonly Entry[], category: Category, size: number): readonly Entry[] {
  const own = entries.filter((entry) => entry.category === category);
  const units = Rng.seeded(SAMPLE_SEED, `acebench:${category.name}`).shuffled([...new Set(own.map(unitOf))]);
  const chosen = new Set(units.slice(0, size));
  return own.filter((entry) => chosen.has(unitOf(entry)));
}

export interface Reply {
  readonly entry: Entry;
  /** Undefined where the prompt fills the model's positions, so that nothing was asked. */
  readonly text: string | undefined;
  readonly tokens: number;
}

/** Asks entries; replies come as they are ready, thoughts included. */
export async function* askEntries(
  model: Sampler,
  entries: readonly Entry[],
  options: SampleOptions,
): AsyncGenerator<Reply, void, undefined> {
  const prompts = entries.map((entry) => ({ messages: promptOf(entry) }));
  for await (const { index, text, tokens } of answersTo(model, prompts, options)) {
    const entry = entries[index];
    if (entry !== undefined) yield { entry, text, tokens };
  }
}

const THINK_END = '</think>';

/** What of a reply is scored. */
export function scoredText(reply: string, thinking: Thinking): string {
  if (thinking !== 'strip') return reply;
  const end = reply.lastIndexOf(THINK_END);
  if (end >= 0) return reply.slice(end + THINK_END.length).replace(/^\n+/, '');
  return reply.includes('<think>') ? '' : reply;
}

/** Writes verdicts, one JSON object a line, and scores. */
export function writeResults(folder: string, judged: readonly JudgedEntry[], scores: Scores): void {
  writeAtomic(join(folder, VERDICTS), judged.map((one) => `${JSON.stringify(one)}\n`).join(''));
  writeAtomic(join(folder, SCORES), `${JSON.stringify(scores, null, 2)}\n`);
}
