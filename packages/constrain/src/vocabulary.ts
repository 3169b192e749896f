/** A vocabulary as symbols: bytes, and tags that are tokens; sorted, so that tokens that begin alike are walked once. */
import type { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { type State, TAGS, type TextSymbol } from './state.ts';

/** Tags that stand for no text of a person's. */
const TAG = /^<\S+>$/;

/** The parts of a tokenizer that constraints need: a page in a browser has no more of one. */
export type TokenTexts = Pick<
  Tokenizer,
  'addedText' | 'encode' | 'isSpecial' | 'stopIds' | 'tokenBytes' | 'vocabSize'
>;

/** The nodes of a tree of all tokens, each before those below it. */
interface Tree {
  readonly symbols: Int32Array;
  readonly depths: Uint16Array;
  /** Place behind the last node below. */
  readonly ends: Int32Array;
  /** Tokens that end at a node: the first of them, and places of more in `twins`; -1 for none. */
  readonly ids: Int32Array;
}

/** A state whose followers are kept: equal texts lead to the same. */
export interface Known {
  readonly state: State;
  /** Follower by symbol; undefined where none may come. */
  readonly after: Map<TextSymbol, Known | undefined>;
  /** Tokens that may come, found when first asked for. */
  tokens?: readonly number[];
}

/** Symbols of tokens, and the tokens that a state lets pass. */
export class Vocabulary {
  readonly #tokenizer: TokenTexts;
  readonly #symbols: (readonly TextSymbol[] | undefined)[] = [];
  readonly #known = new WeakMap<State, Known>();
  readonly #twins = new Map<number, number[]>();
  #tree: Tree | undefined;

  constructor(tokenizer: TokenTexts) {
    this.#tokenizer = tokenizer;
  }

  /** Symbols of a token; none of one that stands for nothing. */
  of(id: number): readonly TextSymbol[] {
    return (this.#symbols[id] ??= this.#isTag(id) ? [TAGS + id] : [...this.#tokenizer.tokenBytes(id)]);
  }

  #isTag(id: number): boolean {
    const added = this.#tokenizer.addedText(id);
    return this.#tokenizer.isSpecial(id) || (added !== undefined && TAG.test(added));
  }

  /** Symbols of a text in which tags are tokens. */
  ofText(text: string): readonly TextSymbol[] {
    return [...this.#tokenizer.encode(text)].flatMap((id) => this.of(id));
  }

  known(state: State): Known {
    const known = this.#known.get(state);
    if (known !== undefined) return known;
    const made = { state, after: new Map<TextSymbol, Known | undefined>() };
    this.#known.set(state, made);
    return made;
  }

  after(from: Known, symbol: TextSymbol): Known | undefined {
    const kept = from.after.get(symbol);
    if (kept !== undefined || from.after.has(symbol)) return kept;
    const next = from.state.after(symbol);
    const known = next && this.known(next);
    from.after.set(symbol, known);
    return known;
  }

  /** State behind a token; undefined where it may not come. */
  behind(from: Known, token: number): Known | undefined {
    const symbols = this.of(token);
    if (symbols.length === 0) return undefined;
    let at: Known | undefined = from;
    for (const symbol of symbols) {
      at = this.after(at, symbol);
      if (at === undefined) return undefined;
    }
    return at;
  }

  /** Tokens that may come in a state. */
  tokens(from: Known): readonly number[] {
    from.tokens ??= this.#walked(from);
    return from.tokens;
  }

  #walked(from: Known): number[] {
    this.#tree ??= this.#treeOf();
    const { symbols, depths, ends, ids } = this.#tree;
    const found: number[] = [];
    const stack: Known[] = [from];
    for (let i = 0; i < symbols.length;) {
      const depth = depths[i] ?? 0;
      const above = stack[depth];
      const next = above && this.after(above, symbols[i] ?? 0);
      if (next === undefined) {
        i = ends[i] ?? symbols.length;
        continue;
      }
      stack[depth + 1] = next;
      const id = ids[i] ?? -1;
      if (id >= 0) found.push(id, ...(this.#twins.get(id) ?? []));
      i++;
    }
    return found;
  }

  #treeOf(): Tree {
    const all = Array.from({ length: this.#tokenizer.vocabSize }, (_, id) => id);
    const tokens = all
      .filter((id) => this.of(id).length > 0)
      .toSorted((a, b) => compare(this.of(a), this.of(b)));
    const nodes: { symbol: number; depth: number; end: number; id: number }[] = [];
    let open: number[] = [];
    let before: readonly TextSymbol[] = [];
    const close = (depth: number): void => {
      for (const node of open.splice(depth)) {
        const closed = nodes[node];
        if (closed !== undefined) closed.end = nodes.length;
      }
    };
    for (const id of tokens) {
      const symbols = this.of(id);
      let shared = 0;
      while (shared < symbols.length && symbols[shared] === before[shared]) shared++;
      close(shared);
      for (let depth = shared; depth < symbols.length; depth++) {
        open.push(nodes.length);
        nodes.push({ symbol: symbols[depth] ?? 0, depth, end: 0, id: -1 });
      }
      const last = nodes[open.at(-1) ?? 0];
      if (last !== undefined && last.id < 0) last.id = id;
      else if (last !== undefined) this.#twins.set(last.id, [...(this.#twins.get(last.id) ?? []), id]);
      before = symbols;
    }
    close(0);
    open = [];
    return {
      symbols: Int32Array.from(nodes, ({ symbol }) => symbol),
      depths: Uint16Array.from(nodes, ({ depth }) => depth),
      ends: Int32Array.from(nodes, ({ end }) => end),
      ids: Int32Array.from(nodes, ({ id }) => id),
    };
  }
}

function compare(a: readonly TextSymbol[], b: readonly TextSymbol[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
