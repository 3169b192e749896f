/** The part of a GGUF file that says how text becomes tokens, with the keys of llama.cpp's own converter. */
import { InternalError, UserError } from '../../base/errors.ts';
import type { GgufValue } from '../../ggml/gguf.ts';
import type { ModelConfig } from '../arch/config.ts';

/** Kinds of tokens, in llama.cpp's numbers (`enum llama_token_type`). */
export const GGUF_TOKEN_TYPES = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;
/** Score of a token that is never put together from others. */
export const UNSCORED = -1000;

export type GgufTokenType = keyof typeof GGUF_TOKEN_TYPES;

/** A BPE tokenizer as plain data; `ggufTokenizer` in src/chat makes it from a checkpoint's files. */
export interface GgufTokenizer {
  /** `gpt2` for byte-level BPE with merges, `llama` for SentencePiece with scores. */
  readonly model: 'gpt2' | 'llama';
  /** llama.cpp's name for how words are cut. */
  readonly pre: string;
  /** By id: text in the vocabulary's alphabet, or an added token's content. All different. */
  readonly tokens: readonly string[];
  /** `control` for special tokens, `userDefined` for other added ones, `unused` for ids without a token. */
  readonly types: readonly GgufTokenType[];
  /** `left right`, the most urgent first; none of SentencePiece. */
  readonly merges: readonly string[];
  /** By id, for SentencePiece: the token of the highest score is put together first. */
  readonly scores?: Float32Array;
  readonly eosId: number;
  readonly padId: number;
  readonly bosId?: number | undefined;
  readonly unknownId?: number | undefined;
  readonly addBos: boolean;
  readonly addEos: boolean;
  /** Tells whether SentencePiece reads a text as if a space stood before it. */
  readonly addSpacePrefix: boolean;
  readonly chatTemplate: string | undefined;
}

/** Tells whether a model can do without a token: one that neither its template nor anything else that is known of it uses. */
function isSpare(tokenizer: GgufTokenizer, id: number): boolean {
  const { types, tokens, chatTemplate = '', eosId, padId, bosId, unknownId } = tokenizer;
  const named = [eosId, padId, bosId, unknownId].includes(id) || chatTemplate.includes(tokens[id] ?? '');
  return types[id] === 'control' && !named;
}

/**
 * As many tokens as the embedding table has rows, which llama.cpp wants: filled up, or without special tokens beyond the
 * table that nothing uses, as Gemma's for images.
 */
function fittedTokens(
  { vocabSize }: ModelConfig,
  tokenizer: GgufTokenizer,
): Pick<GgufTokenizer, 'tokens' | 'types'> {
  const { tokens, types } = tokenizer;
  if (tokens.length !== types.length)
    throw new InternalError(`gguf: ${tokens.length} tokens, ${types.length} types`);
  if (tokens.some((_, id) => id >= vocabSize && !isSpare(tokenizer, id))) {
    throw new UserError(
      'GGUF',
      `The tokenizer has ${tokens.length} tokens and the model only ${vocabSize}; export with the tokenizer that it was trained with.`,
    );
  }
  const all = Array.from({ length: vocabSize }, (_, id) => tokens[id] ?? `[PAD${id}]`);
  const seen = new Set<string>();
  for (const token of all) {
    // llama.cpp would not only refuse such a file: it would end the process.
    if (token === '' || seen.has(token)) {
      throw new UserError(
        'GGUF',
        `The tokenizer has the token ${JSON.stringify(token)} twice or empty, which GGUF cannot hold; rename one.`,
      );
    }
    seen.add(token);
  }
  return { tokens: all, types: all.map((_, id) => types[id] ?? 'unused') };
}

/** The metadata of a file that say how text becomes tokens. Throws a UserError where they do not fit the model. */
export function tokenizerMetadata(config: ModelConfig, tokenizer: GgufTokenizer): Record<string, GgufValue> {
  const { tokens, types } = fittedTokens(config, tokenizer);
  const { model, pre, merges, scores, eosId, padId, bosId, unknownId, chatTemplate } = tokenizer;
  return {
    'tokenizer.ggml.model': { string: model },
    'tokenizer.ggml.pre': { string: pre },
    'tokenizer.ggml.tokens': { strings: tokens },
    'tokenizer.ggml.token_type': { i32s: Int32Array.from(types, (type) => GGUF_TOKEN_TYPES[type]) },
    ...(scores === undefined
      ? { 'tokenizer.ggml.merges': { strings: merges } }
      : { 'tokenizer.ggml.scores': { f32s: Float32Array.from(tokens, (_, id) => scores[id] ?? UNSCORED) } }),
    'tokenizer.ggml.eos_token_id': { u32: eosId },
    'tokenizer.ggml.eot_token_id': { u32: eosId },
    'tokenizer.ggml.padding_token_id': { u32: padId },
    // Token 11 would be llama.cpp's choice where it is never added; Qwen's files name the padding token.
    'tokenizer.ggml.bos_token_id': { u32: bosId ?? config.bosTokenId ?? padId },
    ...(unknownId === undefined ? {} : { 'tokenizer.ggml.unknown_token_id': { u32: unknownId } }),
    'tokenizer.ggml.add_bos_token': { bool: tokenizer.addBos },
    ...(tokenizer.addEos ? { 'tokenizer.ggml.add_eos_token': { bool: true } } : {}),
    ...(model === 'llama' ? { 'tokenizer.ggml.add_space_prefix': { bool: tokenizer.addSpacePrefix } } : {}),
    ...(chatTemplate === undefined ? {} : { 'tokenizer.chat_template': { string: chatTemplate } }),
  };
}
