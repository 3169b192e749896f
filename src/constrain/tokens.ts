/** States of texts, moved by the tokens of a vocabulary. */
import type { ToolFormat } from '../chat/formats/format.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import type { Constraint } from '../model/generate/sampler.ts';
import { answers, type CallRules } from './calls.ts';
import { type State, TAGS, type TextSymbol } from './state.ts';

/** Tags that stand for no text of a person's. */
const TAG = /^<\S+>$/;

/** The parts of a tokenizer that constraints need: a page in a browser has no more of one. */
export type TokenTexts = Pick<
  Tokenizer,
  'addedText' | 'encode' | 'isSpecial' | 'stopIds' | 'tokenBytes' | 'vocabSize'
>;

/** A vocabulary as symbols. */
export class TokenSymbols {
  readonly #tokenizer: TokenTexts;
  readonly #known: (readonly TextSymbol[] | undefined)[] = [];

  constructor(tokenizer: TokenTexts) {
    this.#tokenizer = tokenizer;
  }

  /** Symbols of a token; none of one that stands for nothing. */
  of(id: number): readonly TextSymbol[] {
    return (this.#known[id] ??= this.#isTag(id) ? [TAGS + id] : [...this.#tokenizer.tokenBytes(id)]);
  }

  #isTag(id: number): boolean {
    const added = this.#tokenizer.addedText(id);
    return this.#tokenizer.isSpecial(id) || (added !== undefined && TAG.test(added));
  }

  /** Symbols of a text in which tags are tokens. */
  ofText(text: string): readonly TextSymbol[] {
    return [...this.#tokenizer.encode(text)].flatMap((id) => this.of(id));
  }

  /** Calls in answers by rules; undefined for a format whose calls are no JSON. */
  constraint(format: ToolFormat, rules: CallRules): Constraint | undefined {
    const start = answers(format, (text) => this.ofText(text), rules);
    return start === undefined ? undefined : this.#at(start, new Set(this.#tokenizer.stopIds));
  }

  #at(state: State, stop: ReadonlySet<number>): Constraint {
    return {
      after: (token) => {
        if (stop.has(token)) return state.isEnd ? this.#at(state, stop) : undefined;
        const symbols = this.of(token);
        if (symbols.length === 0) return undefined;
        let next: State | undefined = state;
        for (const symbol of symbols) {
          next = next.after(symbol);
          if (next === undefined) return undefined;
        }
        return this.#at(next, stop);
      },
    };
  }
}
