/** A run's scores on benchmarks, from what its stages and `tinystar eval` left in its folder, beside those that were published. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { readText } from '../base/files.ts';
import {
  type Scores as AcebenchScores,
  scoresSchema as acebenchSchema,
} from '../../packages/benchmarks/src/acebench/scores.ts';
import {
  type Scores as BfclScores,
  scoresSchema as bfclSchema,
} from '../../packages/benchmarks/src/bfcl/results.ts';
import { SOURCE } from '../../packages/benchmarks/src/published.ts';
import { ablationTable, acebenchTables, bfclTables } from './benchmark-tables.ts';
import { RESULTS } from '../eval/formats.ts';
import { html, type Html } from './html.ts';

/** The section on benchmarks; undefined for a run without any. */
export function benchmarkSection(folder: string): Html | undefined {
  const { bfcl, acebench, damaged } = readBenchmarks(folder);
  if (bfcl.length + acebench.length + damaged === 0) return undefined;
  return html`<section id="benchmarks">
    <h2>Benchmarks</h2>
    ${bfcl.length === 0 ? undefined : bfclTables(bfcl)}
    ${acebench.length === 0 ? undefined : acebenchTables(acebench)} ${ablationTable()}
    <p class="lead">
      Faint rows: ${SOURCE}.${damaged === 0 ? '' : ` Damaged files of scores, left out: ${damaged}.`}
    </p>
  </section>`;
}

export interface Benchmarks {
  readonly bfcl: readonly BfclScores[];
  readonly acebench: readonly AcebenchScores[];
  /** Files of scores that cannot be read. */
  readonly damaged: number;
}

/** Folders of results: of the run's stages, then of commands. */
function resultFolders(run: string): readonly string[] {
  const inside = (folder: string): string[] =>
    existsSync(folder)
      ? readdirSync(folder)
          .toSorted()
          .map((name) => join(folder, name))
      : [];
  const ofStages = inside(join(run, 'stages')).flatMap((stage) => inside(join(stage, RESULTS)));
  return [...ofStages, ...inside(join(run, 'benchmarks'))];
}

/** All scores of a run on benchmarks. */
export function readBenchmarks(run: string): Benchmarks {
  const bfcl: BfclScores[] = [];
  const acebench: AcebenchScores[] = [];
  let damaged = 0;
  for (const folder of resultFolders(run)) {
    const path = join(folder, 'scores.json');
    if (!existsSync(path)) continue;
    const json = jsonOf(path);
    const asBfcl = bfclSchema.safeParse(json);
    const asAcebench = acebenchSchema.safeParse(json);
    if (asBfcl.success) bfcl.push(asBfcl.data);
    else if (asAcebench.success) acebench.push(asAcebench.data);
    else damaged += 1;
  }
  return { bfcl, acebench, damaged };
}

/** Undefined where the file is not whole. */
function jsonOf(path: string): unknown {
  try {
    return JSON.parse(readText(path));
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof UserError) return undefined;
    throw thrown;
  }
}
