/**
 * Models compared on the same dialogues: a gain that each dialogue has its part in is known far better than the two
 * shares that it is the difference of.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Judged, judgedSchema } from '../eval/held-out.ts';
import { readVerdicts } from '../stages/measuring.ts';
import { mean } from './numbers.ts';
import type { RunRecord } from './read.ts';
import { meanWithin, NORMAL_QUANTILE, OVERALL, type SeedMean } from './seeds.ts';

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
