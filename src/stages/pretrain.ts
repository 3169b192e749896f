/**
 * Pre-training on generated dialogues. A prompt tree here is a tool set with several requests: the tools are the
 * shared prompt, each completion is one user's turn with its answer, and the answer's tokens count.
 */
import { z } from 'zod';
import { Rng } from '../base/rng.ts';
import { asTokenIds } from '../base/token-ids.ts';
import { closesThought } from '../chat/generation.ts';
import type { Dialogue } from '../chat/messages.ts';
import * as assistant from '../../packages/assistant/src/index.ts';
import { repetition } from '../data/copying.ts';
import { crossEntropy } from '../losses/all.ts';
import { groupExample } from '../train/shared-prefix.ts';
import { rowsFrom, type TrainCompletion, type TrainExample } from '../train/examples.ts';
import type { Speaking } from '../train/prompts.ts';
import { type ExampleSource, supervisedStage } from '../train/supervised.ts';
import { GROUP_LIMIT, learnable, pending, solutionGroups } from './lessons.ts';
import { count, type OpenModel, type OptionsOf, pathTo, refersTo, type StageContext } from './stage.ts';
import { defineTraining, trainingOptions } from './training.ts';

const mixtureEntry = z.strictObject({
  source: z.enum([
    'assistant',
    'masked',
    'renamed',
    'invented',
    'definitions',
    'copying',
    'solutions',
    'people',
    'groups',
  ]),
  environment: refersTo('environment')
    .exactOptional()
    .describe('whose worked solutions, where they are the source'),
  path: pathTo('folder')
    .exactOptional()
    .describe("folder of sets of people's requests, where they are the source, relative to the recipe"),
  file: pathTo('file')
    .exactOptional()
    .describe('file of groups of requests, where they are the source, relative to the recipe'),
  weight: z.number().positive(),
  dialogues: count
    .exactOptional()
    .describe("how many dialogues the assistant's training split has here, in place of data.train"),
});
type MixtureEntry = z.output<typeof mixtureEntry>;

const options = {
  ...trainingOptions,
  mixture: z.array(mixtureEntry).min(1),
  steps: count,
  first_group: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'where the endless sequences of generated groups begin, so that a later stage reads what an earlier one has not',
    ),
  lr: trainingOptions.lr.default(3e-4),
};
type Options = OptionsOf<typeof options>;

/** Repetitions in one tree whose prompt is a single token: short, so that a step has many of them. */
const REPETITIONS = 16;

function copyingExample(rng: Rng, { tokenizer, template }: Speaking): TrainExample {
  const excluded = new Set(tokenizer.specialIds());
  const completions = Array.from({ length: REPETITIONS }, (): TrainCompletion => {
    const { tokens, from } = repetition(rng, tokenizer.vocabSize, excluded);
    return { tokens, rows: rowsFrom(tokens, from), inputs: {} };
  });
  return { prompt: asTokenIds([tokenizer.idOf(template.format.turn.open)]), completions };
}

/** A group of the assistant's dialogues with one tool set: of its training split, which comes again, or of an endless sequence. */
function dialogues(
  source: Exclude<MixtureEntry['source'], 'copying' | 'solutions' | 'people' | 'groups'>,
  { seed, train = 1 }: StageContext['generated'],
  rng: Rng,
  position: number,
  own = train,
): readonly Dialogue[] {
  if (source === 'definitions') return assistant.definitionsGroup(seed, position);
  if (source === 'invented') return assistant.inventedGroup(seed, position);
  const index = rng.below(Math.ceil(own / assistant.GROUP_SIZE));
  if (source === 'masked') return assistant.maskedGroup(seed, index);
  if (source === 'renamed') return assistant.renamedGroup(seed, index);
  return assistant.assistantGroup({ seed, split: 'train' }, index);
}

