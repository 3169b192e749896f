/** States of texts, moved by the tokens of a vocabulary. */
import type { ToolFormat } from '../../../src/chat/formats/format.ts';
import type { Constraint } from '../../../src/model/generate/sampler.ts';
import { answers, type CallRules } from './calls.ts';
import { type Known, type TokenTexts, Vocabulary } from './vocabulary.ts';

/** Rules that are kept with all that was found by them, and answers that one is kept for, since it grows with each. */
const [MAX_STARTS, MAX_USES] = [16, 256];

/** Constraints for the answers of a model. */
export class TokenSymbols {
  readonly #vocabulary: Vocabulary;
  readonly #stop: ReadonlySet<number>;
  readonly #starts = new Map<string, { readonly known: Known; uses: number }>();

  constructor(tokenizer: TokenTexts) {
    this.#vocabulary = new Vocabulary(tokenizer);
    this.#stop = new Set(tokenizer.stopIds);
  }

  /** Answers by rules. Throws a UserError for a schema that cannot be held. */
  constraint(format: ToolFormat, rules: CallRules): Constraint {
    const { verbatim = {}, request, ...others } = rules;
    // A request matters where values are words of it alone.
    const key = JSON.stringify([
      format.name,
      others,
      Object.keys(verbatim).length > 0 ? [verbatim, request] : [],
    ]);
    const kept = this.#starts.get(key);
    if (kept !== undefined) {
      kept.uses += 1;
      if (kept.uses >= MAX_USES) this.#starts.delete(key);
      return this.#at(kept.known);
    }
    if (this.#starts.size >= MAX_STARTS) this.#starts.clear();
    const vocabulary = this.#vocabulary;
    const known = vocabulary.known(answers(format, (text) => vocabulary.ofText(text), rules));
    this.#starts.set(key, { known, uses: 1 });
    return this.#at(known);
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
