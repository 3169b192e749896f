/** Reads a run folder for its report; what a killed run left half-written is skipped and counted. */
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { UserError } from '../../../src/base/errors.ts';
import { readText } from '../../../src/base/files.ts';
import { parseRecipe } from '../../../src/recipe/load.ts';
import type { Recipe } from '../../../src/recipe/schema.ts';
import {
  elsewhereSchema,
  evalSchema,
  logLineSchema,
  machineSchema,
  type SampleLine,
  sampleLineSchema,
} from '../../../src/eval/formats.ts';
import { sum } from './numbers.ts';

type LogLine = z.output<typeof logLineSchema>;

/** Samples of a stage's first and last step that drew any. */
export interface StageSamples {
  readonly first: readonly SampleLine[];
  readonly last: readonly SampleLine[];
}

export type RunRecord = Awaited<ReturnType<typeof readRun>>;
export type Evaluation = RunRecord['evaluations'][number];
export type StageLog = RunRecord['stages'][number];

const SAMPLES_SHOWN = 4;

/** Reads what a run has left so far. */
export async function readRun(folder: string) {
  const recipePath = join(folder, 'recipe.yaml');
  if (!existsSync(join(folder, 'log.jsonl')) && !existsSync(recipePath)) {
    throw new UserError(
      'NOT_A_RUN',
      `${folder} is not a run folder: it has neither recipe.yaml nor log.jsonl; give the folder that tinystar run made.`,
    );
  }
  const notes: string[] = [];
  const recipeText = existsSync(recipePath) ? readText(recipePath) : '';
  const recipe = attempt(notes, () => (recipeText === '' ? undefined : parseRecipe(recipeText, recipePath)));
  const stages = await readLog(join(folder, 'log.jsonl'), notes);
  noteElsewhere(folder, notes);
  return {
    folder,
    name: recipe?.name ?? basename(resolve(folder)),
    recipe,
    recipeText,
    machine: attempt(notes, () => readJson(join(folder, 'machine.json'), machineSchema)),
    stages,
    samples: await readSamples(join(folder, 'samples.jsonl'), notes),
    evaluations: readEvaluations(folder, recipe, notes),
    // On files that could not be read, and stages that others have trained. The report may be handed on: where the run lies here is nobody's business.
    notes: notes.map((note) => note.replaceAll(`${folder}/`, '')),
  };
}

/** The evaluations, in the order of the recipe. */
function readEvaluations(folder: string, recipe: Recipe | undefined, notes: string[]) {
  const stages = join(folder, 'stages');
  const there = existsSync(stages) ? readdirSync(stages).toSorted() : [];
  const declared = recipe?.stages.map(({ name }) => name).filter((name) => there.includes(name)) ?? [];
  return [...new Set([...declared, ...there])].flatMap((stage) => {
    const result = attempt(notes, () => readJson(join(folder, 'stages', stage, 'eval.json'), evalSchema));
    return result === undefined ? [] : [{ stage, ...result }];
  });
}

/** Notes the stages that another engine has trained. */
function noteElsewhere(folder: string, notes: string[]): void {
  const stages = join(folder, 'stages');
  for (const stage of existsSync(stages) ? readdirSync(stages).toSorted() : []) {
    const place = join(stages, stage);
    const facts = attempt(notes, () => readJson(join(place, 'elsewhere.json'), elsewhereSchema));
    if (facts !== undefined && existsSync(join(place, 'done.json')))
      notes.push(`Stage ${stage} was trained by ${facts.by ?? facts.engine}, and not by tinystar.`);
  }
}

/** Reads; a user's error becomes a note, as one broken file is no reason to show nothing. */
export function attempt<T>(notes: string[], read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    notes.push(thrown.message);
    return undefined;
  }
}

/** Reads a file of the run, if it is there; throws a UserError where it is damaged. */
export function readJson<T>(path: string, schema: z.ZodType<T>): T | undefined {
  if (!existsSync(path)) return undefined;
  const parsed = schema.safeParse(parsedJson(readText(path)));
  if (parsed.success) return parsed.data;
  const message = `${path} is damaged and was left out; run its stage again to have it rewritten.`;
  throw new UserError('RUN_FILE', message, { cause: parsed.error });
}

async function* readLines<T>(path: string, schema: z.ZodType<T>, notes: string[]): AsyncGenerator<T> {
  if (!existsSync(path)) return;
  let damaged = 0;
  for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    const parsed = schema.safeParse(parsedJson(line));
    if (parsed.success) yield parsed.data;
    else damaged += 1;
  }
  if (damaged > 0)
    notes.push(`${basename(path)}: ${damaged} damaged ${damaged === 1 ? 'line was' : 'lines were'} skipped.`);
}

/** The value of a JSON text; undefined where that is damaged. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The log by stages; a step that was repeated after a resume stands once. */
async function readLog(path: string, notes: string[]) {
  const stages = new Map<string, { kind: string; total: number; steps: Map<number, LogLine> }>();
  for await (const line of readLines(path, logLineSchema, notes)) {
    const stage = stages.get(line.stage) ?? { kind: line.kind, total: 0, steps: new Map<number, LogLine>() };
    stages.set(line.stage, stage);
    stage.total = line.total;
    // A resumed run repeats the steps after its last checkpoint: the later line is the one that counts.
    stage.steps.set(line.step, line);
  }
  return [...stages].map(([name, { kind, total, steps }]) => {
    const lines = [...steps.values()].toSorted((a, b) => a.step - b.step);
    const times = lines.map(({ time }) => new Date(time).getTime() / 1000).filter(Number.isFinite);
    const known = lines.flatMap((line) => line.seconds ?? []);
    const tokens = lines.flatMap((line) => line.tokens ?? []);
    const seconds = known.length > 0 ? sum(known) : Math.max(0, (times.at(-1) ?? 0) - (times[0] ?? 0));
    return { name, kind, total, steps: lines, seconds, tokens: tokens.length > 0 ? sum(tokens) : undefined };
  });
}

async function readSamples(path: string, notes: string[]): Promise<Map<string, StageSamples>> {
  const stages = new Map<string, StageSamples>();
  for await (const line of readLines(path, sampleLineSchema, notes)) {
    const { first = [], last = [] } = stages.get(line.stage) ?? {};
    stages.set(line.stage, { first: gathered(first, line, -1), last: gathered(last, line, 1) });
  }
  return stages;
}

/** `list` with `line` where it is of the same step; `line` alone where its step is beyond, in the direction `sign`. */
function gathered(list: readonly SampleLine[], line: SampleLine, sign: 1 | -1): readonly SampleLine[] {
  const beyond = list[0] === undefined ? 1 : sign * (line.step - list[0].step);
  if (beyond !== 0) return beyond > 0 ? [line] : list;
  const known = list.some((other) => other.id === line.id && other.generation === line.generation);
  return known || list.length === SAMPLES_SHOWN ? list : [...list, line];
}
