/** ACEBench's entries, how they are asked and judged, and what verdicts add up to. */
import { UserError } from '../../../../src/base/errors.ts';
import { answersTo } from '../answers.ts';
import {
  type AskOptions,
  type Benchmark,
  sampleEntries,
  type SelectOptions,
  type Selection,
} from '../benchmark.ts';
import { CATEGORIES, categoriesNamed } from './categories.ts';
import { categoriesIn, dataFolder, type Entry, loadEntries } from './dataset.ts';
import { promptOf } from './prompts.ts';
import type { Revision } from './revision.ts';
import { judgeEntry, meanOf, scoreCategories, type Scores, scoresSchema, unitOf } from './scores.ts';
import { acebenchTable } from './table.ts';

export type AcebenchOptions = AskOptions & {
  readonly revision: Revision;
  /** Treatment of thoughts; the benchmark itself scores them with the rest. */
  readonly thinking: Scores['thinking'];
};

/** The official share of the likeliest tokens that are drawn from. */
const TOP_P = 0.9;

const isAgent = (id: string): boolean => id.startsWith('agent_');

/**
 * The entries that are asked for; dialogues count as one in a sample. Responses of agents, which are asked otherwise, are
 * passed over. Throws a UserError for unknown categories.
 */
export function selectEntries({ data, category, limit }: SelectOptions): Selection<Entry, string> {
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
  // Categories that were asked for by name and are missing are told by their file, which cannot be read.
  const missing = found.filter((one) => !there.includes(one) && category?.includes(one.name) === true);
  const all = loadEntries(folder, [...there, ...missing]);
  const ids = new Set(all.map(({ id }) => id));
  const own = all.filter((entry) => found.includes(entry.category));
  const of = { category: (entry: Entry) => `acebench:${entry.category.name}`, unit: unitOf };
  return {
    entries: limit === undefined ? own : sampleEntries(own, limit, of),
    knows: (id) => ids.has(id) || isAgent(id),
    read: (result, id) => (isAgent(id) ? '' : typeof result === 'string' ? result : undefined),
  };
}

const THINK_END = '</think>';

/** The part of a reply that is scored. */
export function scoredText(reply: string, thinking: Scores['thinking']): string {
  if (thinking !== 'strip') return reply;
  const end = reply.lastIndexOf(THINK_END);
  if (end >= 0) return reply.slice(end + THINK_END.length).replace(/^\n+/, '');
  return reply.includes('<think>') ? '' : reply;
}

export const evaluation: Benchmark<AcebenchOptions, Entry, string, Scores> = {
  entries: selectEntries,
  async *ask(model, entries, { temperature, generate_max_len, open_thought, thinking }, signal) {
    const prompts = entries.map((entry) => ({ messages: promptOf(entry) }));
    const sampling = { temperature, generate_max_len, open_thought, top_p: TOP_P, signal };
    const off = thinking === 'off' ? { enable_thinking: false } : {};
    for await (const { index, text, tokens } of answersTo(model, prompts, { ...sampling, ...off })) {
      const entry = entries[index];
      if (entry !== undefined) yield { entry, result: text, tokens };
    }
  },
  judge: (entry, reply, { revision, thinking }) =>
    judgeEntry(entry, reply === undefined ? undefined : scoredText(reply, thinking), revision),
  scores(common, entries, verdicts, { revision, thinking }) {
    const { model, sample, seed, openThought, errors, faults } = common;
    const categories = [...scoreCategories(entries, verdicts, revision)];
    const [normal, special] = [meanOf(categories, 'normal'), meanOf(categories, 'special')];
    const asked = { benchmark: 'ACEBench', revision, model, sample, seed, thinking, openThought } as const;
    return { ...asked, categories, normal, special, errors, faults };
  },
  readScores: (json) => scoresSchema.safeParse(json).data,
  note({ thinking }, entries, replies) {
    const thoughts = entries.filter(({ id }) => replies.get(id)?.includes('<think>') === true).length;
    if (thoughts === 0 || thinking === 'strip') return undefined;
    const what = thoughts === 1 ? '1 reply holds thoughts' : `${thoughts} replies hold thoughts`;
    const text = `${what}, which the official rules score with the rest; --thinking strip takes them off`;
    return { label: 'note', text };
  },
  table: acebenchTable,
};
