/** The stage that lets models answer the held-out split. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isAbort, UserError } from '../base/errors.ts';
import { writeAtomic } from '../base/files.ts';
import { accuracyOf, judgeHeldOut, type Judged, readVerdicts } from '../eval/held-out.ts';
import { Generator } from '../model/generate/generation.ts';
import type { RunEvent } from '../train/events.ts';
import { memoryMb } from '../train/loop.ts';
import type { EvalResult } from '../eval/formats.ts';
import type { StageOf } from '../stages/schema.ts';
import {
  promptLimit,
  dialoguesOf,
  openModel,
  type Outputs,
  type RunContext,
  seedOf,
  stageFolder,
} from './context.ts';
import { samplesOf } from './samples.ts';

/** What one model made of one batch of dialogues; a file that exists is whole. */
function verdictFile(run: RunContext, stage: string, step: number): string {
  return join(stageFolder(run, stage), 'verdicts', `step-${String(step).padStart(6, '0')}.json`);
}

/** Judges one model from step `from` of the stage on; what is judged is stored last, so that the log has all that is. */
async function* judgeModel(
  run: RunContext,
  stage: StageOf<'eval'>,
  reference: string,
  { from, first, total, judged }: { from: number; first: number; total: number; judged: Judged[] },
): AsyncGenerator<RunEvent> {
  using model = openModel(run, reference, { trainable: false, dtype: stage.compute_dtype });
  using generator = new Generator(run.device, model.config, model.parameters);
  const batch = stage.rollout_batch_size;
  const batches = judgeHeldOut(
    {
      dialogues: dialoguesOf(run, 'test').slice(0, stage.limit),
      generator,
      tokenizer: model.tokenizer,
      template: model.template,
      temperature: stage.temperature,
      maxTokens: stage.generate_max_len,
      maxPromptTokens: promptLimit(stage, model.config),
      batch,
      seed: seedOf(run.recipe, stage),
      signal: run.signal,
    },
    (from - first) * batch,
  );
  let step = from;
  let start = run.now();
  for await (const verdicts of batches) {
    judged.push(...verdicts);
    const seconds = (run.now() - start) / 1000;
    const tokens = verdicts.reduce((n, verdict) => n + verdict.tokens, 0);
    const metrics = {
      exact_match: judged.filter(({ correct }) => correct).length / judged.length,
      tokens_per_second: seconds > 0 ? tokens / seconds : 0,
      memory_mb: memoryMb(),
    };
    yield { type: 'step', stage: stage.name, step: step + 1, total, tokens, seconds, metrics };
    writeAtomic(verdictFile(run, stage.name, step), JSON.stringify(verdicts));
    step += 1;
    start = run.now();
  }
}

/** Says how many prompts were too long to be asked; throws when all were. */
function* unasked(stage: StageOf<'eval'>, label: string, judged: readonly Judged[]): Iterable<RunEvent> {
  const count = judged.filter(({ tokens }) => tokens === 0).length;
  if (count === 0) return;
  const text = `${count} of ${judged.length} prompts are too long for ${label}`;
  if (count === judged.length) {
    throw new UserError(
      'NO_PROMPTS',
      `Stage ${stage.name}: ${text}; raise prompt_max_len or use a model of more positions.`,
    );
  }
  yield { type: 'warning', stage: stage.name, text: `${text} and count as wrong` };
}

/** Evaluates models on the held-out split and writes eval.json. A step is one batch of dialogues for one model. */
export async function* runEvaluation(
  run: RunContext,
  stage: StageOf<'eval'>,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  const entries = Object.entries(stage.models);
  const dialogues = Math.min(stage.limit ?? Infinity, dialoguesOf(run, 'test').length);
  const steps = Math.ceil(dialogues / stage.rollout_batch_size);
  const total = entries.length * steps;
  let done = 0;
  while (done < total && existsSync(verdictFile(run, stage.name, done))) done += 1;
  yield { type: 'stage', stage: stage.name, kind: 'eval', total, done };
  const all: Judged[][] = [];
  for (const [index, [label, reference]] of entries.entries()) {
    const first = index * steps;
    const from = Math.min(Math.max(done, first), first + steps);
    const judged = Array.from({ length: from - first }, (_, i) =>
      readVerdicts(verdictFile(run, stage.name, first + i)),
    ).flat();
    try {
      if (from < first + steps) yield* judgeModel(run, stage, reference, { from, first, total, judged });
    } catch (thrown) {
      if (!isAbort(thrown, run.signal)) throw thrown;
      return undefined;
    }
    yield* unasked(stage, label, judged);
    all.push(judged);
  }
  const result: EvalResult = {
    models: entries.map(([label, ref], i) => ({ label, ref, ...accuracyOf(all[i] ?? []) })),
    samples: samplesOf(
      entries.map(([label]) => label),
      all,
    ),
  };
  const path = join(stageFolder(run, stage.name), 'eval.json');
  writeAtomic(path, `${JSON.stringify(result, null, 1)}\n`);
  return { evaluation: path };
}
