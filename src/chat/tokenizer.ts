/**
 * A BPE tokenizer in Hugging Face's format: text to token ids and back, with the ids of its fast tokenizers. Left out:
 * offsets, padding, truncation and pairs of texts.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { UserError } from '../base/errors.ts';
import { type AddedToken, addedTokenSplitter } from './added-tokens.ts';
import { bytePairEncoder, idsByText, symbolsOf } from './bpe.ts';
import { byteOfToken, bytesOfText, byteText } from './byte-level.ts';
import { asTokenIds, type TokenIds } from './messages.ts';
import { cutWords } from './pipeline.ts';
import { hermes } from './formats/hermes.ts';
import { ChatTemplate } from './template.ts';
import { tokenEntry, type TokenizerParts, writeTokenizerFiles } from './tokenizer-files.ts';
import { readTokenizer } from './tokenizer-source.ts';

export interface EncodeOptions {
  /** Tells whether added tokens such as <|im_start|> are recognised (default), or read as plain text. */
  readonly allowSpecial?: boolean;
  /** Tells whether the tokenizer's own beginning and end (BOS, EOS) are added, where it has any. Default: they are not, as chat templates write them. */
  readonly addSpecial?: boolean;
}

const TURN_END = hermes.turn.close;
/** Special tokens that transformers and llama.cpp hand to chat templates. */
const SPECIAL_NAMES = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const;

/** SentencePiece's space. */
const SPACE = '\u2581';
const SPACED_WORDS = /\u2581*[^\u2581]+|\u2581+/g;

/** Rows that a vocabulary's tables are filled up to at least, as published ones are, for fast matrix products. */
const VOCABULARY_MULTIPLE = 64;