/** Material that some sources of the mixture draw from, by its environment or path. */
interface Lessons {
  readonly solutions: ReadonlyMap<string, readonly TrainExample[]>;
  readonly people: ReadonlyMap<string, readonly assistant.PeopleSet[]>;
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** Requests in a tree of people's: a set of functions takes longer to read than one of them. */
const PEOPLE = 32;

/** A dialogue for a model whose template closes the thought before it writes. */
function withoutThought(dialogue: Dialogue): Dialogue {
  const messages = dialogue.messages.map(({ reasoning: _thought, ...message }) => message);
  return { ...dialogue, messages };
}

/** Draws every group of a step from the mixture; invented groups never repeat, and worked solutions come again. */
function pretrainExamples(
  { generated, seed }: StageContext,
  { mixture, first_group, train_batch_size }: Options,
  model: OpenModel,
  { solutions, people, groups: files }: Lessons,
): ExampleSource {
  const groups = Math.max(1, Math.round(train_batch_size / GROUP_LIMIT));
  const total = mixture.reduce((sum, { weight }) => sum + weight, 0);
  const draw = (rng: Rng): MixtureEntry | undefined => {
    let at = rng.uniform() * total;
    return mixture.find(({ weight }) => (at -= weight) < 0) ?? mixture.at(-1);
  };
  const { template } = model;
  const emptyPrompt = template.prompt({ messages: [{ role: 'user', content: '' }], tools: [] });
  const isSilent = closesThought(emptyPrompt, template.format);
  return (step) =>
    Array.from({ length: groups }, (_, i) => {
      const position = first_group + step * groups + i;
      const rng = Rng.seeded(seed, `pretrain:${position}`);
      const { source = 'invented', environment = '', path = '', file = '', dialogues: own } = draw(rng) ?? {};
      if (source === 'copying') return copyingExample(rng, model);
      if (source === 'solutions') return rng.pick(solutions.get(environment) ?? []);
      const group =
        source === 'people'
          ? assistant.peopleGroup(people.get(path) ?? [], seed, position, PEOPLE)
          : source === 'groups'
            ? assistant.fileGroup(files.get(file) ?? [], position)
            : dialogues(source, generated, rng, position, own);
      return groupExample(isSilent ? group.map(withoutThought) : group, model);
    });
}

export const pretrain = defineTraining({
  about: 'next-token training of a new or given model on a mixture of generated dialogues',
  options,
  watch: ['loss'],
  *check({ mixture }, { isAssistant }) {
    if (!isAssistant && mixture.some(({ source }) => source === 'assistant'))
      yield [
        'mixture',
        "draws from the assistant, and the recipe's data are files; set data.source to assistant or draw from invented and copying.",
      ];
    for (const { source, environment, path, file } of mixture) {
      for (const [key, whose, given, lacks, has] of [
        ['path', 'people', path, 'where', 'a path'],
        ['file', 'groups', file, 'where', 'a file'],
        ['environment', 'solutions', environment, 'whose', `the environment ${environment}`],
      ] as const)
        if ((source === whose) !== (given !== undefined))
          yield [
            'mixture',
            given === undefined
              ? `draws from ${whose} and does not say ${lacks}; add ${key} to that entry.`
              : `gives ${source} ${has}, and only ${whose} have one; remove it, or set source to ${whose}.`,
          ];
    }
  },
  loss: () => crossEntropy(),
  async open(context, given, { model, trainer }) {
    const solutions = new Map<string, readonly TrainExample[]>();
    for (const name of new Set(given.mixture.flatMap(({ environment }) => environment ?? []))) {
      const limits = { maxTokens: given.prompt_max_len };
      const { examples: solved, tooLong } = await solutionGroups(context, name, model, limits);
      // Throws where all of one environment are too long.
      learnable(context.name, solved.map(pending), tooLong);
      solutions.set(name, solved);
    }
    const paths = new Set(given.mixture.flatMap(({ path }) => path ?? []));
    const people = new Map([...paths].map((path) => [path, assistant.readSets(path)]));
    const files = new Set(given.mixture.flatMap(({ file }) => file ?? []));
    const groups = new Map([...files].map((file) => [file, assistant.readGroups(file)]));
    const examples = pretrainExamples(context, given, model, { solutions, people, groups });
    return supervisedStage({ trainer: trainer(), options: given, examples, total: given.steps });
  },
});
