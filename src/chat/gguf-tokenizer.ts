/** A checkpoint's tokenizer in the form that a GGUF file holds it. */
import { UserError } from '../base/errors.ts';
import type { GgufTokenizer, GgufTokenType } from '../model/checkpoint/gguf.ts';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import { compilePattern, QWEN_PATTERN } from './pretokenize.ts';
import type { TokenizerParts } from './tokenizer-files.ts';
import { readTokenizer } from './tokenizer-source.ts';
import { Tokenizer } from './tokenizer.ts';

/** Tells whether words are cut as llama.cpp's pre-tokenizer `qwen2` cuts them; it has no way to be told another pattern. */
function cutsLikeQwen({ patterns }: TokenizerParts): boolean {
  return patterns.length === 1 && patterns[0]?.source === compilePattern(QWEN_PATTERN).source;
}

/** Reads a checkpoint's tokenizer for `exportGguf`. Throws a UserError where llama.cpp would cut text differently. */
export function ggufTokenizer(source: string): GgufTokenizer {
  const parts = readTokenizer(source);
  if (!cutsLikeQwen(parts)) {
    throw new UserError(
      'GGUF_TOKENIZER',
      `The tokenizer in ${source} splits text by another pattern than Qwen's, which such a GGUF file cannot say; use a Qwen tokenizer.`,
    );
  }
  // A runtime must take for the end of text what the student writes at the end of its turn.
  const { turnEndId: eosId, padId, vocabSize } = new Tokenizer(parts);
  const tokens = Array.from({ length: vocabSize }, (_, id) => parts.tokens[id] ?? `[PAD${id}]`);
  const types = Array.from(tokens, (_, id): GgufTokenType =>
    parts.tokens[id] === undefined ? 'unused' : 'normal',
  );
  for (const { id, content, special } of parts.added) {
    tokens[id] = content;
    types[id] = special ? 'control' : 'userDefined';
  }
  const text = (id: number | undefined): string => parts.tokens[id ?? -1] ?? '';
  const merges = Array.from(
    parts.merges.left,
    (left, rank) => `${text(left)} ${text(parts.merges.right[rank])}`,
  );
  return { tokens, types, merges, eosId, padId, chatTemplate: parts.chatTemplate };
}

/** Source of a checkpoint's tokenizer for `saveCheckpoint`: its folder, or what writes that of a GGUF file. */
export function tokenizerFilesOf(source: string): string | ((folder: string) => void) {
  return isGguf(source) ? (folder) => Tokenizer.load(source).save(folder) : source;
}
