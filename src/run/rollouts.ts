/** The stage of rollouts: answers of a model of the recipe or of a server, or answers that were drawn before. */
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { writeFolderAtomic } from '../base/files.ts';
import type { Dialogue } from '../chat/messages.ts';
import { type Dialogues, groupByTools } from '../data/dialogues.ts';
import { Generator } from '../model/generate/generation.ts';
import { Scorer } from '../model/tree/scoring.ts';
import { rewardNamed } from '../rewards/index.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { LocalTeacher } from '../sampling/local-teacher.ts';
import { headerKey } from '../sampling/served/address.ts';
import { ServedTeacher } from '../sampling/served/served.ts';
import type { SamplingOptions, Teacher } from '../sampling/teacher.ts';
import { STORE_FILE } from '../topk/format.ts';
import { checkVocabulary, TopKFile } from '../topk/reader.ts';
import type { RunEvent } from '../train/events.ts';
import { PromptSet } from '../train/prompts.ts';
import { copyRollouts, findRollouts } from '../train/rollout-store.ts';
import { runRollouts } from '../train/rollouts.ts';
import { epochOrder, groupedOrder } from '../train/supervised.ts';
import type { StageOf } from '../stages/schema.ts';
import type { TeacherOptions } from '../stages/teacher-options.ts';
import { GROUP_LIMIT } from './examples.ts';
import {
  dialoguesOf,
  openModel,
  type Outputs,
  promptLimit,
  rolloutFolder,
  type RunContext,
  seedOf,
  speechOf,
} from './context.ts';

/** A teacher with the tokenizer and chat template that its prompts are written in. */
interface Speaker {
  readonly teacher: Teacher;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly vocabSize: number;
  readonly maxPromptTokens: number;
  /** Share of the prompts that may stay unanswered. */
  readonly failureTolerance: number;
}

function samplingOf(stage: StageOf<'rollout'>): SamplingOptions {
  return {
    temperature: stage.temperature,
    topP: stage.top_p,
    topK: stage.top_k,
    maxTokens: stage.generate_max_len,
    samples: stage.n_samples_per_prompt,
  };
}

/** In which order the prompts are asked. */
function orderOf(
  run: RunContext,
  stage: StageOf<'rollout'>,
  dialogues: Dialogues<Dialogue>,
): (position: number) => number {
  const seed = seedOf(run.recipe, stage);
  if (!stage.by_tools) return epochOrder(dialogues.length, seed);
  const groups = groupByTools(dialogues, GROUP_LIMIT);
  return groupedOrder(
    groups.map(({ count }) => count),
    seed,
  );
}

/** Lets a teacher answer training prompts and stores what is kept. */
async function* draw(
  run: RunContext,
  stage: StageOf<'rollout'>,
  { teacher, tokenizer, template, vocabSize, maxPromptTokens, failureTolerance }: Speaker,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  const dialogues = dialoguesOf(run, 'train');
  const prompts = new PromptSet({
    stage: stage.name,
    dialogues,
    tokenizer,
    template,
    reward: rewardNamed('simrl'),
    maxTokens: maxPromptTokens,
  });
  const folder = rolloutFolder(run, stage.name);
  const complete = yield* runRollouts({
    name: stage.name,
    prompts,
    order: orderOf(run, stage, dialogues),
    count: Math.min(stage.prompts ?? prompts.length, prompts.length),
    batch: stage.rollout_batch_size,
    validityFilter: stage.validity_filter,
    rewardThreshold: stage.reward_threshold,
    failureTolerance,
    teacher,
    tokenizer,
    vocabSize,
    folder,
    signal: run.signal,
    now: run.now,
  });
  return complete ? { rollouts: folder } : undefined;
}

/** The API key that a variable of the environment holds. */
function apiKeyOf({ api_key_env: name }: TeacherOptions): string | undefined {
  if (name === undefined) return undefined;
  const key = headerKey(process.env[name], name);
  if (key !== undefined) return key;
  throw new UserError(
    'API_KEY',
    `The environment variable ${name} with the teacher's API key is not set; set it and run the same command.`,
  );
}

async function* drawServed(
  run: RunContext,
  stage: StageOf<'rollout'>,
  options: TeacherOptions,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  const { tokenizer, template } = speechOf(run, stage.model);
  using teacher = new ServedTeacher({
    kind: options.kind,
    endpoints: options.endpoints,
    served: options.served,
    apiKey: apiKeyOf(options),
    concurrency: options.concurrency,
    requestsPerMinute: options.requests_per_minute,
    timeout: options.timeout * 1000,
    retries: options.retries,
    sampling: samplingOf(stage),
    topK: Math.min(stage.kd_topk, tokenizer.vocabSize),
    tokenizer,
    seed: seedOf(run.recipe, stage),
  });
  return yield* draw(run, stage, {
    teacher,
    tokenizer,
    template,
    vocabSize: tokenizer.vocabSize,
    maxPromptTokens: stage.prompt_max_len,
    failureTolerance: options.max_failed,
  });
}

async function* drawLocal(
  run: RunContext,
  stage: StageOf<'rollout'>,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  using model = openModel(run, stage.model, { trainable: false, dtype: stage.compute_dtype });
  const { config, parameters, tokenizer, template } = model;
  const maxPromptTokens = promptLimit(stage, config);
  using generator = new Generator(run.device, config, parameters);
  using scorer = new Scorer(run.device, config, parameters);
  using teacher = new LocalTeacher({
    name: stage.model,
    generator,
    scorer,
    tokenizer,
    sampling: samplingOf(stage),
    topK: Math.min(stage.kd_topk, config.vocabSize),
    seed: seedOf(run.recipe, stage),
  });
  return yield* draw(run, stage, {
    teacher,
    tokenizer,
    template,
    vocabSize: config.vocabSize,
    maxPromptTokens,
    failureTolerance: 0,
  });
}

/** Takes over rollouts that were drawn before: copied, so that the run has all that it was made of. */
async function* takeOver(
  run: RunContext,
  stage: StageOf<'rollout'>,
  from: string,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  yield { type: 'stage', stage: stage.name, kind: 'rollout', total: 1, done: 0 };
  const source = findRollouts(from);
  const { path, header } = new TopKFile(join(source, STORE_FILE));
  checkVocabulary(path, header, speechOf(run, stage.model).tokenizer.fingerprint());
  if (header.topK > 0 && header.topK < stage.kd_topk) {
    throw new UserError(
      'TOP_K',
      `Stage ${stage.name}: kd_topk is ${stage.kd_topk}, and ${path} holds ${header.topK} log-probabilities a token; set kd_topk to ${header.topK} or less.`,
    );
  }
  const folder = rolloutFolder(run, stage.name);
  writeFolderAtomic(folder, (temporary) => copyRollouts(source, temporary));
  return { rollouts: folder };
}

/** Draws and stores the answers of a rollout stage; returns where they are, nothing if it was stopped. */
export function runRollout(
  run: RunContext,
  stage: StageOf<'rollout'>,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  if (stage.from !== undefined) return takeOver(run, stage, stage.from);
  return stage.teacher === undefined ? drawLocal(run, stage) : drawServed(run, stage, stage.teacher);
}
