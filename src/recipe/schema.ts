/** The recipe language, version 1: what a recipe may say. `load.ts` reads one, `src/stages` has the stages. */
import { z } from 'zod';
import { FORMAT_NAMES } from '../chat/formats/index.ts';
import { PROMPT_TOOLS, THINKING } from '../chat/template.ts';
import { limitOptions } from '../../packages/environments/src/environment.ts';
import { stageSchema } from '../stages/index.ts';
import { count, nameSchema, pathTo, refersTo, seedOption as seed } from '../stages/stage.ts';

const assistantDataSchema = z.strictObject({
  source: z.literal('assistant').describe("the project's own seeded generator of an on-device assistant"),
  seed: seed.default(7),
  train: count.default(20480).describe('training dialogues'),
  test: count.default(864).describe('held-out dialogues'),
});

const fileDataSchema = z.strictObject({
  source: z.literal('file'),
  train: pathTo('file').describe('JSONL of training dialogues, relative to the recipe'),
  test: pathTo('file').describe('JSONL of held-out dialogues, relative to the recipe'),
  tools: pathTo('file')
    .exactOptional()
    .describe('JSON list of the tools of all dialogues that name none, relative to the recipe'),
});

const mixDataSchema = z.strictObject({
  source: z.literal('mix').describe('files of dialogues, mixed by weight'),
  seed: seed.default(7),
  parts: z
    .array(
      z.strictObject({
        path: pathTo('file').describe('JSONL, relative to the recipe'),
        weight: z.number().positive(),
      }),
    )
    .min(1),
  train: count.describe('training dialogues to take, as many of each part as its weight says'),
  test: pathTo('file').describe('JSONL of held-out dialogues, relative to the recipe'),
});

const dataSchema = z.discriminatedUnion('source', [assistantDataSchema, fileDataSchema, mixDataSchema]);

/** A model with random weights: the names of a Hugging Face `config.json`, and whose tokenizer it speaks. */
const newModelSchema = z
  .strictObject({
    hidden_size: count,
    intermediate_size: count,
    num_hidden_layers: count,
    num_attention_heads: count,
    num_key_value_heads: count,
    head_dim: count.multipleOf(2),
    rope_theta: z.number().positive().default(1e6),
    rms_norm_eps: z.number().positive().default(1e-6),
    max_position_embeddings: count.default(40960),
    tie_word_embeddings: z.boolean().default(true),
    initializer_range: z.number().positive().default(0.02),
    tokenizer: z
      .union([pathTo('checkpoint'), z.strictObject({ vocab_size: count.min(300), groups: count })])
      .describe(
        'folder or GGUF file with a tokenizer, relative to the recipe; or the vocabulary to be trained on generated dialogues',
      ),
  })
  .refine((model) => model.num_attention_heads % model.num_key_value_heads === 0, {
    path: ['num_attention_heads'],
    error: 'a multiple of num_key_value_heads',
  });

/** A model made of another one, with its tokenizer: some of its layers, prompts that show less of the functions, or both. */
const derivedModelSchema = z.strictObject({
  from: refersTo('model').describe('model that it is made of'),
  layers: z
    .union([count, z.array(z.int().min(0)).min(1)])
    .exactOptional()
    .describe(
      'number of layers, evenly spaced with the first and the last among them; or which ones, from 0 on; without it, all of them',
    ),
  prompt_tools: z
    .enum(PROMPT_TOOLS)
    .exactOptional()
    .describe(
      "what its prompts show of the functions, fixed in the chat template of what it is trained to: their whole schemas, their names, or none of them; without it, what the checkpoint's do",
    ),
});

const splitOptions = {
  seed: seed.default(7),
  train: count.default(2000).describe('problems to learn from'),
  test: count.default(200).describe('unseen problems of the same domain'),
  transfer: count.default(200).describe('problems of another domain'),
  rollout_mode: z
    .enum(['conversation', 'agent'])
    .default('conversation')
    .describe('answer in a conversation, or walk step by step: one call a step, then stop'),
  max_tries: count.default(10).describe('agent: how often a step that fails may be written'),
};

const shipped = <const Name extends string>(name: Name, words: string) =>
  z.strictObject({ source: z.literal(name).describe(words), ...splitOptions });

/** Environments in which models call functions: one that comes along, or a module of the user's. */
const environmentSchema = z.discriminatedUnion('source', [
  shipped('arithmetic', 'word problems with twelve arithmetic functions'),
  shipped('logic', 'puzzles of first-order logic, solved by steps that are checked'),
  z.strictObject({
    source: z.literal('module').describe('a module whose default export is an environment'),
    path: pathTo('file').describe('file of the module, relative to the recipe'),
    trusted: z.boolean().default(false).describe('run it in this process, not in a worker with limits'),
    ...limitOptions,
    ...splitOptions,
  }),
]);

export const recipeSchema = z.strictObject({
  name: nameSchema.describe("the run folder's name"),
  seed: seed.default(1),
  threads: count.exactOptional().describe('processor threads; without it, the physical cores'),
  device: z.string().min(1).default('cpu').describe('cpu, gpu, or the name of a device'),
  data: dataSchema.prefault({ source: 'assistant' }),
  thinking: z
    .enum(THINKING)
    .exactOptional()
    .describe(
      "thoughts of all prompts on or off (enable_thinking), fixed in the students' chat template as well; without it, as each chat template has them by default",
    ),
  tool_format: z
    .enum(FORMAT_NAMES)
    .exactOptional()
    .describe(
      'form of calls, for checkpoints whose chat template writes them in none that is known; any other template decides itself',
    ),
  models: z
    .record(nameSchema, z.union([pathTo('checkpoint'), derivedModelSchema, newModelSchema]))
    .describe(
      'checkpoint folders or GGUF files, relative to the recipe; what is made of another of these models; or the shape of a new one',
    ),
  environments: z
    .record(nameSchema, environmentSchema)
    .exactOptional()
    .describe('where models call functions, by the names that stages use'),
  stages: z.array(stageSchema).min(1),
  export: z
    .strictObject({ model: refersTo('model'), gguf: nameSchema.describe('file name inside the run folder') })
    .exactOptional(),
  compare: z
    .array(pathTo('any'))
    .exactOptional()
    .describe('run folders, relative to the recipe, whose results stand in the report too'),
});

export type Recipe = z.output<typeof recipeSchema>;
export type NewModel = z.output<typeof newModelSchema>;
export type DerivedModel = z.output<typeof derivedModelSchema>;
