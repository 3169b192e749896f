/** Prompts of conversations. What many begin with, their tools and system messages, is rendered and made into tokens once. */
import { required, UserError } from '../../../src/base/errors.ts';
import { Lru } from '../../../src/base/lru.ts';
import { asTokenIds, type TokenIds } from '../../../src/base/token-ids.ts';
import type { ChatInput, ChatTemplate } from '../../../src/chat/template.ts';
import type { Tokenizer } from '../../../src/chat/tokenizer.ts';
import type { ExactMessage, Message, Tool } from '../../../src/chat/messages.ts';

/** A conversation that is to be answered. */
export interface Conversation {
  readonly messages: readonly (Message | ExactMessage)[];
  readonly tools: readonly Tool[];
}

export interface ReadyPrompt {
  readonly text: string;
  readonly ids: TokenIds;
  /** Tokens that other prompts begin with, too. */
  readonly shared: number;
}

interface Beginning {
  readonly ids: TokenIds;
  /** Number of tokens that do not depend on what is asked. */
  readonly shared: number;
  /** Text around a request, and where the part begins whose tokens depend on it; undefined where a template does more. */
  readonly around: { readonly before: string; readonly after: string; readonly cut: number } | undefined;
  /** Tokens of the text up to the cut. */
  readonly fixed: TokenIds;
}

/** Beginnings that are remembered. */
const MOST = 64;
/** Characters of a token on the average, and tokens of a message, beyond and below which no prompt is worth to be rendered. */
const MOST_CHARS = 8;
const LEAST_TOKENS = 4;
/** Requests that templates write as they are, white space at both ends included. */
const PROBES = ['A', ' z.\n '] as const;
/** Requests without the marks of tags, which templates and vocabularies may treat otherwise. */
const PLAIN = /^[^<>[\]{}|\p{C}]+$/u;

function commonLength(a: ArrayLike<unknown>, b: ArrayLike<unknown>): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1;
  return at;
}

const joined = (a: TokenIds, b: TokenIds): TokenIds => {
  const ids = new Int32Array(a.length + b.length);
  ids.set(a);
  ids.set(b, a.length);
  return asTokenIds(ids);
};

export class Prompts {
  readonly #template: ChatTemplate;
  readonly #tokenizer: Tokenizer;
  readonly #contextLength: number;
  readonly #beginnings = new Lru<Beginning>(MOST);

  constructor(template: ChatTemplate, tokenizer: Tokenizer, contextLength: number) {
    this.#template = template;
    this.#tokenizer = tokenizer;
    this.#contextLength = contextLength;
  }

  /** Prompt of a conversation. Throws a UserError where the template refuses it, or it is longer than the context by far. */
  of({ messages, tools }: Conversation): ReadyPrompt {
    this.#need({ messages, tools });
    const first = messages.findIndex(({ role }) => role !== 'system');
    const system = messages.slice(0, Math.max(0, first));
    const asked = messages[system.length];
    const beginning = this.#beginnings.get(JSON.stringify([system, tools]), () => this.#begin(system, tools));
    const { around, fixed } = beginning;
    const isOne = messages.length === system.length + 1 && asked?.role === 'user';
    if (around !== undefined && isOne && PLAIN.test(asked.content)) {
      const text = around.before + asked.content + around.after;
      const ids = joined(fixed, this.#tokenizer.encode(text.slice(around.cut)));
      return { text, ids, shared: Math.min(commonLength(beginning.ids, ids), beginning.shared) };
    }
    const text = this.#template.prompt({ messages, tools });
    const ids = this.#tokenizer.encode(text);
    return { text, ids, shared: Math.min(commonLength(beginning.ids, ids), beginning.shared) };
  }

  /** Tokens of a text; see `of` for what it throws. */
  tokens(text: string): TokenIds {
    this.#need({ messages: [{ role: 'user', content: text }], tools: [] });
    return this.#tokenizer.encode(text);
  }

  /** Refuses what takes long to be rendered and made into tokens, and has no room. */
  #need({ messages, tools }: Conversation): void {
    const said = messages.reduce((sum, { content }) => sum + content.length, JSON.stringify(tools).length);
    if (said > this.#contextLength * MOST_CHARS || messages.length > this.#contextLength / LEAST_TOKENS)
      throw new UserError(
        'PROMPT_TOO_LONG',
        `The conversation has ${messages.length} messages and ${said} characters, and the model has room for ${this.#contextLength} tokens; shorten it.`,
      );
  }

  #begin(system: ChatInput['messages'], tools: Conversation['tools']): Beginning {
    const texts = PROBES.map((content) =>
      this.#template.prompt({ messages: [...system, { role: 'user', content }], tools }),
    );
    const all = texts.map((text) => this.#tokenizer.encode(text));
    const [ids, other] = [required(all[0], 'tokens'), required(all[1], 'tokens')];
    const shared = commonLength(ids, other);
    const around = this.#around(texts, ids.subarray(0, shared));
    const fixed = this.#tokenizer.encode(texts[0]?.slice(0, around?.cut ?? 0) ?? '');
    // Tokens of the two parts have to be those of the whole.
    const isSame = texts.every((text, i) => {
      const parts = joined(fixed, this.#tokenizer.encode(text.slice(around?.cut ?? 0)));
      return parts.length === all[i]?.length && commonLength(parts, all[i]) === parts.length;
    });
    return { ids, shared, fixed, around: isSame ? around : undefined };
  }

  /** Text around requests where a template writes them as they are, cut behind the last tag that is a token. */
  #around([text = '', other = '']: readonly string[], shared: ArrayLike<number>): Beginning['around'] {
    const at = commonLength(text, other);
    const [before, after] = [text.slice(0, at), text.slice(at + PROBES[0].length)];
    if (text !== before + PROBES[0] + after || other !== before + PROBES[1] + after) return undefined;
    const tags = new Set(Array.from(shared, (id) => this.#tokenizer.addedText(id) ?? ''));
    const ends = [...tags].flatMap((tag) => (tag === '' ? [] : [before.lastIndexOf(tag) + tag.length]));
    const cut = Math.max(0, ...ends);
    return cut > 0 && cut < before.length ? { before, after, cut } : undefined;
  }
}
