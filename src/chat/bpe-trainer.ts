/**
 * Trains a small byte-level BPE vocabulary: 256 bytes, then merges, then the chat's added tokens. The usual
 * incremental algorithm over unique words; of equally frequent pairs the one with the lower ids is merged, so the
 * same texts always give the same vocabulary (and Hugging Face's trainer would give the same merges).
 */
import { UserError } from '../base/errors.ts';
import { Heap } from '../base/heap.ts';
import { addedToken, type AddedToken, addedTokenSplitter } from './added-tokens.ts';
import type { Merge } from './bpe.ts';
import { byteChar, BYTE_ALPHABET } from './byte-level.ts';
import { hermes } from './formats/hermes.ts';
import { cutWords, type Pipeline, pipelineOf } from './pipeline.ts';
import { byteLevelShell, QWEN2, TOKENIZER_CONFIG } from './tokenizer-shells.ts';
import type { TokenizerParts } from './tokenizer-files.ts';
import { Tokenizer } from './tokenizer.ts';

const { turn: TURN, textEnd: TEXT_END } = hermes;
const TURN_END = TURN.close;

/** The added tokens of a trained vocabulary; as in Qwen's, a parser's tags are not special. */
const SPECIAL = [TEXT_END, TURN.open, TURN_END];
const TAGS = [hermes.tools, hermes.call, hermes.response, hermes.think];
const ADDED = [...SPECIAL, ...TAGS.flatMap(({ open, close }) => [open, close])];
const addedFrom = (first: number): AddedToken[] =>
  ADDED.map((content, i) => addedToken(first + i, content, i < SPECIAL.length));

export interface TrainTokenizerOptions {
  /** Number of ids in all, added tokens included. */
  readonly size: number;
  /**
   * Tells whether no merge joins the space or mark before a word to it, so that a word has the same tokens after a space,
   * a quote, an underscore or a newline. Costs a token a space; spares a small model from learning which of two
   * tokens means the same as which.
   */
  readonly wordsApart?: boolean;
  /** The template that is saved with the tokenizer. */
  readonly chatTemplate?: string;
}

/** Pairs are kept as one number: both ids are below this. */
const ID_LIMIT = 1 << 16;

interface Candidate {
  readonly pair: number;
  readonly count: number;
}

function comesFirst(a: Candidate, b: Candidate): boolean {
  return a.count !== b.count ? a.count > b.count : a.pair < b.pair;
}

interface Word {
  ids: number[];
  readonly weight: number;
}

/** A word with the one space or mark before it, as the pattern cuts it. */
const PREFIXED = /^([^\p{L}])(\p{L}+)$/u;

function countWords(
  texts: Iterable<string>,
  { pipeline, added }: { readonly pipeline: Pipeline; readonly added: readonly AddedToken[] },
  wordsApart: boolean,
): Map<string, number> {
  const split = addedTokenSplitter(added, pipeline.normalize);
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const part of split(text)) {
      for (const word of typeof part === 'string' ? cutWords(part, pipeline) : []) {
        const bare = wordsApart ? (PREFIXED.exec(word)?.[2] ?? word) : word;
        counts.set(bare, (counts.get(bare) ?? 0) + 1);
      }
    }
  }
  return counts;
}

/** `ids` with every pair (left, right) replaced by `merged`, from left to right. */
function mergePair(ids: readonly number[], left: number, right: number, merged: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      out.push(merged);
      i++;
    } else out.push(ids[i] ?? 0);
  }
  return out;
}

/** The pairs of neighbours in a word, from left to right. */
const pairsOf = ({ ids }: Word): number[] =>
  Array.from({ length: ids.length - 1 }, (_, i) => (ids[i] ?? 0) * ID_LIMIT + (ids[i + 1] ?? 0));

/**
 * The merges of words, counted by their texts, at most `limit`: the ids that become `firstId`, `firstId + 1`, ... `idsOf` gives
 * the ids of a word before them.
 */
