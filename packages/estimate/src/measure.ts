/** Time of stages, from a few measured steps of each whose inputs are there: the real run, in a folder that is removed. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Recipe } from '../../../src/recipe/schema.ts';
import { sum } from '../../report/src/numbers.ts';
import { namesIn } from '../../../src/run/inputs.ts';
import { runRecipe } from '../../../src/run/runner.ts';
import type { Stage } from '../../../src/stages/index.ts';

/** Time of a few steps of a stage, or the earlier stage that has to run before it can be measured. */
export type Measured = { readonly steps: number; readonly seconds: number } | { readonly after: string };

/** Measures every stage that can begin, by `steps` steps after its first, which builds graphs. Throws UserErrors. */
export async function measureRecipe(
  recipe: Recipe,
  runsDir: string,
  steps: number,
  onStage?: (stage: string) => void,
): Promise<ReadonlyMap<string, Measured>> {
  const times = new Map<string, Measured>();
  const made = resolve(runsDir, recipe.name, 'stages');
  for (const stage of recipe.stages) {
    const needed = recipe.stages.filter(({ name }) => namesIn(stage).includes(name));
    const after = needed.find(({ name }) => !existsSync(join(made, name, 'done.json')))?.name;
    if (after === undefined) onStage?.(stage.name);
    times.set(stage.name, after ? { after } : await measure(recipe, stage, needed, made, steps));
  }
  return times;
}

/** Measures a stage behind the stages that it needs, which are in the folder `made`. */
async function measure(
  { export: _export, ...recipe }: Recipe,
  stage: Stage,
  needed: readonly Stage[],
  made: string,
  steps: number,
): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-measure-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    const stages = join(folder, recipe.name, 'stages');
    mkdirSync(stages, { recursive: true });
    for (const { name } of needed) symlinkSync(join(made, name), join(stages, name), 'junction');
    const stop = new AbortController();
    const times: number[] = [];
    let total = 0;
    const begun = { ...recipe, stages: [...needed, stage] };
    for await (const event of runRecipe(begun, { runsDir: folder, signal: stop.signal })) {
      if (event.stage !== stage.name) continue;
      if (event.type === 'stage' || event.type === 'step') total = event.total;
      if (event.type === 'step') times.push(event.seconds);
      if (times.length > steps) stop.abort();
    }
    const [first = 0, ...later] = times;
    const median = later.toSorted((a, b) => a - b)[Math.floor(later.length / 2)] ?? first;
    return { steps: total, seconds: times.length >= total ? sum(times) : first + median * (total - 1) };
  } finally {
    process.off('exit', remove);
    remove();
  }
}
