/** Sampler of a stage that learns from answers: a model of the recipe, or a server in place of it. */
import { z } from 'zod';
import { Owned } from '../base/owned.ts';
import { withoutSecrets } from '../base/secrets.ts';
import { ENGINES, openGguf } from '../sampling/gguf.ts';
import { Local } from '../sampling/local.ts';
import type { Sampler } from '../sampling/sampler.ts';
import { addressFault, keyVariableFault } from '../sampling/served/address.ts';
import { openTeacher } from '../sampling/served/open.ts';
import { lastingTeacher, teacherSchema } from '../sampling/served/options.ts';
import { promptLimit, type Speaking } from '../train/prompts.ts';
import {
  computeOptions,
  lengthOptions,
  type OptionsOf,
  refersTo,
  type StageContext,
  type StageProblem,
} from './stage.ts';

export const engineOption = z
  .enum(ENGINES)
  .exactOptional()
  .describe("engine that runs the models, which are GGUF files then; without it, tinystar's own");

export const teacherOptions = {
  model: refersTo('model').describe(
    'who answers; with a teacher, whose tokenizer and template the prompts are in',
  ),
  teacher: teacherSchema.exactOptional().describe('a server that answers instead of the model'),
};

const usedOptions = { ...teacherOptions, engine: engineOption, ...lengthOptions, ...computeOptions };

/** A teacher, which is freed with its sampler, and the tokenizer and chat template that its prompts are written in. */
export interface Answering extends Speaking, Disposable {
  readonly sampler: Sampler;
  /** Ids that it may give. */
  readonly vocabSize: number;
  readonly maxPromptTokens: number;
  /** Share of the prompts that may stay unanswered. */
  readonly max_failed: number;
}

/** Opens the server, the GGUF file or the model that answers; throws a UserError if it cannot. */
export function openAnswering(context: StageContext, given: OptionsOf<typeof usedOptions>): Answering {
  const { model: reference, teacher, engine, compute_dtype: dtype } = given;
  const of = (
    { tokenizer, template }: Speaking,
    sampler: Sampler,
    maxPromptTokens: number,
    vocabSize = tokenizer.vocabSize,
  ): Answering => ({
    tokenizer,
    template,
    sampler,
    vocabSize,
    maxPromptTokens,
    max_failed: teacher?.max_failed ?? 0,
    [Symbol.dispose]: () => sampler[Symbol.dispose](),
  });
  if (teacher !== undefined) {
    const speaking = context.speaking(reference);
    return of(speaking, openTeacher(teacher, speaking), given.prompt_max_len);
  }
  const held = new Owned();
  return held.opening(() => {
    if (engine === 'llama.cpp') {
      const file = held.add(openGguf(context.checkpoint(reference)));
      const most = promptLimit(context.name, given, { contextLength: file.contextTokens });
      return of(context.speaking(reference), file, most);
    }
    const model = held.add(context.openModel(reference, { trainable: false, dtype }));
    const { config, parameters } = model;
    const most = promptLimit(context.name, given, config);
    const parts = { ...model, weights: parameters, name: reference };
    return of(model, new Local(context.device, parts, [model]), most, config.vocabSize);
  });
}

type AskedOptions = Pick<OptionsOf<typeof teacherOptions>, 'teacher'>;

/** Options of a stage whose answers come from a server, without what may move: its answers stay what they are. */
export const lastingOptions = (given: AskedOptions): unknown =>
  given.teacher === undefined ? given : { ...given, teacher: lastingTeacher(given.teacher) };

/** Settings of a server that is asked; no secret that stands there by mistake is shown. */
export function* teacherProblems({ teacher }: AskedOptions): Iterable<StageProblem> {
  if (teacher === undefined) return;
  const { endpoints, api_key_env: variable } = teacher;
  for (const [i, endpoint] of endpoints.entries()) {
    const why = addressFault(endpoint);
    if (why !== undefined)
      yield [`teacher.endpoints.${i}`, `is ${JSON.stringify(withoutSecrets(endpoint))} and ${why}.`];
  }
  const why = variable === undefined ? undefined : keyVariableFault(variable);
  if (why !== undefined) yield ['teacher.api_key_env', `${why}.`];
}
