/** The stages in which models call functions and nothing is trained: a teacher's trajectories, and evaluation. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isAbort, UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import type { EnvironmentHost } from '../environment/environment.ts';
import {
  judgeToolUse,
  type SplitProblem,
  toolCounts,
  toolDivergence,
  type ToolVerdict,
  toolVerdictsSchema,
} from '../eval/tool-use.ts';
import { Generator } from '../model/generate/generation.ts';
import type { Metrics, RunEvent } from '../train/events.ts';
import { memoryMb } from '../train/loop.ts';
import { runTrajectories } from '../train/trajectories.ts';
import { ToolProblems } from '../train/tool-problems.ts';
import { accuracyOf } from '../eval/held-out.ts';
import type { EvalResult } from '../eval/formats.ts';
import type { StageOf } from '../stages/schema.ts';
import {
  openModel,
  type Outputs,
  promptLimit,
  type RunContext,
  seedOf,
  stageFolder,
  trajectoryFolder,
} from './context.ts';
import { mannerOf, openHost, problemsOf, speechOf } from './environments.ts';
import { samplingOf } from './reinforcement.ts';
import { samplesOf } from './samples.ts';

/** Lets a teacher solve training problems and stores what is kept. */
export async function* runTrajectoryStage(
  run: RunContext,
  stage: StageOf<'trajectories'>,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  using model = openModel(run, stage.model, { trainable: false, dtype: stage.compute_dtype });
  using host = await openHost(run, stage.environment);
  const speech = speechOf(model);
  const manner = mannerOf(run, stage.environment);
  const all = await problemsOf(run, host, stage.environment, 'train');
  const problems = new ToolProblems({
    stage: stage.name,
    problems: all.slice(0, stage.problems),
    prompt: (question) => manner.prompt(speech, question, host),
    maxTokens: promptLimit(stage, model.config),
  });
  using generator = new Generator(run.device, model.config, model.parameters);
  const folder = trajectoryFolder(run, stage.name);
  const complete = yield* runTrajectories({
    name: stage.name,
    problems,
    host,
    manner,
    speech,
    generator,
    sampling: samplingOf(stage),
    maxTurns: stage.max_turns,
    batch: stage.rollout_batch_size,
    keep: stage.keep,
    keepWrong: stage.keep_wrong,
    seed: seedOf(run.recipe, stage),
    folder,
    signal: run.signal,
    now: run.now,
  });
  return complete ? { trajectories: folder } : undefined;
}

/** What one model made of one batch of problems; a file that exists is whole. */
function verdictFile(run: RunContext, stage: string, step: number): string {
  return join(stageFolder(run, stage), 'verdicts', `step-${String(step).padStart(6, '0')}.json`);
}

function readVerdicts(path: string): ToolVerdict[] {
  try {
    return toolVerdictsSchema.parse(JSON.parse(readText(path)));
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError('RUN_FILE', `${path} is damaged; remove it to have that part judged again.`);
  }
}

const shareOf = (verdicts: readonly ToolVerdict[]): number =>
  verdicts.filter(({ correct }) => correct).length / verdicts.length;

/** Accuracy by split, as far as problems of it were judged. */
function splitMetrics(judged: readonly ToolVerdict[]): Metrics {
  const [test, transfer] = (['test', 'transfer'] as const).map((split) =>
    judged.filter((verdict) => verdict.split === split),
  );
  return {
    ...(test === undefined || test.length === 0 ? {} : { accuracy: shareOf(test) }),
    ...(transfer === undefined || transfer.length === 0 ? {} : { transfer_accuracy: shareOf(transfer) }),
  };
}

/** Everything that the models of a stage are judged with. */
interface Bench {
  readonly host: EnvironmentHost;
  readonly problems: readonly SplitProblem[];
  /** Steps a model. */
  readonly steps: number;
  readonly total: number;
}

