/** The default vocabulary: a byte-level BPE trained on the generated dialogues. */
import { trainTokenizer } from '../../../src/chat/bpe-trainer.ts';
import { DEFAULT_TEMPLATE } from '../../../src/chat/default-template.ts';
import type { Dialogue } from '../../../src/chat/messages.ts';
import { OWN_TEMPLATE } from '../../../src/chat/template.ts';
import type { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { assistantGroup, inventedGroup } from './index.ts';

export interface VocabularyOptions {
  readonly seed: number;
  /** Entries of the vocabulary, special tokens included. */
  readonly size: number;
  /** Groups of dialogues that are read, half of them with invented functions. */
  readonly groups: number;
}

function* textsOf(dialogues: readonly Dialogue[]): Generator<string> {
  // The tools are the same for the whole group: once is enough.
  for (const [i, { tools, messages }] of dialogues.entries()) {
    const answer = messages.at(-1);
    const history = { messages: messages.slice(0, -1), tools: i === 0 ? tools : [] };
    if (answer === undefined) continue;
    const { prompt, target } = OWN_TEMPLATE.turn(history, answer);
    yield prompt;
    yield target;
  }
}

function* texts({ seed, groups }: VocabularyOptions): Generator<string> {
  for (let i = 0; i < groups; i++) {
    const dialogues = i % 2 === 0 ? assistantGroup({ seed, split: 'train' }, i / 2) : inventedGroup(seed, i);
    yield* textsOf(dialogues);
  }
}

/** Trains the vocabulary; the same options give the same one. */
export function trainVocabulary(options: VocabularyOptions): Tokenizer {
  return trainTokenizer(texts(options), {
    size: options.size,
    chatTemplate: DEFAULT_TEMPLATE,
    wordsApart: true,
  });
}
