/** What a schema cannot say of a well-formed recipe: that its numbers fit each other and its files are there. */
import { existsSync, statSync } from 'node:fs';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import { withoutSecrets } from '../base/secrets.ts';
import { addressFault, keyVariableFault } from '../sampling/served/address.ts';
import type { Problem } from './problems.ts';
import type { Recipe } from './schema.ts';
import type { StageOf } from '../stages/schema.ts';
import type { TeacherOptions } from '../stages/teacher-options.ts';

/** Worked solutions are those of an environment, and nothing else in a mixture has one. */
function mixtureProblems(
  { name, mixture }: StageOf<'pretrain'>,
  report: (key: string, text: string) => void,
): void {
  for (const { source, environment } of mixture) {
    if ((source === 'solutions') === (environment !== undefined)) continue;
    const text =
      environment === undefined
        ? `draws from solutions and does not say whose; add environment to that entry.`
        : `gives ${source} the environment ${environment}, and only solutions have one; remove it, or set source to solutions.`;
    report('mixture', `stages.${name}.mixture ${text}`);
  }
}

/** What a stage of MENTOR needs of the trajectories that it is scored against. */
function mentorProblems(
  recipe: Recipe,
  stage: StageOf<'mentor'>,
  report: (key: string, text: string) => void,
): void {
  const teacher = recipe.stages.find((other) => other.name === stage.data);
  if (stage.data === undefined && stage.reward !== 'sparse') {
    report(
      'data',
      `stages.${stage.name}.data is missing, and the reward ${stage.reward} compares with a teacher's trajectories; name a trajectories stage, or set reward to sparse.`,
    );
  }
  if (recipe.environments?.[stage.environment]?.manner === 'agent') {
    report(
      'environment',
      `stages.${stage.name}.environment is ${stage.environment}, whose manner is agent: the tries that failed are not in its chains, so that there is nothing to reinforce; use an environment whose manner is conversation.`,
    );
  }
  if (teacher?.kind === 'trajectories' && teacher.environment !== stage.environment) {
    report(
      'environment',
      `stages.${stage.name}.environment is ${stage.environment}, and the trajectories of ${teacher.name} are of ${teacher.environment}; make them one.`,
    );
  }
}

/** What preferences need of where their pairs come from, and of their loss. */
function dpoProblems(
  recipe: Recipe,
  stage: StageOf<'dpo'>,
  report: (key: string, text: string) => void,
): void {
  if (stage.loss_type === 'ipo' && stage.label_smoothing > 0) {
    report(
      'label_smoothing',
      `stages.${stage.name}.label_smoothing is ${stage.label_smoothing}, and IPO has none; set it to 0 or loss_type to dpo.`,
    );
  }
  const data = recipe.stages.find((other) => other.name === stage.data);
  if (data?.kind === 'trajectories' && (!data.keep_wrong || data.keep < 2)) {
    report(
      'data',
      `stages.${stage.name}.data is ${data.name}, which keeps no right and wrong trajectories of one problem; set its keep_wrong to true and its keep to n_samples_per_prompt (${data.n_samples_per_prompt}).`,
    );
  }
}

/** Settings of a server that is asked; no secret that stands there by mistake is shown. */
function teacherProblems(
  name: string,
  { endpoints, api_key_env: variable }: TeacherOptions,
  report: (key: (string | number)[], text: string) => void,
): void {
  for (const [i, endpoint] of endpoints.entries()) {
    const why = addressFault(endpoint);
    if (why !== undefined)
      report(
        ['endpoints', i],
        `stages.${name}.teacher.endpoints.${i} is ${JSON.stringify(withoutSecrets(endpoint))} and ${why}.`,
      );
  }
  const why = variable === undefined ? undefined : keyVariableFault(variable);
  if (why !== undefined) report(['api_key_env'], `stages.${name}.teacher.api_key_env ${why}.`);
}