/** Judges one model from step `from` of the stage on; what is judged is stored last, so that the log has all that is. */
async function* judgeModel(
  run: RunContext,
  stage: StageOf<'tool_eval'>,
  reference: string,
  { host, problems, steps, total }: Bench,
  { first, judged }: { readonly first: number; readonly judged: ToolVerdict[] },
): AsyncGenerator<RunEvent> {
  using model = openModel(run, reference, { trainable: false, dtype: stage.compute_dtype });
  using generator = new Generator(run.device, model.config, model.parameters);
  const batch = stage.rollout_batch_size;
  const done = Math.min(steps, Math.ceil(judged.length / batch));
  const batches = judgeToolUse(
    {
      problems,
      generator,
      speech: speechOf(model),
      host,
      manner: mannerOf(run, stage.environment),
      temperature: stage.temperature,
      maxTokens: stage.generate_max_len,
      maxPromptTokens: promptLimit(stage, model.config),
      maxTurns: stage.max_turns,
      batch,
      seed: seedOf(run.recipe, stage),
      signal: run.signal,
    },
    done * batch,
  );
  let step = first + done;
  let start = run.now();
  for await (const verdicts of batches) {
    judged.push(...verdicts);
    const seconds = (run.now() - start) / 1000;
    const tokens = verdicts.reduce((n, verdict) => n + verdict.tokens, 0);
    const metrics: Metrics = {
      ...splitMetrics(judged),
      calls: judged.reduce((n, { tools, invented }) => n + tools.length + invented, 0) / judged.length,
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
function* unasked(
  stage: StageOf<'tool_eval'>,
  label: string,
  judged: readonly ToolVerdict[],
): Iterable<RunEvent> {
  const count = judged.filter(({ error }) => error === 'too_long').length;
  if (count === 0) return;
  const text = `${count} of ${judged.length} problems are too long for ${label}`;
  if (count === judged.length) {
    throw new UserError(
      'NO_PROMPTS',
      `Stage ${stage.name}: ${text}; raise prompt_max_len or use a model of more positions.`,
    );
  }
  yield { type: 'warning', stage: stage.name, text: `${text} and count as wrong` };
}

/** Results in the form of every evaluation: the split's accuracy in the domain, with transfer and tools beside it. */
function resultOf(stage: StageOf<'tool_eval'>, all: readonly (readonly ToolVerdict[])[]): EvalResult {
  const labels = Object.keys(stage.models);
  const teacher = stage.teacher === undefined ? undefined : all[labels.indexOf(stage.teacher)];
  const reference = teacher === undefined ? undefined : toolCounts(teacher);
  const named = all.map((judged) =>
    judged.map((verdict) => ({ ...verdict, category: `${verdict.split} ${verdict.category}` })),
  );
  return {
    models: Object.entries(stage.models).map(([label, ref], i) => {
      const judged = named[i] ?? [];
      const [test, transfer] = (['test', 'transfer'] as const).map((split) =>
        accuracyOf(judged.filter((verdict) => verdict.split === split)),
      );
      const tools = toolCounts(judged);
      return {
        label,
        ref,
        ...accuracyOf(judged),
        total: test?.total ?? 0,
        correct: test?.correct ?? 0,
        errors: test?.errors ?? {},
        transfer: { total: transfer?.total ?? 0, correct: transfer?.correct ?? 0 },
        tools,
        toolDivergence: (reference === undefined ? undefined : toolDivergence(tools, reference)) ?? null,
      };
    }),
    samples: samplesOf(labels, named),
  };
}

/** Evaluates models on an environment's test and transfer problems and writes eval.json. */
export async function* runToolEvaluation(
  run: RunContext,
  stage: StageOf<'tool_eval'>,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  using host = await openHost(run, stage.environment);
  const problems: SplitProblem[] = [];
  for (const split of ['test', 'transfer'] as const)
    for (const problem of (await problemsOf(run, host, stage.environment, split)).slice(0, stage.limit))
      problems.push({ ...problem, split });
  const entries = Object.entries(stage.models);
  const steps = Math.ceil(problems.length / stage.rollout_batch_size);
  const bench: Bench = { host, problems, steps, total: entries.length * steps };
  let done = 0;
  while (done < bench.total && existsSync(verdictFile(run, stage.name, done))) done += 1;
  yield { type: 'stage', stage: stage.name, kind: 'tool_eval', total: bench.total, done };
  const all: ToolVerdict[][] = [];
  for (const [index, [label, reference]] of entries.entries()) {
    const first = index * steps;
    const known = Math.min(Math.max(done - first, 0), steps);
    const judged = Array.from({ length: known }, (_, i) =>
      readVerdicts(verdictFile(run, stage.name, first + i)),
    ).flat();
    try {
      if (known < steps) yield* judgeModel(run, stage, reference, bench, { first, judged });
    } catch (thrown) {
      if (!isAbort(thrown, run.signal)) throw thrown;
      return undefined;
    }
    yield* unasked(stage, label, judged);
    all.push(judged);
  }
  const path = join(stageFolder(run, stage.name), 'eval.json');
  writeAtomic(path, `${JSON.stringify(resultOf(stage, all), null, 1)}\n`);
  return { evaluation: path };
}
