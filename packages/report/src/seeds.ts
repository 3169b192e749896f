/**
 * The same recipes over several seeds: a mean for every model, and how sure one may be of it. On the same dialogues a
 * gain that each has its part in is known far better than the two shares that it is the difference of.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../../../src/base/errors.ts';
import { type Judged, judgedSchema } from '../../../src/eval/held-out.ts';
import { readVerdicts } from '../../../src/stages/measuring.ts';
import { type Count, mean, shareOf, sum } from './numbers.ts';
import type { RunRecord } from './read.ts';

/** Shares of one model, one a seed, in ascending order of the seeds. */
export interface SeedRow {
  readonly label: string;
  readonly seeds: readonly number[];
  readonly shares: readonly number[];
}

export interface SeedMean {
  readonly mean: number;
  /** Half the width of the 95% interval of the mean over seeds; undefined for one seed, which says nothing of it. */
  readonly half: number | undefined;
}

/** Every category's name in `rowsBySeed`, beside the mean over all dialogues. */
export const OVERALL = 'overall';

/** 97.5% quantiles of Student's t distribution for 1, 2, ... degrees of freedom. */
const T_QUANTILES = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
const NORMAL_QUANTILE = 1.96;

/** Mean of `values` with its interval, as wide as `quantile` standard errors to each side. */
function meanWithin(values: readonly number[], quantile: number): SeedMean {
  const centre = mean(values);
  if (values.length < 2) return { mean: centre, half: undefined };
  const variance = sum(values.map((value) => (value - centre) ** 2)) / (values.length - 1);
  return { mean: centre, half: quantile * Math.sqrt(variance / values.length) };
}

/** Mean of `values` with the 95% interval of Student's t distribution: n values stand for all seeds there could be. */
export const meanOverSeeds = (values: readonly number[]): SeedMean =>
  meanWithin(values, T_QUANTILES[values.length - 2] ?? NORMAL_QUANTILE);

/** Gains of `row` over `other`, seed by seed, for the seeds that both have. */
export function gains(row: SeedRow, other: SeedRow): number[] {
  return row.seeds.flatMap((seed, i) => {
    const theirs = other.shares[other.seeds.indexOf(seed)];
    const ours = row.shares[i];
    return theirs === undefined || ours === undefined ? [] : [ours - theirs];
  });
}

/** The categories of the runs' evaluations, in the order in which they first appear, after `OVERALL`. */
export function categoriesOf(runs: readonly RunRecord[]): string[] {
  const models = runs.flatMap((run) => run.evaluations.flatMap((evaluation) => evaluation.models));
  return [...new Set([OVERALL, ...models.flatMap((model) => Object.keys(model.byCategory))])];
}

/**
 * The models of `runs` by label: a run of another seed adds a value, another recipe with the same seed adds models.
 * Throws a `UserError` where runs cannot be compared: other test data, or two results for one label and seed.
 */
export function rowsBySeed(runs: readonly RunRecord[], category: string = OVERALL): SeedRow[] {
  const byLabel = new Map<string, Map<number, { share: number; run: string }>>();
  for (const run of runs) {
    needSameTest(runs[0], run);
    const seed = run.recipe?.seed ?? 0;
    for (const model of run.evaluations.flatMap((evaluation) => evaluation.models)) {
      const count: Count | undefined = category === OVERALL ? model : model.byCategory[category];
      if (count === undefined || count.total === 0) continue;
      const share = shareOf(count);
      const bySeed = byLabel.get(model.label) ?? new Map<number, { share: number; run: string }>();
      const there = bySeed.get(seed);
      if (there !== undefined && there.share !== share) {
        throw new UserError(
          'SEEDS',
          `${there.run} and ${run.folder} both have a result for ${model.label} with seed ${seed}, and they differ; compare runs of different seeds.`,
        );
      }
      byLabel.set(model.label, bySeed.set(seed, { share, run: run.folder }));
    }
  }
  return [...byLabel].map(([label, bySeed]) => {
    const seeds = [...bySeed.keys()].toSorted((a, b) => a - b);
    return { label, seeds, shares: seeds.map((seed) => bySeed.get(seed)?.share ?? 0) };
  });
}

/** Results on different dialogues are not shown side by side. */
function needSameTest(first: RunRecord | undefined, run: RunRecord): void {
  if (run.evaluations.length === 0) {
    throw new UserError(
      'SEEDS',
      `${run.folder} has no evaluation yet; carry the run to its end, then compare.`,
    );
  }
  const tested = (record: RunRecord | undefined): unknown => [
    record?.recipe?.data,
    record?.evaluations[0]?.models[0]?.total,
  ];
  if (!isDeepStrictEqual(tested(first), tested(run))) {
    throw new UserError(
      'SEEDS',
      `${run.folder} was tested on other dialogues than ${first?.folder}; compare runs with the same data.`,
    );
  }
}

/** Tells whether each dialogue was answered rightly: label, seed, dialogue. */
export type Verdicts = ReadonlyMap<string, ReadonlyMap<number, ReadonlyMap<string, boolean>>>;

function verdictsIn(folder: string): Judged[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.toSorted().flatMap((name) => readVerdicts(join(folder, name), judgedSchema));
}

/** The verdicts of runs that still have them, of one category or `OVERALL`. Throws a UserError for a damaged file. */
export function verdictsOf(runs: readonly RunRecord[], category: string = OVERALL): Verdicts {
  const all = new Map<string, Map<number, Map<string, boolean>>>();
  for (const { folder, recipe, evaluations } of runs) {
    for (const { stage, models } of evaluations) {
      const judged = verdictsIn(join(folder, 'stages', stage, 'verdicts'));
      let start = 0;
      // Models are judged one after the other, each on every dialogue.
      for (const { label, total } of models) {
        const own = judged.slice(start, start + total);
        start += total;
        if (own.length < total) continue;
        const asked = own.filter((verdict) => category === OVERALL || verdict.category === category);
        const bySeed = all.get(label) ?? new Map<number, Map<string, boolean>>();
        bySeed.set(recipe?.seed ?? 0, new Map(asked.map(({ id, correct }) => [id, correct])));
        all.set(label, bySeed);
      }
    }
  }
  return all;
}

/**
 * Gain of the model `label` over `other`: the mean over dialogues of its mean over the seeds that both have, with
 * the normal 95% interval: the dialogues stand for all that could be asked. Undefined where no verdicts are left.
 */
export function pairedGain(verdicts: Verdicts, label: string, other: string): SeedMean | undefined {
  const gained = new Map<string, number[]>();
  for (const [seed, own] of verdicts.get(label) ?? []) {
    for (const [id, right] of verdicts.get(other)?.get(seed) ?? []) {
      const mine = own.get(id);
      if (mine !== undefined) gained.set(id, [...(gained.get(id) ?? []), Number(mine) - Number(right)]);
    }
  }
  const values = [...gained.values()].map(mean);
  return values.length < 2 ? undefined : meanWithin(values, NORMAL_QUANTILE);
}
