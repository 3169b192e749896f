/** Parts of a Hugging Face tokenizer beside its tokens and merges, for one that comes from no such folder. */
import type { Fields } from '../json/value.ts';
import { LLAMA3_PATTERN, QWEN_PATTERN } from './pretokenize.ts';

/** Ways of preparing text for a byte-level vocabulary. */
export interface Preparation {
  readonly normalizer: object | null;
  readonly pre_tokenizer: object;
  /** Tells whether a word that is a token is taken whole. */
  readonly ignoreMerges: boolean;
  /** Tells whether a text begins with BOS where a GGUF file does not say. */
  readonly addsBos: boolean;
}

const byteLevel = (use_regex: boolean): object => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: false,
  use_regex,
});
const sequence = (...pretokenizers: object[]): object => ({ type: 'Sequence', pretokenizers });
const splitAt = (pattern: string): object =>
  sequence(
    { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
    byteLevel(false),
  );

export const QWEN2: Preparation = {
  normalizer: { type: 'NFC' },
  pre_tokenizer: splitAt(QWEN_PATTERN),
  ignoreMerges: false,
  addsBos: false,
};
const LLAMA3: Preparation = {
  normalizer: null,
  pre_tokenizer: splitAt(LLAMA3_PATTERN),
  ignoreMerges: true,
  addsBos: true,
};
const DBRX: Preparation = { ...LLAMA3, ignoreMerges: false, addsBos: false };
const SMOLLM: Preparation = {
  ...DBRX,
  pre_tokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)),
};
const GPT2: Preparation = { ...DBRX, pre_tokenizer: byteLevel(true) };

/** llama.cpp's names of preparations, which a byte-level GGUF file has instead of them; a tokenizer is written under the first that fits. */
export const PREPARATIONS: Readonly<Record<string, Preparation>> = {
  qwen2: QWEN2,
  'deepseek-r1-qwen': QWEN2,
  'llama-bpe': LLAMA3,
  llama3: LLAMA3,
  'llama-v3': LLAMA3,
  falcon3: LLAMA3,
  lfm2: LLAMA3,
  dbrx: DBRX,
  'smaug-bpe': DBRX,
  smollm: SMOLLM,
  refact: SMOLLM,
  starcoder: SMOLLM,
  'gpt-2': GPT2,
  'granite-docling': GPT2,
  olmo: GPT2,
};

/** A special token by its text and id. */
export interface Special {
  readonly content: string;
  readonly id: number;
}

/** Special tokens that are put around a text. */
export interface Surroundings {
  readonly before?: Special | undefined;
  readonly after?: Special | undefined;
}

/** A post_processor that puts tokens around a text, or undefined if there are none. */
function template({ before, after }: Surroundings): object | undefined {
  const specials = [before, after].filter((token) => token !== undefined);
  if (specials.length === 0) return undefined;
  const around = (id: string, type_id: number): object[] => [
    ...(before === undefined ? [] : [{ SpecialToken: { id: before.content, type_id } }]),
    { Sequence: { id, type_id } },
    ...(after === undefined ? [] : [{ SpecialToken: { id: after.content, type_id } }]),
  ];
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(
      specials.map(({ content, id }) => [content, { id: content, ids: [id], tokens: [content] }]),
    ),
  };
}

/** tokenizer.json of a byte-level vocabulary without its tokens and merges. */
export function byteLevelShell(
  { normalizer, pre_tokenizer, ignoreMerges }: Preparation,
  surroundings: Surroundings = {},
): Fields {
  const processors = [byteLevel(false), template(surroundings)].filter((part) => part !== undefined);
  const affixes = { continuing_subword_prefix: '', end_of_word_suffix: '' };
  const flags = { fuse_unk: false, byte_fallback: false, ignore_merges: ignoreMerges };
  return {
    normalizer,
    pre_tokenizer,
    post_processor: processors.length === 1 ? processors[0] : { type: 'Sequence', processors },
    decoder: byteLevel(false),
    model: { type: 'BPE', dropout: null, unk_token: null, ...affixes, ...flags },
  };
}

/** tokenizer.json of a SentencePiece vocabulary without its tokens and merges; `spaced`: whether a text is read as if a space stood before it. */
export function sentencePieceShell(
  unknown: string | null,
  spaced: boolean,
  surroundings: Surroundings,
): Fields {
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' };
  const words = { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' };
  const decoders = [words, { type: 'ByteFallback' }, { type: 'Fuse' }];
  const flags = { fuse_unk: true, byte_fallback: true, ignore_merges: false };
  return {
    normalizer: spaced
      ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '\u2581' }, spaces] }
      : spaces,
    pre_tokenizer: null,
    post_processor: template(surroundings) ?? null,
    decoder: {
      type: 'Sequence',
      decoders: spaced ? [...decoders, { type: 'Strip', content: ' ', start: 1, stop: 0 }] : decoders,
    },
    model: { type: 'BPE', dropout: null, unk_token: unknown, ...flags },
  };
}

/** tokenizer_config.json without its tokens and template. */
export const TOKENIZER_CONFIG: Fields = {
  add_bos_token: false,
  add_prefix_space: false,
  additional_special_tokens: [],
  bos_token: null,
  clean_up_tokenization_spaces: false,
  eos_token: null,
  errors: 'replace',
  model_max_length: 32768,
  pad_token: null,
  split_special_tokens: false,
  tokenizer_class: 'PreTrainedTokenizerFast',
  unk_token: null,
};
