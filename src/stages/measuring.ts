/**
 * Stages that measure several models: batch by batch verdicts, each stored when it is there, so that
 * a stage that was stopped goes on with the next one. A step is one batch for one model.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { required, UserError } from '../base/errors.ts';
import { writeAtomic } from '../base/files.ts';
import { readJson } from '../base/json-file.ts';
import { hashString } from '../base/rng.ts';
import type { Series } from '../data/dialogues.ts';
import type { EvalResult, EvalSample } from '../eval/formats.ts';
import type { Judged, Measured } from '../eval/held-out.ts';
import type { Engine } from '../sampling/gguf.ts';
import { type Metrics, type RunEvent, stepEvent } from '../train/events.ts';
import {
  computeOptions,
  lengthOptions,
  type OptionsOf,
  type Outputs,
  refersTo,
  type StageContext,
  type StageProblem,
} from './stage.ts';
import { openAnswering } from './teacher.ts';

export const modelsOption = z
  .record(z.string().min(1), refersTo('model'))
  .describe('label in the table: model or stage');

export const measuringOptions = {
  models: modelsOption,
  temperature: z.number().min(0).default(0).describe('0 is greedy'),
  ...lengthOptions,
  ...computeOptions,
};

/** A stage without a model has nothing to measure. */
export function* noModels(models: Readonly<Record<string, string>>): Iterable<StageProblem> {
  if (Object.keys(models).length === 0) yield ['models', 'is empty; name at least one model.'];
}

type Verdict = Omit<Judged, 'error'>;

export interface Measurement<V extends Verdict, T> {
  readonly options: OptionsOf<typeof measuringOptions> & {
    readonly engine?: Engine;
    readonly rollout_batch_size: number;
  };
  readonly tasks: Series<T>;
  readonly what: 'prompts' | 'problems';
  readonly verdict: z.ZodType<V>;
  judge(tasks: readonly T[], model: Measured): Promise<readonly V[]>;
  /** Tells whether the prompt was too long to be asked. */
  readonly isUnasked: (verdict: V) => boolean;
  metrics(judged: readonly V[]): Metrics;
  /** A model's row in eval.json, from its verdicts and those of all models in their order. */
  row(
    judged: readonly V[],
    all: readonly (readonly V[])[],
  ): Omit<EvalResult['models'][number], 'label' | 'ref'>;
  readonly category?: (verdict: V) => string;
}

/** File of one model's verdicts on one batch; a file that exists is whole. */
const verdictFile = (folder: string, step: number): string =>
  join(folder, 'verdicts', `step-${String(step).padStart(6, '0')}.json`);

/** Verdicts that a stage stored; throws a UserError for a damaged file. */
export const readVerdicts = <V>(path: string, verdict: z.ZodType<V>): V[] =>
  readJson(path, z.array(verdict), 'remove it to have that part judged again');

const SHOWN = 3;

/** The answers of all models to some tasks of each category, for the report. */
function samplesOf<V extends Verdict>(
  labels: readonly string[],
  judged: readonly (readonly V[])[],
  categoryOf: (verdict: V) => string,
): EvalSample[] {
  const seen = new Map<string, number>();
  return (judged[0] ?? []).flatMap((first, i) => {
    const { id, request, gold } = first;
    const category = categoryOf(first);
    const number = seen.get(category) ?? 0;
    seen.set(category, number + 1);
    if (number >= SHOWN) return [];
    const each = <T>(value: (verdict: V) => T): Record<string, T> =>
      Object.fromEntries(labels.map((label, m) => [label, value(required(judged[m]?.[i], 'a verdict'))]));
    const outputs = each(({ output }) => output);
    return [{ id, category, request, gold, outputs, correct: each(({ correct }) => correct) }];
  });
}

/** Measures a stage's models and writes eval.json. */
export async function* measure<V extends Verdict, T>(
  context: StageContext,
  measurement: Measurement<V, T>,
): AsyncGenerator<RunEvent, Outputs> {
  const { name: stage, kind, folder, now, signal, seed } = context;
  const { verdict, options, tasks } = measurement;
  const { compute_dtype, prompt_max_len, generate_max_len, temperature, engine } = options;
  const batch = options.rollout_batch_size;
  const entries = Object.entries(options.models);
  const steps = Math.ceil(tasks.length / batch);
  const total = entries.length * steps;
  let done = 0;
  while (done < total && existsSync(verdictFile(folder, done))) done += 1;
  yield { type: 'stage', stage, kind, total, done };
  const all: V[][] = [];
  for (const [index, [label, reference]] of entries.entries()) {
    const first = index * steps;
    let step = Math.min(Math.max(done, first), first + steps);
    const judged = Array.from({ length: step - first }, (_, i) =>
      readVerdicts(verdictFile(folder, first + i), verdict),
    ).flat();
    using answering =
      step === first + steps
        ? undefined
        : openAnswering(context, {
            model: reference,
            compute_dtype,
            prompt_max_len,
            generate_max_len,
            ...(engine === undefined ? {} : { engine }),
          });
    for (; answering !== undefined && step < first + steps; step++) {
      signal.throwIfAborted();
      const began = now();
      const start = (step - first) * batch;
      const sampling = { temperature, generate_max_len, seed: hashString(`${seed}:${start}`), batch, signal };
      const asked = Array.from(tasks.slice(start, start + batch));
      const verdicts = await measurement.judge(asked, { ...answering, sampling });
      judged.push(...verdicts);
      yield stepEvent({
        stage,
        step: step + 1,
        total,
        tokens: verdicts.reduce((n, one) => n + one.tokens, 0),
        seconds: (now() - began) / 1000,
        metrics: measurement.metrics(judged),
      });
      // Stored last, so that the log has all that is.
      writeAtomic(verdictFile(folder, step), JSON.stringify(verdicts));
    }
    const unasked = judged.filter(measurement.isUnasked).length;
    const text = `${unasked} of ${judged.length} ${measurement.what} are too long for ${label}`;
    if (unasked > 0 && unasked === judged.length)
      throw new UserError(
        'NO_PROMPTS',
        `Stage ${stage}: ${text}; raise prompt_max_len or use a model of more positions.`,
      );
    if (unasked > 0) yield { type: 'warning', stage, text: `${text} and count as wrong` };
    all.push(judged);
  }
  const result: EvalResult = {
    models: entries.map(([label, ref], i) => ({ label, ref, ...measurement.row(all[i] ?? [], all) })),
    samples: samplesOf(
      Object.keys(options.models),
      all,
      measurement.category ?? (({ category }) => category),
    ),
  };
  const path = join(folder, 'eval.json');
  writeAtomic(path, `${JSON.stringify(result, null, 1)}\n`);
  return { evaluation: path };
}
