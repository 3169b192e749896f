/** The shapes of a recipe's models and the lengths of its data, without weights; also of checkpoints that are not there yet. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { required } from '../../../src/base/errors.ts';
import { Lru } from '../../../src/base/lru.ts';
import { ChatTemplate, OWN_TEMPLATE } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { groupByTools } from '../../../src/data/dialogues.ts';
import type { TaskDialogue } from '../../../src/data/reading.ts';
import { renderDialogue, turnOf } from '../../../src/data/render.ts';
import { trainVocabulary } from '../../assistant/src/vocabulary.ts';
import type { ModelConfig } from '../../../src/model/arch/config.ts';
import { publishedConfig } from '../../../src/model/arch/index.ts';
import { loadConfig } from '../../../src/model/checkpoint/checkpoint.ts';
import { keptLayers, prunedConfig } from '../../../src/model/prune.ts';
import type { NewModel, Recipe } from '../../../src/recipe/schema.ts';
import { dialoguesOf, generatorSeed, newConfig } from '../../../src/run/context.ts';
import { GROUP_LIMIT } from '../../../src/stages/lessons.ts';

/** A model as far as an estimate needs it. */
interface ShapedModel {
  readonly config: ModelConfig;
  /** Undefined where the checkpoint is not there: its tokens are then guessed from characters. */
  readonly tokenizer: Tokenizer | undefined;
  readonly template: ChatTemplate;
}

/** Tokens of a dialogue: of its system turn with the tools, of its prompt with that, and of its answer. */
export type Lengths = Readonly<Record<'system' | 'prompt' | 'target', number>>;

/** Dialogues that are looked at. */
const SAMPLE = 192;
/** Of English with JSON, under Qwen3's vocabulary. */
const CHARACTERS_PER_TOKEN = 3.6;

/** Looks up a recipe's models by the names that stages use; each is read once. */
export class ModelShapes {
  readonly #recipe: Recipe;
  readonly #models = new Lru<ShapedModel>(Infinity);
  readonly #vocabularies = new Lru<Tokenizer>(Infinity);
  readonly #lengths = new Lru<Lengths[][]>(Infinity);
  /** Assumptions on models that are not there. */
  readonly notes: string[] = [];

  constructor(recipe: Recipe) {
    this.#recipe = recipe;
  }

  /** A model, or that of a stage; checkpoints that are neither there nor published were refused with the recipe. */
  of(reference: string): ShapedModel {
    return this.#models.get(reference, () => this.#read(reference));
  }

  #read(reference: string): ShapedModel {
    const { models, stages } = this.#recipe;
    const model = models[reference];
    if (model === undefined) {
      const [earlier] = stages.flatMap((one) => (one.name === reference && 'model' in one ? one.model : []));
      return this.of(required(earlier, `the model ${reference}`));
    }
    if (typeof model === 'object' && 'from' in model) {
      const { config, template, tokenizer } = this.of(model.from);
      const { layers = config.layers, prompt_tools: shown } = model;
      const pruned = prunedConfig(config, keptLayers(config.layers, layers));
      return { config: pruned, tokenizer, template: template.withPromptTools(shown) };
    }
    const isText = typeof model === 'string';
    if (isText && !existsSync(model)) {
      const config = required(publishedConfig(model), `the published model ${model}`);
      this.notes.push(
        `${reference}: ${model} is not there; its shape is taken to be that of the published ${basename(model)}, and its tokens are guessed from characters`,
      );
      return { config, tokenizer: undefined, template: OWN_TEMPLATE };
    }
    const source = isText ? model : model.tokenizer;
    const tokenizer = typeof source === 'string' ? Tokenizer.load(source) : this.#vocabulary(source);
    const config = isText ? loadConfig(model) : newConfig(model, tokenizer);
    const template = ChatTemplate.of(tokenizer).fixed(this.#recipe.thinking, this.#recipe.tool_format);
    return { config, tokenizer, template };
  }

  #vocabulary({ vocab_size: size, groups }: Exclude<NewModel['tokenizer'], string>): Tokenizer {
    const seed = generatorSeed(this.#recipe);
    return this.#vocabularies.get(`${size}-${groups}`, () => trainVocabulary({ seed, size, groups }));
  }

  /** Lengths of dialogues spread over a split of the data, by tool sets, as supervised stages have them in a tree. */
  lengths(reference: string, split: 'train' | 'test'): readonly (readonly Lengths[])[] {
    const model = this.of(reference);
    const key = `${split} ${model.tokenizer?.fingerprint() ?? model.template.identity}`;
    return this.#lengths.get(key, () => {
      const dialogues = dialoguesOf(this.#recipe, split);
      const groups = groupByTools(dialogues, GROUP_LIMIT);
      const wanted = Math.max(1, Math.ceil((SAMPLE * groups.length) / Math.max(1, dialogues.length)));
      const step = Math.max(1, Math.floor(groups.length / wanted));
      const measured = groups.filter((_, i) => i % step === 0).slice(0, wanted);
      return measured.map(({ start, count }) =>
        Array.from(dialogues.slice(start, start + count), (dialogue) => lengthsOf(dialogue, model)),
      );
    });
  }
}

// Thoughts that pre-training leaves out are counted, where a template closes them.
function lengthsOf(dialogue: TaskDialogue, { tokenizer, template }: ShapedModel): Lengths {
  if (tokenizer !== undefined) {
    const { systemLength, promptIds, targetIds } = renderDialogue(dialogue, tokenizer, template, false);
    return { system: systemLength, prompt: promptIds.length, target: targetIds.length };
  }
  const { prompt, target } = turnOf(dialogue, template, false);
  const guess = (text: string): number => Math.ceil(text.length / CHARACTERS_PER_TOKEN);
  return { system: guess(JSON.stringify(dialogue.tools)), prompt: guess(prompt), target: guess(target) };
}
