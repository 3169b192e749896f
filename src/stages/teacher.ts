/** Sampler of a stage that learns from answers: a model of the recipe, or a server in place of it. */
import { z } from 'zod';
import { withoutSecrets } from '../base/secrets.ts';
import { ENGINES, openGguf } from '../sampling/gguf.ts';
import { Local } from '../sampling/local.ts';
import type { Sampler } from '../sampling/sampler.ts';
import { addressFault, keyVariableFault } from '../sampling/served/address.ts';
import { openTeacher } from '../sampling/served/open.ts';
import { type TeacherOptions, teacherSchema } from '../sampling/served/options.ts';
import { promptLimit } from '../train/prompts.ts';
import {
  computeOptions,
  lengthOptions,
  type OptionsOf,
  refersTo,
  type Speaking,
  type StageContext,
  type StageProblem,
} from './stage.ts';

/** Option of who runs a GGUF file. */
export const engineOption = z
  .enum(ENGINES)
  .exactOptional()
  .describe("engine that runs the models, which are GGUF files then; without it, tinystar's own");

/** Options of a stage whose answers come from a model or a server. */
export const teacherOptions = {
  model: refersTo('model').describe(
    'who answers; with a teacher, whose tokenizer and template the prompts are in',
  ),
  teacher: teacherSchema.exactOptional().describe('a server that answers instead of the model'),
};

/** Those that it goes by. */
const usedOptions = { ...teacherOptions, engine: engineOption, ...lengthOptions, ...computeOptions };

/** A teacher with the tokenizer and chat template that its prompts are written in. */
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
  if (given.teacher !== undefined) {
    const speaking = context.speaking(given.model);
    const sampler = openTeacher(given.teacher, speaking);
    return {
      ...speaking,
      sampler,
      vocabSize: speaking.tokenizer.vocabSize,
      maxPromptTokens: given.prompt_max_len,
      max_failed: given.teacher.max_failed,
      [Symbol.dispose]: () => sampler[Symbol.dispose](),
    };
  }
  if (given.engine === 'llama.cpp') {
    const sampler = openGguf(context.checkpoint(given.model));
    const speaking = context.speaking(given.model);
    return {
      ...speaking,
      sampler,
      vocabSize: speaking.tokenizer.vocabSize,
      maxPromptTokens: promptLimit(context.name, given, { contextLength: sampler.contextTokens }),
      max_failed: 0,
      [Symbol.dispose]: () => sampler[Symbol.dispose](),
    };
  }
  const model = context.openModel(given.model, { trainable: false, dtype: given.compute_dtype });
  try {
    const { config, tokenizer, template } = model;
    const maxPromptTokens = promptLimit(context.name, given, config);
    const sampler = new Local(context.device, { ...model, weights: model.parameters, name: given.model }, [
      model,
    ]);
    const { vocabSize } = config;
    return {
      tokenizer,
      template,
      sampler,
      vocabSize,
      maxPromptTokens,
      max_failed: 0,
      [Symbol.dispose]: () => sampler[Symbol.dispose](),
    };
  } catch (thrown) {
    model[Symbol.dispose]();
    throw thrown;
  }
}

/** Settings of a server that is asked; no secret that stands there by mistake is shown. */
export function* teacherProblems({
  endpoints,
  api_key_env: variable,
}: TeacherOptions): Iterable<StageProblem> {
  for (const [i, endpoint] of endpoints.entries()) {
    const why = addressFault(endpoint);
    if (why !== undefined)
      yield {
        path: ['teacher', 'endpoints', i],
        text: `.teacher.endpoints.${i} is ${JSON.stringify(withoutSecrets(endpoint))} and ${why}.`,
      };
  }
  const why = variable === undefined ? undefined : keyVariableFault(variable);
  if (why !== undefined) yield { path: ['teacher', 'api_key_env'], text: `.teacher.api_key_env ${why}.` };
}
