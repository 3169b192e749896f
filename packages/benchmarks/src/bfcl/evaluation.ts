/** BFCL's entries, how they are asked and judged, and what verdicts add up to. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import {
  type AskOptions,
  type Benchmark,
  type CommonScores,
  sampleEntries,
  type SelectOptions,
  type Selection,
} from '../benchmark.ts';
import { askBfcl } from './ask.ts';
import { categoriesNamed, type Category, CATEGORY_NAMES, isCategory } from './categories.ts';
import type { DecodeRule } from './decode.ts';
import { type Entry, readEntries } from './entries.ts';
import { lacksLongContext } from './long-context-file.ts';
import { type Counts, type Scores, scoresSchema, summarise } from './scores.ts';
import { bfclTable } from './table.ts';
import { countVerdicts, judge, readResponse, type Response } from './verdicts.ts';

export type BfclOptions = AskOptions & { readonly decode: DecodeRule };

/** The categories whose questions, and what else they need, are in a folder of data; throws a UserError if there are none. */
export function categoriesIn(folder: string): readonly Category[] {
  const there = CATEGORY_NAMES.filter(
    (category) =>
      existsSync(join(folder, `BFCL_v3_${category}.json`)) &&
      (category !== 'multi_turn_long_context' || !lacksLongContext(folder)),
  );
  if (there.length > 0) return there;
  throw new UserError(
    'BFCL_DATA',
    `${folder} has no BFCL_v3_*.json; give the data folder of BFCL v3 from the gorilla repository.`,
  );
}

/** The entries that the options ask for; responses of other categories, or not in the sample, are passed over. */
export function selectEntries({ data, category, limit }: SelectOptions): Selection<Entry, Response> {
  const categories = category === undefined ? categoriesIn(data) : categoriesNamed(category);
  const all = readEntries(data, categories);
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const elsewhere = (id: string): boolean => {
    const name = id.replace(/_\d+(?:-\d+-\d+)?$/, '');
    return isCategory(name) && !categories.includes(name);
  };
  const of = { category: (entry: Entry) => `bfcl:${entry.category}`, unit: (entry: Entry) => entry };
  return {
    entries: limit === undefined ? all : sampleEntries(all, limit, of),
    knows: (id) => byId.has(id) || elsewhere(id),
    read: (result, id) => {
      const entry = byId.get(id);
      return entry === undefined ? [] : readResponse(entry, result);
    },
  };
}

/** Scores of counts. */
export function scoresOf(counts: Counts, common: CommonScores, decode: DecodeRule): Scores {
  const { errors, faults, model, sample, seed, openThought } = common;
  const rest = { categories: Object.fromEntries(counts), summary: { ...summarise(counts) } };
  return { benchmark: 'BFCL v3', model, sample, seed, decode, openThought, errors, faults, ...rest };
}

export const evaluation: Benchmark<BfclOptions, Entry, Response, Scores> = {
  entries: selectEntries,
  ask: askBfcl,
  judge(entry, response, { decode }) {
    const { id, category, error } = judge(entry, response, decode);
    return { id, category, valid: error === null, error };
  },
  scores: (common, entries, verdicts, { decode }) => {
    const judged = entries.map(({ category }, i) => ({ category, error: verdicts[i]?.error ?? null }));
    return scoresOf(countVerdicts(judged), common, decode);
  },
  readScores: (json) => scoresSchema.safeParse(json).data,
  note: ({ data, category }) =>
    category === undefined && lacksLongContext(data)
      ? {
          label: 'left out',
          text: 'multi_turn_long_context, whose constants were not found; put long_context.py, of the official program, beside the data',
        }
      : undefined,
  table: bfclTable,
};
