/**
 * Pre-training on generated dialogues. A prompt tree here is a tool set with several requests: the tools are the
 * shared prompt, each completion is one user's turn with its answer, and the answer's tokens count.
 */
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
} from '../data/assistant/index.ts';
import { repetition } from '../data/copying.ts';
import { renderDialogue } from '../data/render.ts';
import { commonLength } from '../model/tree/shared-prefix.ts';
import { rowsFrom, type TrainCompletion, type TrainExample } from '../train/examples.ts';
import type { ExampleSource } from '../train/supervised.ts';

export interface MixtureEntry {
  readonly source: 'assistant' | 'masked' | 'renamed' | 'invented' | 'definitions' | 'copying' | 'solutions';
  /** Whose worked solutions. */
  readonly environment?: string;
  readonly weight: number;
  /** How many dialogues the assistant's training split has here, in place of the recipe's. */
  readonly dialogues?: number;
}

/**
 * Dialogues with one tool set as one example. Those of a user may have system messages of their own, or none, in which
 * case less is shared; what they begin with alike, such as the mark of a turn, is at least one token.
 */
export function groupExample(
  dialogues: readonly Dialogue[],
  tokenizer: Tokenizer,
  template: ChatTemplate,
): TrainExample {
  const records = dialogues.map((dialogue) => renderDialogue(dialogue, tokenizer, template));
  const first = records[0];
  const shared = records.reduce(
    (length, { promptIds }) => commonLength(first?.promptIds ?? promptIds, promptIds, length),
    Math.max(1, first?.systemLength ?? 0),
  );
  const completions = records.map((record): TrainCompletion => {
    const request = record.promptIds.subarray(shared);
    const tokens = new Int32Array(request.length + record.targetIds.length);
    tokens.set(request);
    tokens.set(record.targetIds, request.length);
    const ids = asTokenIds(tokens);
    return { tokens: ids, rows: rowsFrom(ids, request.length), inputs: {} };
  });
  return { prompt: asTokenIds(first?.promptIds.slice(0, shared) ?? []), completions };
}

/** Repetitions in one tree whose prompt is a single token: short, so that a step has many of them. */
const REPETITIONS = 16;

function copyingExample(rng: Rng, tokenizer: Tokenizer): TrainExample {
  const excluded = new Set(tokenizer.specialIds());
  const completions = Array.from({ length: REPETITIONS }, (): TrainCompletion => {
    const { tokens, from } = repetition(rng, tokenizer.vocabSize, excluded);
    return { tokens, rows: rowsFrom(tokens, from), inputs: {} };
  });
  return { prompt: asTokenIds([tokenizer.idOf('<|im_start|>')]), completions };
}

export interface PretrainData {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly mixture: readonly MixtureEntry[];
  /** Groups of worked solutions by their environment; they come again when they are used up. */
  readonly solutions: ReadonlyMap<string, readonly TrainExample[]>;
  /** Seed of the data; the assistant's part is the training split of this seed. */
  readonly dataSeed: number;
  /** How many groups the assistant's training split has; they come again when they are used up. */
  readonly assistantGroups: number;
  /** Where in the endless sequences of groups the first step begins. */
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
export function pretrainExamples(data: PretrainData): ExampleSource {
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
      if (source === 'copying') return copyingExample(rng, data.tokenizer);
      if (source === 'solutions') return rng.pick(data.solutions.get(environment) ?? []);
      return groupExample(dialogues(source, data, rng, position, own), data.tokenizer, data.template);
    });
}
