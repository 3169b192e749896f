/** The files of a Qwen tokenizer beside its tokens and merges: how text is normalised, cut and put together again. */
import { QWEN_PATTERN } from './pretokenize.ts';
import type { TokenizerParts } from './tokenizer-files.ts';

/** tokenizer.json without its tokens and merges. */
export function qwenShell(): TokenizerParts['shell'] {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: 'Split', pattern: { Regex: QWEN_PATTERN }, behavior: 'Isolated', invert: false };
  const affixes = { continuing_subword_prefix: '', end_of_word_suffix: '' };
  const flags = { fuse_unk: false, byte_fallback: false, ignore_merges: false };
  return {
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: { type: 'BPE', dropout: null, unk_token: null, ...affixes, ...flags },
  };
}

interface NamedTokens {
  readonly eos: string;
  readonly pad: string;
  readonly special: readonly string[];
}

/** tokenizer_config.json without its tokens and template. */
export function qwenConfig({ eos, pad, special }: NamedTokens): TokenizerParts['config'] {
  return {
    add_bos_token: false,
    add_prefix_space: false,
    additional_special_tokens: special,
    bos_token: null,
    clean_up_tokenization_spaces: false,
    eos_token: eos,
    errors: 'replace',
    model_max_length: 32768,
    pad_token: pad,
    split_special_tokens: false,
    tokenizer_class: 'Qwen2Tokenizer',
    unk_token: null,
  };
}