/** Rows of a new model's tables. A published model may have more of them: ids from here on stand for nothing in any of those that share the tokenizer. */
export const paddedVocabulary = ({ vocabSize }: Pick<Tokenizer, 'vocabSize'>): number =>
  Math.ceil(vocabSize / VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE;

export class Tokenizer {
  readonly #parts: TokenizerParts;
  readonly #encodeWord: (word: string) => readonly number[];
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #addedByText = new Map<string, AddedToken>();
  readonly #addedById = new Map<number, AddedToken>();
  readonly #split: ReturnType<typeof addedTokenSplitter>;
  /** Tells whether words may also be cut before a space: text that is not cut otherwise would be one long word. */
  readonly #cutsAtSpaces: boolean;
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
    const { pipeline } = parts;
    this.#vocabulary = idsByText(parts.tokens);
    const symbols = {
      idOf: (token: string) => this.#vocabulary.get(token),
      byteFallback: pipeline.byteFallback,
      unknownId: this.#vocabulary.get(pipeline.unknown ?? ''),
      fuseUnknown: pipeline.fuseUnknown,
    };
    this.#encodeWord = bytePairEncoder(parts.merges, (word) => {
      const spelled = pipeline.byteLevel ? byteText(word) : word;
      const whole = pipeline.ignoreMerges ? symbols.idOf(spelled) : undefined;
      return whole === undefined ? symbolsOf(spelled, symbols) : [whole];
    });
    this.#cutsAtSpaces =
      symbols.idOf(SPACE) !== undefined &&
      !parts.tokens.some((token) => token !== undefined && /[^\u2581]\u2581/.test(token));
    let size = parts.tokens.length;
    for (const token of parts.added) {
      this.#addedById.set(token.id, token);
      this.#addedByText.set(token.content, token);
      size = Math.max(size, token.id + 1);
    }
    this.#split = addedTokenSplitter(parts.added, pipeline.normalize);
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
    const { ends = [] } = this.#parts;
    const template = ChatTemplate.of(this);
    const written = this.encode(template.afterAnswer())[0];
    const ids = [
      written !== undefined && this.isSpecial(written) ? written : undefined,
      this.findId(TURN_END),
      this.eosId,
      this.findId(template.format.callEnd ?? ''),
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
    const { added } = this.#parts;
    // Added tokens may be in the vocabulary as well, as the file has it.
    const tokens = this.#parts.tokens.map((token, id) => (this.#addedById.has(id) ? undefined : token));
    tokens.length = tokens.findLastIndex((token) => token !== undefined) + 1;
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
  encode(text: string, { allowSpecial = true, addSpecial = false }: EncodeOptions = {}): TokenIds {
    const { pipeline } = this.#parts;
    const ids: number[] = [];
    const parts = allowSpecial ? this.#split(text) : [pipeline.normalize(text)];
    for (const part of parts) {
      if (typeof part !== 'string') ids.push(part.id);
      else if (part !== '') this.#encodePlain(part, ids);
    }
    if (!addSpecial) return asTokenIds(new Int32Array(ids));
    const [before, after] = [pipeline.before, pipeline.after].map((tokens) =>
      tokens.map((token) => this.idOf(token)),
    );
    return asTokenIds(Int32Array.from([...(before ?? []), ...ids, ...(after ?? [])]));
  }

  #encodePlain(text: string, ids: number[]): void {
    for (const word of cutWords(text, this.#parts.pipeline)) {
      const words = this.#cutsAtSpaces ? (word.match(SPACED_WORDS) ?? []) : [word];
      for (const one of words) for (const id of this.#encodeWord(one)) ids.push(id);
    }
  }

  /** Ids to text; bytes that are no UTF-8 become U+FFFD, ids outside of the vocabulary become nothing. */
  decode(ids: ArrayLike<number>): string {
    const { byteTokens, strip } = this.#parts.pipeline.decoder;
    const all = Array.from(ids);
    // Buffer's own decoder keeps a leading U+FEFF, which TextDecoder would drop.
    const text = Buffer.concat(byteTokens ? this.#runs(all) : all.map((id) => this.tokenBytes(id))).toString(
      'utf8',
    );
    return strip === 0 ? text : text.replace(new RegExp(`^ {0,${strip}}`), '');
  }

  /** The bytes of tokens, where byte tokens in a row that are no UTF-8 together become a U+FFFD each, as Hugging Face has it. */
  #runs(ids: readonly number[]): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let run: number[] = [];
    const endRun = (): void => {
      const bytes = Buffer.from(run);
      pieces.push(isUtf8(bytes) ? bytes : Buffer.from('\uFFFD'.repeat(bytes.length)));
      run = [];
    };
    for (const id of ids) {
      const byte = this.#byteOf(id);
      if (byte !== undefined) run.push(byte);
      else {
        endRun();
        pieces.push(this.tokenBytes(id));
      }
    }
    endRun();
    return pieces;
  }

  /** The byte that a token such as <0x41> stands for. */
  #byteOf(id: number): number | undefined {
    const { pipeline, tokens } = this.#parts;
    return pipeline.decoder.byteTokens ? byteOfToken(tokens[id] ?? '') : undefined;
  }

  /** The bytes that `id` stands for; none if it is outside of the vocabulary. */
  tokenBytes(id: number): Uint8Array {
    const known = this.#bytes[id];
    if (known !== undefined) return known;
    const bytes = this.#bytesOf(id);
    if (id >= 0 && id < this.vocabSize) this.#bytes[id] = bytes;
    return bytes;
  }

  #bytesOf(id: number): Uint8Array {
    const { tokens, pipeline } = this.#parts;
    const byte = this.#byteOf(id);
    if (byte !== undefined) return Uint8Array.of(byte);
    const { byteLevel, change } = pipeline.decoder;
    const added = this.#addedById.get(id)?.content;
    const token = tokens[id] ?? '';
    return added === undefined && byteLevel
      ? bytesOfText(token)
      : Buffer.from(change(added ?? token), 'utf8');
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
        `The tokenizer has no token ${token}; use a checkpoint whose tokenizer has it.`,
      );
    }
    return id;
  }

  /** The id of a token, or undefined. */
  findId(token: string): number | undefined {
    return this.#addedByText.get(token)?.id ?? this.#vocabulary.get(token);
  }

  /** Tells whether `id` is a special token (the tool and think tags are not: a parser must see them). */
  isSpecial(id: number): boolean {
    return this.#addedById.get(id)?.special === true;
  }

  /** Text of an added token such as <think>; undefined for any other. */
  addedText(id: number): string | undefined {
    return this.#addedById.get(id)?.content;
  }

  /** The ids of the special tokens. */
  specialIds(): readonly number[] {
    return this.#parts.added.filter((token) => token.special).map((token) => token.id);
  }
}
