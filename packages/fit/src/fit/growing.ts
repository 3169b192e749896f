/**
 * A run whose recipe grows: what a stage gives decides on the next ones. Every decision is kept beside the run, so that
 * the same command resumes with the same recipe, whatever a clock would say the second time.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomic } from '../../../../src/base/files.ts';
import { linesOf } from '../../../../src/base/lines.ts';
import { readJson } from '../../../../src/base/json-file.ts';
import type { runRecipe } from '../../../../src/run/runner.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { type Around, recipeOf, type StageOptions } from './recipe.ts';

/** Surroundings of runs. */
export interface Doing {
  /** Folder of the fit's runs. */
  readonly runs: string;
  readonly runRecipe: typeof runRecipe;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

const stageSchema = z.looseObject({ name: z.string(), kind: z.string() });
const decidedSchema = z.array(z.object({ key: z.string(), why: z.string(), stages: z.array(stageSchema) }));
type Decided = z.output<typeof decidedSchema>[number];

/** Stages that are decided on, and why. */
export interface Decision {
  readonly stages: readonly StageOptions[];
  /** A sentence for people; empty where there is nothing to say. */
  readonly why?: string;
}

export class Growing {
  readonly folder: string;
  readonly #around: Around;
  readonly #doing: Doing;
  readonly #name: string;
  readonly #models: Readonly<Record<string, string>>;
  readonly #path: string;
  readonly #decided: Decided[];
  readonly #active: StageOptions[] = [];
  readonly #done = new Set<string>();
  #steps = 0;

  constructor(around: Around, doing: Doing, name: string, models: Readonly<Record<string, string>> = {}) {
    this.#around = around;
    this.#doing = doing;
    this.#name = name;
    this.#models = models;
    this.folder = join(doing.runs, name);
    this.#path = join(doing.runs, `${name}.decided.json`);
    const remedy = `remove it together with ${this.folder} to begin anew`;
    this.#decided = existsSync(this.#path) ? readJson(this.#path, decidedSchema, remedy) : [];
  }

  /** Adds the stages of a decision, which is made once, and runs what there is. Throws the signal's reason when it fires. */
  async *grow(key: string, decide: () => Decision): AsyncGenerator<RunEvent, void> {
    let decided = this.#decided[this.#steps];
    const isNew = decided?.key !== key;
    if (isNew) {
      const { stages, why = '' } = decide();
      decided = { key, why, stages: [...stages] };
      this.#decided.splice(this.#steps, Infinity, decided);
      writeAtomic(this.#path, `${JSON.stringify(this.#decided, null, 1)}\n`);
    }
    this.#steps += 1;
    if (decided === undefined) return;
    // Its schema has looked at no more than their names: the recipe's looks at the rest.
    this.#active.push(...(decided.stages as StageOptions[]));
    if (isNew && decided.why !== '') yield { type: 'waiting', stage: this.#name, text: decided.why };
    // A recipe without stages that have begun would be another one.
    if (this.#steps < this.#decided.length || decided.stages.length === 0) return;
    const { runs: runsDir, runRecipe: run, signal, now } = this.#doing;
    const recipe = recipeOf(this.#around, this.#name, 'dev', this.#active, this.#models);
    for await (const event of run(recipe, { runsDir, signal, now })) {
      // Of what was done before, once is enough.
      if (event.type === 'done' && this.#done.has(event.stage)) continue;
      if (event.type === 'done') this.#done.add(event.stage);
      yield event;
    }
    signal.throwIfAborted();
  }

  /** Sentences of the decisions. */
  get reasons(): string[] {
    return this.#decided.slice(0, this.#steps).flatMap(({ why }) => (why === '' ? [] : [why]));
  }

  stageFolder(stage: string): string {
    return join(this.folder, 'stages', stage);
  }

  /** Folder of the model that a stage made. */
  model(stage: string): string {
    return join(this.stageFolder(stage), 'model');
  }

  /** Seconds that steps took by the run's log, of one stage or of all. */
  seconds(stage?: string): number[] {
    const path = join(this.folder, 'log.jsonl');
    if (!existsSync(path)) return [];
    return Array.from(linesOf(path), ({ text }) => logSchema.safeParse(jsonOf(text)).data).flatMap((line) =>
      line !== undefined && (stage ?? line.stage) === line.stage ? [line.seconds] : [],
    );
  }

  /** Seconds of a usual step of a stage, by its second half: of the first steps most build graphs, which later ones find there. */
  stepSeconds(stage: string): number {
    const all = this.seconds(stage);
    const sorted = all.slice(all.length >> 1).toSorted((a, b) => a - b);
    return sorted[sorted.length >> 2] ?? 0;
  }
}

const logSchema = z.object({ stage: z.string(), seconds: z.number() });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
