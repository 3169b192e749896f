/** States of texts, moved by the tokens of a vocabulary. */
import type { ToolFormat } from '../chat/formats/format.ts';
import type { Constraint } from '../model/generate/sampler.ts';
import { answers, type CallRules } from './calls.ts';
import { type Known, type TokenTexts, Vocabulary } from './vocabulary.ts';

/** Constraints for the answers of a model. */
export class TokenSymbols {
  readonly #vocabulary: Vocabulary;
  readonly #stop: ReadonlySet<number>;

  constructor(tokenizer: TokenTexts) {
    this.#vocabulary = new Vocabulary(tokenizer);
    this.#stop = new Set(tokenizer.stopIds);
  }

  /** Answers by rules. Throws a UserError for a schema that cannot be held. */
  constraint(format: ToolFormat, rules: CallRules): Constraint {
    const vocabulary = this.#vocabulary;
    return this.#at(vocabulary.known(answers(format, (text) => vocabulary.ofText(text), rules)));
  }

  #at(known: Known): Constraint {
    return {
      after: (token) => {
        if (this.#stop.has(token)) return known.state.isEnd ? this.#at(known) : undefined;
        const next = this.#vocabulary.behind(known, token);
        return next && this.#at(next);
      },
      tokens: () => {
        const open = this.#vocabulary.tokens(known).filter((token) => !this.#stop.has(token));
        return known.state.isEnd ? [...open, ...this.#stop] : open;
      },
    };
  }
}
