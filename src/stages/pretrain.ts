/**
 * Pre-training on generated dialogues. A prompt tree here is a tool set with several requests: the tools are the
 * shared prompt, each completion is one user's turn with its answer, and the answer's tokens count.
 */
import { z } from 'zod';
import { Rng } from '../base/rng.ts';
import { asTokenIds } from '../base/token-ids.ts';
import type { Dialogue } from '../chat/messages.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import {
  assistantGroup,
  definitionsGroup,
  GROUP_SIZE,
  inventedGroup,
  maskedGroup,
  renamedGroup,
} from '../../packages/assistant/src/index.ts';
import { repetition } from '../data/copying.ts';
import { crossEntropy } from '../losses/all.ts';
import { groupExample } from '../train/dialogue-examples.ts';
import { rowsFrom, type TrainCompletion, type TrainExample } from '../train/examples.ts';
import { type ExampleSource, supervisedStage } from '../train/supervised.ts';
import { GROUP_LIMIT, learnable, pending } from './lessons.ts';
import { solutionGroups } from './solutions.ts';
import { count, type OpenModel, refersTo, type StageContext } from './stage.ts';
import { defineTraining, trainingOptions } from './training.ts';

const mixtureEntry = z.strictObject({
  source: z.enum(['assistant', 'masked', 'renamed', 'invented', 'definitions', 'copying', 'solutions']),
  environment: refersTo('environment')
    .exactOptional()
    .describe('whose worked solutions, where they are the source'),
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

/** Repetitions in one tree whose prompt is a single token: short, so that a step has many of them. */
const REPETITIONS = 16;

function copyingExample(rng: Rng, { tokenizer, template }: PretrainData): TrainExample {
  const excluded = new Set(tokenizer.specialIds());
  const completions = Array.from({ length: REPETITIONS }, (): TrainCompletion => {
    const { tokens, from } = repetition(rng, tokenizer.vocabSize, excluded);
    return { tokens, rows: rowsFrom(tokens, from), inputs: {} };
  });
  return { prompt: asTokenIds([tokenizer.idOf(template.format.turn.open)]), completions };
}

interface PretrainData {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly mixture: readonly MixtureEntry[];
  /** Groups of worked solutions by their environment; they come again when they are used up. */
  readonly solutions: ReadonlyMap<string, readonly TrainExample[]>;
  /** Seed of the data; the assistant's part is the training split of this seed. */
  readonly dataSeed: number;
  /** Number of groups of the assistant's training split; they come again when they are used up. */
  readonly assistantGroups: number;
  /** Index of the first step's group in the endless sequences. */
  readonly firstGroup: number;
  /** Seed of the order. */
  readonly seed: number;
  /** Groups of dialogues a step. */
  readonly groups: number;
}

function dialogues(
  source: Exclude<MixtureEntry['source'], 'copying' | 'solutions'>,
  data: PretrainData,
  rng: Rng,
  position: number,
  own: number | undefined,
): readonly Dialogue[] {
  if (source === 'assistant' || source === 'masked' || source === 'renamed') {
    const groups = own === undefined ? data.assistantGroups : Math.ceil(own / GROUP_SIZE);
    const index = rng.below(groups);
    if (source === 'masked') return maskedGroup(data.dataSeed, index);
    if (source === 'renamed') return renamedGroup(data.dataSeed, index);
    return assistantGroup({ seed: data.dataSeed, split: 'train' }, index);
  }
  return source === 'definitions'
    ? definitionsGroup(data.dataSeed, position)
    : inventedGroup(data.dataSeed, position);
}

/** Draws every group of a step from the mixture; invented groups never repeat. */
function pretrainExamples(data: PretrainData): ExampleSource {
  const total = data.mixture.reduce((sum, { weight }) => sum + weight, 0);
  const draw = (rng: Rng): MixtureEntry | undefined => {
    let at = rng.uniform() * total;
    for (const entry of data.mixture) {
      at -= entry.weight;
      if (at < 0) return entry;
    }
    return data.mixture.at(-1);
  };
  return (step) =>
    Array.from({ length: data.groups }, (_, i) => {
      const position = data.firstGroup + step * data.groups + i;
      const rng = Rng.seeded(data.seed, `pretrain:${position}`);
      const { source = 'invented', environment = '', dialogues: own } = draw(rng) ?? {};
      if (source === 'copying') return copyingExample(rng, data);
      if (source === 'solutions') return rng.pick(data.solutions.get(environment) ?? []);
      return groupExample(dialogues(source, data, rng, position, own), data.tokenizer, data.template);
    });
}

/** The worked solutions that a mixture names, by environment; throws when all of one are too long. */
async function mixtureSolutions(
  context: StageContext,
  mixture: readonly MixtureEntry[],
  model: OpenModel,
  maxTokens: number,
): Promise<Map<string, readonly TrainExample[]>> {
  const groups = new Map<string, readonly TrainExample[]>();
  for (const name of new Set(mixture.flatMap(({ environment }) => environment ?? []))) {
    const { examples, tooLong } = await solutionGroups(context, name, model, { maxTokens });
    learnable(context.name, examples.map(pending), tooLong);
    groups.set(name, examples);
  }
  return groups;
}

export const pretrain = defineTraining({
  about: 'next-token training of a new or given model on a mixture of generated dialogues',
  options,
  watch: ['loss'],
  *check({ mixture }, { isAssistant }) {
    const path = ['mixture'];
    if (!isAssistant && mixture.some(({ source }) => source === 'assistant'))
      yield {
        path,
        text: ".mixture draws from the assistant, and the recipe's data are files; set data.source to assistant or draw from invented and copying.",
      };
    for (const { source, environment } of mixture) {
      if ((source === 'solutions') === (environment !== undefined)) continue;
      const text =
        environment === undefined
          ? `.mixture draws from solutions and does not say whose; add environment to that entry.`
          : `.mixture gives ${source} the environment ${environment}, and only solutions have one; remove it, or set source to solutions.`;
      yield { path, text };
    }
  },
  loss: () => crossEntropy(),
  async open(context, given, { model, trainer }) {
    const { seed, train = 1 } = context.generated;
    const examples = pretrainExamples({
      tokenizer: model.tokenizer,
      template: model.template,
      mixture: given.mixture,
      solutions: await mixtureSolutions(context, given.mixture, model, given.prompt_max_len),
      dataSeed: seed,
      assistantGroups: Math.ceil(train / GROUP_SIZE),
      firstGroup: given.first_group,
      seed: context.seed,
      groups: Math.max(1, Math.round(given.train_batch_size / GROUP_LIMIT)),
    });
    return supervisedStage(context, { trainer: trainer(), options: given, examples, total: given.steps });
  },
});
