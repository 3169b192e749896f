/** A vocabulary without its tokenizer: llama.cpp makes tokens of prompts, and all else needs what each of them stands for. */
import { InternalError } from '../../../../src/base/errors.ts';
import { asTokenIds, type TokenIds } from '../../../../src/base/token-ids.ts';
import { bytesOf } from '../../../constrain/src/state.ts';
import type { TokenTexts } from '../../../constrain/src/vocabulary.ts';
import type { VocabularyFacts } from './facts.ts';

const bytesIn = (latin: string): Uint8Array => Uint8Array.from(latin, (char) => char.charCodeAt(0));
const latinOf = (bytes: readonly number[]): string => bytes.map((byte) => String.fromCharCode(byte)).join('');

export class WebVocabulary implements TokenTexts {
  readonly vocabSize: number;
  readonly stopIds: readonly number[];
  readonly #bytes: readonly string[];
  readonly #special: ReadonlySet<number>;
  /** Ids of added tokens by their texts, the longest first. */
  readonly #added: ReadonlyMap<string, number>;
  /** Ids of all others by their bytes. */
  readonly #plain: ReadonlyMap<string, number>;
  readonly #longest: number;

  constructor({ bytes, added, special, stop }: VocabularyFacts) {
    this.vocabSize = bytes.length;
    this.stopIds = stop;
    this.#bytes = bytes;
    this.#special = new Set(special);
    const isAdded = new Set(added);
    const texts = added.map((id) => [this.decode([id]), id] as const);
    this.#added = new Map(texts.toSorted(([a], [b]) => b.length - a.length));
    this.#plain = new Map(bytes.flatMap((latin, id) => (isAdded.has(id) ? [] : [[latin, id] as const])));
    this.#longest = Math.max(0, ...Array.from(this.#plain.keys(), (latin) => latin.length));
  }

  tokenBytes(id: number): Uint8Array {
    return bytesIn(this.#bytes[id] ?? '');
  }

  /** The id of an added token, or undefined. */
  findId(text: string): number | undefined {
    return this.#added.get(text);
  }

  addedText(id: number): string | undefined {
    const text = this.decode([id]);
    return this.#added.get(text) === id ? text : undefined;
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  /** Text of tokens, a leading U+FEFF included; bytes that are no UTF-8 become U+FFFD. */
  decode(ids: ArrayLike<number>): string {
    const bytes = Array.from(ids).flatMap((id) => [...this.tokenBytes(id)]);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  }

  /** Tokens that stand for a text, though not always those that its tokenizer makes of it. */
  encode(text: string): TokenIds {
    let parts = [text];
    for (const tag of this.#added.keys())
      parts = parts.flatMap((part) =>
        this.#added.has(part)
          ? [part]
          : part.split(tag).flatMap((piece, i) => (i === 0 ? [piece] : [tag, piece])),
      );
    return asTokenIds(parts.flatMap((part) => this.findId(part) ?? this.#plainIds(part)));
  }

  #plainIds(text: string): number[] {
    const latin = latinOf(bytesOf(text));
    const ids: number[] = [];
    for (let at = 0; at < latin.length;) {
      let length = Math.min(this.#longest, latin.length - at);
      while (length > 0 && !this.#plain.has(latin.slice(at, at + length))) length -= 1;
      const id = this.#plain.get(latin.slice(at, at + length));
      if (id === undefined || length === 0) throw new InternalError(`no token begins ${text.slice(0, 80)}`);
      ids.push(id);
      at += length;
    }
    return ids;
  }
}