/** Numbers of a well-formed recipe that do not fit each other. */
export function consistencyProblems(recipe: Recipe): Problem[] {
  const problems: Problem[] = [];
  const report = (path: (string | number)[], text: string): void => {
    problems.push({ path, part: 'value', text });
  };
  for (const [name, model] of Object.entries(recipe.models)) {
    if (typeof model === 'string' || model.num_attention_heads % model.num_key_value_heads === 0) continue;
    report(
      ['models', name, 'num_attention_heads'],
      `models.${name}.num_attention_heads is ${model.num_attention_heads} and must be a multiple of num_key_value_heads (${model.num_key_value_heads}).`,
    );
  }
  for (const [index, stage] of recipe.stages.entries()) {
    const at = (key: string): (string | number)[] => ['stages', index, key];
    if (stage.kind === 'rollout' && stage.from !== undefined && stage.teacher !== undefined) {
      report(
        at('teacher'),
        `stages.${stage.name} has a teacher and takes over rollouts from ${stage.from}; remove teacher or from.`,
      );
    }
    if (stage.kind === 'rollout' && stage.teacher !== undefined)
      teacherProblems(stage.name, stage.teacher, (key, text) => report([...at('teacher'), ...key], text));
    if (stage.kind === 'distill') {
      const rollout = recipe.stages.find((other) => other.name === stage.data);
      if (rollout?.kind === 'rollout' && rollout.kd_topk < stage.kd_topk) {
        report(
          at('kd_topk'),
          `stages.${stage.name}.kd_topk is ${stage.kd_topk}, and ${rollout.name} stores only kd_topk ${rollout.kd_topk}; lower the one or raise the other.`,
        );
      }
      if (rollout?.kind === 'rollout' && rollout.teacher?.kind === 'openai') {
        report(
          at('data'),
          `stages.${stage.name}.data is ${rollout.name}, whose teacher of kind openai gives no log-probabilities; train on it with a stage of kind sft.`,
        );
      }
    }
    if (
      stage.kind === 'pretrain' &&
      recipe.data.source !== 'assistant' &&
      stage.mixture.some(({ source }) => source === 'assistant')
    ) {
      report(
        at('mixture'),
        `stages.${stage.name}.mixture draws from the assistant, and the recipe's data are files; set data.source to assistant or draw from invented and copying.`,
      );
    }
    if (stage.kind === 'pretrain') mixtureProblems(stage, (key, text) => report(at(key), text));
    if ('models' in stage && Object.keys(stage.models).length === 0) {
      report(at('models'), `stages.${stage.name}.models is empty; name at least one model.`);
    }
    if (stage.kind === 'dpo') dpoProblems(recipe, stage, (key, text) => report(at(key), text));
    if (stage.kind === 'sft' && stage.data === 'train' && stage.reward_threshold !== undefined) {
      report(
        at('reward_threshold'),
        `stages.${stage.name}.reward_threshold is set, and gold answers have no reward; name a rollout stage as data or remove it.`,
      );
    }
    if (stage.kind === 'tool_eval' && stage.teacher !== undefined && !(stage.teacher in stage.models)) {
      report(
        at('teacher'),
        `stages.${stage.name}.teacher is ${stage.teacher}, which is no label of its models; name one of ${Object.keys(stage.models).join(', ')}.`,
      );
    }
    if (stage.kind === 'mentor') mentorProblems(recipe, stage, (key, text) => report(at(key), text));
    if (stage.kind !== 'simrl' && stage.kind !== 'mentor') continue;
    for (const key of ['reward_clip_range', 'dynamic_filtering_range'] as const) {
      const [low, high] = stage[key];
      if (low >= high)
        report(
          at(key),
          `stages.${stage.name}.${key} is [${low}, ${high}] and must rise from the first number to the second.`,
        );
    }
    if (stage.train_batch_size % stage.n_samples_per_prompt !== 0) {
      report(
        at('train_batch_size'),
        `stages.${stage.name}.train_batch_size is ${stage.train_batch_size} and must be a multiple of n_samples_per_prompt (${stage.n_samples_per_prompt}), as a prompt's samples share a step.`,
      );
    }
    const drawn = stage.rollout_batch_size * stage.n_samples_per_prompt;
    if (drawn < stage.train_batch_size) {
      report(
        at('train_batch_size'),
        `stages.${stage.name}.train_batch_size is ${stage.train_batch_size}, more than a rollout batch draws (rollout_batch_size x n_samples_per_prompt = ${drawn}).`,
      );
    }
  }
  return problems;
}

/** Files and folders of a recipe that are not there: found before a run starts, not hours into it. */
export function missingFiles(recipe: Recipe): Problem[] {
  const problems: Problem[] = [];
  const check = (
    path: (string | number)[],
    where: string,
    target: string,
    wants: 'folder' | 'file',
  ): void => {
    const found = existsSync(target) && (wants === 'folder') === statSync(target).isDirectory();
    if (!found)
      problems.push({
        path,
        part: 'value',
        text: `${where} is ${target}, and there is no such ${wants}; check the path.`,
      });
  };
  const kindOf = (checkpoint: string): 'folder' | 'file' => (isGguf(checkpoint) ? 'file' : 'folder');
  for (const [name, model] of Object.entries(recipe.models)) {
    if (typeof model === 'string') check(['models', name], `models.${name}`, model, kindOf(model));
    else if (typeof model.tokenizer === 'string') {
      const where = `models.${name}.tokenizer`;
      check(['models', name, 'tokenizer'], where, model.tokenizer, kindOf(model.tokenizer));
    }
  }
  for (const [name, environment] of Object.entries(recipe.environments ?? {})) {
    if (environment.source === 'module')
      check(['environments', name, 'path'], `environments.${name}.path`, environment.path, 'file');
  }
  for (const [index, stage] of recipe.stages.entries()) {
    if (stage.kind === 'rollout' && stage.from !== undefined)
      check(['stages', index, 'from'], `stages.${stage.name}.from`, stage.from, 'folder');
  }
  const { data } = recipe;
  if (data.source === 'file') check(['data', 'train'], 'data.train', data.train, 'file');
  if (data.source === 'mix') {
    for (const [index, part] of data.parts.entries())
      check(['data', 'parts', index, 'path'], `data.parts.${index}.path`, part.path, 'file');
  }
  if (data.source !== 'assistant') check(['data', 'test'], 'data.test', data.test, 'file');
  return problems;
}