function learnMerges(
  counted: ReadonlyMap<string, number>,
  idsOf: (word: string) => number[],
  firstId: number,
  limit: number,
): Merge[] {
  const words = Array.from(counted, ([text, weight]): Word => ({ ids: idsOf(text), weight }));
  const counts = new Map<number, number>();
  /** Words in which a pair occurs, or once did. */
  const wordsOf = new Map<number, Set<Word>>();
  const add = (word: Word): void => {
    for (const pair of pairsOf(word)) {
      counts.set(pair, (counts.get(pair) ?? 0) + word.weight);
      const known = wordsOf.get(pair);
      if (known === undefined) wordsOf.set(pair, new Set([word]));
      else known.add(word);
    }
  };
  for (const word of words) add(word);
  const heap = new Heap(comesFirst);
  for (const [pair, count] of counts) heap.push({ pair, count });
  const merges: Merge[] = [];
  while (merges.length < limit) {
    const top = heap.pop();
    if (top === undefined) break;
    const count = counts.get(top.pair) ?? 0;
    if (count !== top.count) {
      // Counts of known pairs only fall, so a stale candidate is put back where it belongs now.
      if (count > 0) heap.push({ pair: top.pair, count });
      continue;
    }
    const left = Math.floor(top.pair / ID_LIMIT);
    const right = top.pair % ID_LIMIT;
    const merged = firstId + merges.length;
    merges.push({ left, right, result: merged });
    const fresh = new Set<number>();
    for (const word of wordsOf.get(top.pair) ?? []) {
      const ids = mergePair(word.ids, left, right, merged);
      if (ids.length === word.ids.length) continue;
      for (const pair of pairsOf(word)) counts.set(pair, (counts.get(pair) ?? 0) - word.weight);
      word.ids = ids;
      for (const pair of pairsOf(word)) if (!wordsOf.has(pair)) fresh.add(pair);
      add(word);
    }
    counts.delete(top.pair);
    wordsOf.delete(top.pair);
    for (const pair of fresh) heap.push({ pair, count: counts.get(pair) ?? 0 });
  }
  return merges;
}

/** Trains a tokenizer of exactly `size` ids on `texts`, in which added tokens are left alone. */
export function trainTokenizer(texts: Iterable<string>, options: TrainTokenizerOptions): Tokenizer {
  const { size, wordsApart = false } = options;
  const least = BYTE_ALPHABET.length + ADDED.length;
  const limit = size - least;
  if (!Number.isInteger(size) || limit < 0 || size >= ID_LIMIT) {
    throw new UserError(
      'TOKENIZER_SIZE',
      `A vocabulary needs ${least} to ${ID_LIMIT - 1} entries, got ${size}; set another size.`,
    );
  }
  const shell = byteLevelShell(QWEN2);
  const pipeline = pipelineOf(shell, 'The vocabulary');
  const idOfChar = new Map(BYTE_ALPHABET.map((char, id) => [char, id]));
  const idOfByte = Array.from({ length: 256 }, (_, byte) => idOfChar.get(byteChar(byte)) ?? 0);
  const words = countWords(texts, { pipeline, added: addedFrom(0) }, wordsApart);
  const bytesOf = (text: string) => Array.from(Buffer.from(text, 'utf8'), (byte) => idOfByte[byte] ?? 0);
  const merges = learnMerges(words, bytesOf, BYTE_ALPHABET.length, limit);
  if (merges.length < limit) {
    throw new UserError(
      'TOKENIZER_SIZE',
      `The texts give a vocabulary of only ${least + merges.length} entries, not ${size}; add texts or ask for fewer.`,
    );
  }
  const tokens = [...BYTE_ALPHABET];
  for (const { left, right } of merges) tokens.push(`${tokens[left]}${tokens[right]}`);
  return new Tokenizer({
    tokens,
    merges,
    added: addedFrom(tokens.length),
    pipeline,
    shell,
    config: {
      ...TOKENIZER_CONFIG,
      additional_special_tokens: [TURN.open, TURN_END],
      eos_token: TURN_END,
      pad_token: TEXT_END,
      tokenizer_class: 'Qwen2Tokenizer',
    },
    chatTemplate: options.chatTemplate,
  });
}

/**
 * Extends a vocabulary to `size` ids: those that it has stay, and behind them come merges that `texts` ask for, and
 * `phrases`, texts that are one token wherever they stand. A model grows with it by a row for each new id.
 */
export function extendVocabulary(
  parts: TokenizerParts,
  texts: Iterable<string>,
  { size, phrases }: { readonly size: number; readonly phrases: readonly string[] },
): Tokenizer {
  const known = new Tokenizer(parts);
  const first = known.vocabSize;
  const firstPhrase = size - phrases.length;
  const added = [...parts.added, ...phrases.map((text, i) => addedToken(firstPhrase + i, text, false))];
  const words = countWords(texts, { pipeline: parts.pipeline, added }, true);
  const idsOf = (text: string) => [...known.encode(text, { allowSpecial: false })];
  const merges = learnMerges(words, idsOf, first, firstPhrase - first);
  if (merges.length < firstPhrase - first)
    throw new UserError(
      'TOKENIZER_SIZE',
      `The texts give ${merges.length} merges and ${firstPhrase - first} are asked for; add texts or ask for fewer.`,
    );
  const tokens = [...parts.tokens];
  tokens.length = first;
  for (const { left, right } of merges) tokens.push(`${tokens[left]}${tokens[right]}`);
  return new Tokenizer({ ...parts, tokens, merges: [...parts.merges, ...merges], added });
}
