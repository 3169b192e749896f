/**
 * A byte-level BPE tokenizer in Hugging Face's format: text to token ids and back. Left out of the textbook
 * version: offsets, padding, truncation and post-processors, which chat models of Qwen's kind do not need.
 */
import { createHash } from 'node:crypto';
import { UserError } from '../base/errors.ts';
import { BytePairEncoder } from './bpe.ts';
import { byteOf } from './byte-level.ts';
import { asTokenIds, type TokenIds } from './messages.ts';
import { addedPattern, splitWords } from './pretokenize.ts';
import { afterAnswer, endsNamed, tokenEntry } from './stop-tokens.ts';
import { hermes } from './formats/hermes.ts';
import { ChatTemplate } from './template.ts';
import { type AddedToken, type TokenizerParts, writeTokenizerFiles } from './tokenizer-files.ts';
import { readTokenizer } from './tokenizer-source.ts';

export interface EncodeOptions {
  /** Tells whether added tokens such as <|im_start|> are recognised (default), or read as plain text. */
  readonly allowSpecial?: boolean;
}

export interface DecodeOptions {
  /** Tells whether special tokens (<|im_start|>, <|im_end|>, <|endoftext|>) are left out. Default: they are kept. */
  readonly skipSpecial?: boolean;
}

const TURN_END = hermes.turn.close;
/** Special tokens that transformers and llama.cpp hand to chat templates. */
const SPECIAL_NAMES = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const;

function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) bytes[i] = byteOf(token.charCodeAt(i));
  return bytes;
}

/** Rows that a vocabulary's tables are filled up to at least, as published ones are, for fast matrix products. */
const VOCABULARY_MULTIPLE = 64;

