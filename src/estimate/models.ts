/** The shapes and tokenizers of a recipe's models, without their weights; also of checkpoints that are not there yet. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { required, UserError } from '../base/errors.ts';
import { ChatTemplate, OWN_TEMPLATE } from '../chat/template.ts';
import { Tokenizer } from '../chat/tokenizer.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { loadConfig } from '../model/checkpoint/checkpoint.ts';
import type { ModelConfig } from '../model/arch/config.ts';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import { publishedConfig } from '../model/arch/index.ts';
import { newConfig } from '../run/context.ts';
import type { Recipe } from '../recipe/schema.ts';

/** A model of more weights is measured in part, and may be too much for a machine. */
export const LARGE = 5e7;

/** A model as far as an estimate needs it. */
export interface ShapedModel {
  readonly config: ModelConfig;
  /** Undefined where the checkpoint is not there: its tokens are then guessed from characters. */
  readonly tokenizer: Tokenizer | undefined;
  readonly template: ChatTemplate;
}

/** Looks up a recipe's models by the names that stages use; each is read once. */
export class ModelShapes {
  readonly #recipe: Recipe;
  readonly #known = new Map<string, ShapedModel>();
  readonly #vocabularies = new Map<string, Tokenizer>();
  /** Assumptions on models that are not there. */
  readonly notes: string[] = [];

  constructor(recipe: Recipe) {
    this.#recipe = recipe;
  }

  /** Throws a UserError for a checkpoint that is neither there nor a published model. */
  of(reference: string): ShapedModel {
    const known = this.#known.get(reference);
    if (known !== undefined) return known;
    const made = this.#make(reference);
    this.#known.set(reference, made);
    return made;
  }

  #make(reference: string): ShapedModel {
    const model = this.#recipe.models[reference];
    if (model === undefined) {
      const stage = this.#recipe.stages.find(({ name }) => name === reference);
      if (stage === undefined || !('model' in stage))
        throw new UserError('RECIPE', `There is no model or stage ${reference} in the recipe.`);
      return this.of(stage.model);
    }
    if (typeof model === 'string') return this.#checkpoint(reference, model);
    const tokenizer =
      typeof model.tokenizer === 'string'
        ? Tokenizer.load(model.tokenizer)
        : this.#vocabulary(model.tokenizer.vocab_size, model.tokenizer.groups);
    return {
      config: newConfig(model, tokenizer),
      tokenizer,
      template: ChatTemplate.of(tokenizer).fixed(this.#recipe.thinking),
    };
  }

  #checkpoint(reference: string, source: string): ShapedModel {
    if (existsSync(source)) {
      const config = loadConfig(source);
      const tokenizer = Tokenizer.load(source);
      return { config, tokenizer, template: ChatTemplate.of(tokenizer).fixed(this.#recipe.thinking) };
    }
    const config = publishedConfig(source);
    if (config === undefined)
      throw new UserError(
        'CHECKPOINT',
        `There is no ${isGguf(source) ? 'file' : 'folder'} ${source} for the model ${reference}; check the path.`,
      );
    this.notes.push(
      `${reference}: ${source} is not there; its shape is taken to be that of the published ${basename(source)}, and its tokens are guessed from characters`,
    );
    return { config, tokenizer: undefined, template: OWN_TEMPLATE };
  }

  #vocabulary(size: number, groups: number): Tokenizer {
    const key = `${size}-${groups}`;
    const { data, seed } = this.#recipe;
    if (!this.#vocabularies.has(key))
      this.#vocabularies.set(
        key,
        trainVocabulary({ seed: data.source === 'file' ? seed : data.seed, size, groups }),
      );
    return required(this.#vocabularies.get(key), key);
  }
}
