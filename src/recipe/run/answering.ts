/** The stages that let models answer: rollouts of a teacher, and evaluation. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readText, writeAtomic } from '../../base/files.ts';
import { accuracyOf, judgeHeldOut, type Judged } from '../../eval/held-out.ts';
import { Generator } from '../../model/generation.ts';
import { Scorer } from '../../model/scoring.ts';
import { rewardNamed } from '../../reward/index.ts';
import type { RunEvent } from '../../train/events.ts';
import { PromptSet } from '../../train/prompts.ts';
import { runRollouts } from '../../train/stages/rollout.ts';
import type { EvalResult, EvalSample } from '../report/formats.ts';
import type { StageOf } from '../stages.ts';
import {
  promptLimit,
  dialoguesOf,
  openModel,
  rolloutFolder,
  type RunContext,
  seedOf,
  stageFolder,
  tokenizerOf,
} from './context.ts';

type Outputs = Record<string, string> | undefined;

/** Lets a model answer training prompts and stores what is kept. */
export async function* runRollout(
  run: RunContext,
  stage: StageOf<'rollout'>,
): AsyncGenerator<RunEvent, Outputs> {
  const { tokenizer, template } = tokenizerOf(run, stage.model);
  const { config, parameters } = openModel(run, stage.model, false);
  const prompts = new PromptSet({
    dialogues: dialoguesOf(run, 'train'),
    tokenizer,
    template,
    reward: rewardNamed('simrl'),
    maxTokens: promptLimit(stage, config),
  });
  const generator = new Generator(run.device, config, parameters);
  const scorer = new Scorer(run.device, config, parameters);
  const folder = rolloutFolder(run, stage.name);
  try {
    yield* runRollouts({
      name: stage.name,
      prompts,
      count: Math.min(stage.prompts ?? prompts.length, prompts.length),
      batch: stage.rollout_batch_size,
      sampling: {
        temperature: stage.temperature,
        topP: stage.top_p,
        topK: stage.top_k,
        maxTokens: stage.generate_max_len,
        samples: stage.n_samples_per_prompt,
      },
      storedTopK: Math.min(stage.kd_topk, config.vocabSize),
      validityFilter: stage.validity_filter,
      rewardThreshold: stage.reward_threshold,
      seed: seedOf(run.recipe, stage),
      generator,
      scorer,
      tokenizer,
      folder,
      signal: run.signal,
      now: run.now,
    });
  } finally {
    generator[Symbol.dispose]();
    scorer[Symbol.dispose]();
    parameters[Symbol.dispose]();
  }
  return run.signal.aborted ? undefined : { rollouts: folder };
}

/** A file name for a label of the table. */
const verdictFile = (run: RunContext, stage: string, index: number): string =>
  join(stageFolder(run, stage), `verdicts-${index}.jsonl`);

function readVerdicts(path: string): Judged[] {
  return readText(path)
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Judged]));
}

/** Judges one model, or reads its verdicts if they are on disk. */
async function* judgeModel(
  run: RunContext,
  stage: StageOf<'eval'>,
  reference: string,
  path: string,
): AsyncGenerator<readonly Judged[], Judged[]> {
  if (existsSync(path)) {
    const known = readVerdicts(path);
    yield known;
    return known;
  }
  const { tokenizer, template } = tokenizerOf(run, reference);
  const { config, parameters } = openModel(run, reference, false);
  const generator = new Generator(run.device, config, parameters);
  const judged: Judged[] = [];
  try {
    const batches = judgeHeldOut({
      dialogues: dialoguesOf(run, 'test').slice(0, stage.limit),
      generator,
      tokenizer,
      template,
      temperature: stage.temperature,
      maxTokens: stage.generate_max_len,
      maxPromptTokens: promptLimit(stage, config),
      batch: stage.rollout_batch_size,
      seed: seedOf(run.recipe, stage),
      signal: run.signal,
    });
    for await (const batch of batches) {
      judged.push(...batch);
      yield batch;
    }
  } finally {
    generator[Symbol.dispose]();
    parameters[Symbol.dispose]();
  }
  writeAtomic(path, judged.map((verdict) => `${JSON.stringify(verdict)}\n`).join(''));
  return judged;
}

/** How many dialogues of each category the report shows. */
const SHOWN = 3;

function samplesOf(labels: readonly string[], judged: readonly (readonly Judged[])[]): EvalSample[] {
  const seen = new Map<string, number>();
  return (judged[0] ?? []).flatMap(({ id, category, request, gold }, i) => {
    const count = seen.get(category) ?? 0;
    seen.set(category, count + 1);
    if (count >= SHOWN) return [];
    const by = <T>(pick: (verdict: Judged) => T): Record<string, T> =>
      Object.fromEntries(
        labels.flatMap((label, m) => {
          const verdict = judged[m]?.[i];
          return verdict === undefined ? [] : [[label, pick(verdict)]];
        }),
      );
    return [
      {
        id,
        category,
        request,
        gold,
        outputs: by(({ output }) => output),
        correct: by(({ correct }) => correct),
      },
    ];
  });
}

/** Evaluates models on the held-out split and writes eval.json. */
export async function* runEvaluation(
  run: RunContext,
  stage: StageOf<'eval'>,
): AsyncGenerator<RunEvent, Outputs> {
  const entries = Object.entries(stage.models);
  const count = Math.min(stage.limit ?? Infinity, dialoguesOf(run, 'test').length);
  const total = entries.length * Math.ceil(count / stage.rollout_batch_size);
  yield { type: 'stage', stage: stage.name, kind: 'eval', total, done: 0 };
  const all: Judged[][] = [];
  let step = 0;
  for (const [index, [, reference]] of entries.entries()) {
    const judged: Judged[] = [];
    let start = run.now();
    for await (const batch of judgeModel(run, stage, reference, verdictFile(run, stage.name, index))) {
      if (run.signal.aborted) return undefined;
      judged.push(...batch);
      step = Math.min(total, step + Math.ceil(batch.length / stage.rollout_batch_size));
      const seconds = (run.now() - start) / 1000;
      start = run.now();
      const tokens = batch.reduce((n, verdict) => n + verdict.tokens, 0);
      const metrics = {
        exact_match: judged.filter(({ correct }) => correct).length / Math.max(1, judged.length),
        tokens_per_second: seconds > 0 ? tokens / seconds : 0,
        memory_mb: process.memoryUsage().rss / 2 ** 20,
      };
      yield { type: 'step', stage: stage.name, step, total, tokens, seconds, metrics };
    }
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