/** Rows of a new model's tables. A published model may have more of them: ids from here on stand for nothing in any of those that share the tokenizer. */
export const paddedVocabulary = ({ vocabSize }: Pick<Tokenizer, 'vocabSize'>): number =>
  Math.ceil(vocabSize / VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE;

export class Tokenizer {
  readonly #parts: TokenizerParts;
  readonly #encoder: BytePairEncoder;
  readonly #idOf = new Map<string, number>();
  readonly #addedById = new Map<number, AddedToken>();
  readonly #addedPattern: RegExp | undefined;
  /** Found when first asked for, as a template is rendered for it. */
  #stopIds: readonly number[] | undefined;
  /** Bytes by id, made when first asked for: a large vocabulary is mostly never decoded. */
  readonly #bytes: (Uint8Array | undefined)[] = [];

  /** Number of ids: the largest id plus one. A model's embedding may have more rows. */
  readonly vocabSize: number;
  /** End of text as the checkpoint names it; see `turnEndId` and `stopIds` for where answers end. */
  readonly eosId: number;
  readonly padId: number;
  /** The checkpoint's own chat template, if it has one. */
  readonly chatTemplate: string | undefined;
  /** Special tokens by the names that chat templates know. */
  readonly specialTokens: Readonly<Record<string, string>>;

  constructor(parts: TokenizerParts) {
    this.#parts = parts;
    parts.tokens.forEach((token, id) => {
      if (token !== undefined) this.#idOf.set(token, id);
    });
    this.#encoder = new BytePairEncoder(parts.merges, (token) => this.idOf(token));
    let size = parts.tokens.length;
    for (const token of parts.added) {
      this.#addedById.set(token.id, token);
      this.#idOf.set(token.content, token.id);
      size = Math.max(size, token.id + 1);
    }
    this.#addedPattern = addedPattern(parts.added.map((token) => token.content));
    this.vocabSize = size;
    this.chatTemplate = parts.chatTemplate;
    this.specialTokens = Object.fromEntries(
      SPECIAL_NAMES.flatMap((name) => {
        const token = tokenEntry(parts.config[name]);
        return token === undefined ? [] : [[name, token]];
      }),
    );
    const eos = tokenEntry(parts.config.eos_token);
    this.eosId = this.idOf(eos ?? TURN_END);
    this.padId = this.idOf(tokenEntry(parts.config.pad_token) ?? eos ?? TURN_END);
  }

  /** The token that ends an assistant's turn, as targets have it. */
  get turnEndId(): number {
    return this.stopIds[0] ?? this.eosId;
  }

  /** All tokens that end an answer, that of `turnEndId` first: the template's, the tokenizer's and the model's own. */
  get stopIds(): readonly number[] {
    this.#stopIds ??= this.#findStopIds();
    return this.#stopIds;
  }

  #findStopIds(): readonly number[] {
    const { config, ends = [] } = this.#parts;
    const template = ChatTemplate.of(this);
    const written = this.encode(afterAnswer(template))[0];
    const ids = [
      this.findId(TURN_END),
      written !== undefined && this.isSpecial(written) ? written : undefined,
      this.eosId,
      this.findId(template.format.callEnd ?? ''),
      ...endsNamed(config).map((token) => this.findId(token)),
      ...ends.map((end) => (typeof end === 'number' ? end : this.findId(end))),
    ];
    return [...new Set(ids.filter((id) => id !== undefined))].filter((id) => id < this.vocabSize);
  }

  /** Loads a Hugging Face folder, or what a GGUF file holds; a missing or broken file is a UserError. */
  static load(source: string): Tokenizer {
    return new Tokenizer(readTokenizer(source));
  }

  /** Writes tokenizer.json, tokenizer_config.json, vocab.json, merges.txt and the chat template into `folder`. */
  save(folder: string): void {
    writeTokenizerFiles(folder, this.#parts);
  }

  /** Equal for tokenizers whose ids mean the same tokens. */
  fingerprint(): string {
    const { tokens, added } = this.#parts;
    const special = added.toSorted((a, b) => a.id - b.id).map(({ id, content }) => [id, content]);
    return createHash('sha256')
      .update(JSON.stringify([tokens, special]))
      .digest('hex')
      .slice(0, 16);
  }

  /** The same tokenizer with another chat template, for `save`. */
  withChatTemplate(chatTemplate: string): Tokenizer {
    return new Tokenizer({ ...this.#parts, chatTemplate });
  }

  /** Text to ids. */
  encode(text: string, options: EncodeOptions = {}): TokenIds {
    const ids: number[] = [];
    const pattern = options.allowSpecial === false ? undefined : this.#addedPattern;
    let end = 0;
    if (pattern !== undefined) {
      for (const match of text.matchAll(pattern)) {
        this.#encodePlain(text.slice(end, match.index), ids);
        ids.push(this.idOf(match[0]));
        end = match.index + match[0].length;
      }
    }
    this.#encodePlain(end === 0 ? text : text.slice(end), ids);
    return asTokenIds(new Int32Array(ids));
  }

  #encodePlain(text: string, ids: number[]): void {
    if (text === '') return;
    const normal = this.#parts.normalize ? text.normalize('NFC') : text;
    for (const word of splitWords(normal, this.#parts.patterns)) {
      for (const id of this.#encoder.encode(word)) ids.push(id);
    }
  }

  /** Ids to text; bytes that are no UTF-8 become U+FFFD, ids outside of the vocabulary become nothing. */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const pieces: Uint8Array[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] ?? -1;
      if (options.skipSpecial !== true || !this.isSpecial(id)) pieces.push(this.tokenBytes(id));
    }
    // Buffer's own decoder keeps a leading U+FEFF, which TextDecoder would drop.
    return Buffer.concat(pieces).toString('utf8');
  }

  /** The bytes that `id` stands for; none if it is outside of the vocabulary. */
  tokenBytes(id: number): Uint8Array {
    const known = this.#bytes[id];
    if (known !== undefined) return known;
    const added = this.#addedById.get(id);
    const bytes = added ? Buffer.from(added.content, 'utf8') : byteLevelBytes(this.#parts.tokens[id] ?? '');
    if (id >= 0 && id < this.vocabSize) this.#bytes[id] = bytes;
    return bytes;
  }

  /** One token as text, for people: part of a character shows as U+FFFD. */
  tokenText(id: number): string {
    return Buffer.from(this.tokenBytes(id)).toString('utf8');
  }

  /** The id of an added token such as <think>, or of a byte-level token; a UserError if there is none. */
  idOf(token: string): number {
    const id = this.findId(token);
    if (id === undefined) {
      throw new UserError(
        'TOKENIZER',
        `The tokenizer has no token ${token}; use a checkpoint of Qwen's kind.`,
      );
    }
    return id;
  }

  /** The id of a token, or undefined. */
  findId(token: string): number | undefined {
    return this.#idOf.get(token);
  }

  /** Tells whether `id` is a special token (the tool and think tags are not: a parser must see them). */
  isSpecial(id: number): boolean {
    return this.#addedById.get(id)?.special === true;
  }

  /** The ids of the special tokens. */
  specialIds(): readonly number[] {
    return this.#parts.added.filter((token) => token.special).map((token) => token.id);
  }
}
