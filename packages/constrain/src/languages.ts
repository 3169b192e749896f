/**
 * Regular languages over characters, as expressions whose derivatives are the states of an automaton that is made when it is
 * reached (Owens, Reppy, Turon 2009: Regular-expression derivatives re-examined). Equal expressions are the same object.
 */
import { InternalError, UserError } from '../../../src/base/errors.ts';

/** Code points from the first to the second of each, in rising order, without overlap. */
export type Ranges = readonly (readonly [from: number, to: number])[];

const LAST = 0x10ffff;
/** Halves of pairs, which are no characters. */
const [HALF, BEHIND_HALVES] = [0xd800, 0xe000];
/** States that an automaton may have: patterns of people have a few hundred. */
const MAX_STATES = 20_000;

/** The characters of several ranges together. */
export function union(ranges: Ranges): Ranges {
  const merged: [number, number][] = [];
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** All characters but these. */
export function complement(ranges: Ranges): Ranges {
  const rest: [number, number][] = [];
  let at = 0;
  for (const [from, to] of union(ranges)) {
    if (from > at) rest.push([at, from - 1]);
    at = to + 1;
  }
  return at <= LAST ? [...rest, [at, LAST]] : rest;
}

/** Texts of a character each, the empty text, one language behind another, and so on. */
type Shape =
  | { readonly kind: 'chars'; readonly ranges: Ranges }
  | { readonly kind: 'then'; readonly first: Language; readonly second: Language }
  | { readonly kind: 'or' | 'and'; readonly parts: readonly Language[] }
  | { readonly kind: 'not'; readonly of: Language }
  | { readonly kind: 'repeat'; readonly of: Language; readonly least: number; readonly most: number };

/** A language, and the state behind every text that leads to it. */
export interface Language {
  readonly id: number;
  readonly shape: Shape;
  /** Tells whether the empty text is in it. */
  readonly hasEmpty: boolean;
  /** Tells whether there is a text in it for sure, without a look at its automaton. */
  readonly isPlain: boolean;
}

/** Characters and the language behind them. */
export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly next: Language;
}

const isEmptyText = ({ shape }: Language): boolean => shape.kind === 'repeat' && shape.most === 0;

/** Languages that are made of one another. */
export class Languages {
  readonly #known = new Map<string, Language>();
  readonly #edges = new Map<Language, readonly Edge[]>();
  readonly #live = new Map<Language, boolean>();

  /** No text at all. */
  readonly none = this.chars([]);
  /** The empty text alone. */
  readonly empty = this.#made({ kind: 'repeat', of: this.none, least: 0, most: 0 }, '', true, true);
  readonly anyChar = this.chars([[0, LAST]]);
  readonly any = this.repeat(this.anyChar, 0, Infinity);

  #made(shape: Shape, key: string, hasEmpty: boolean, isPlain: boolean): Language {
    const name = `${shape.kind} ${key}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const made = { id: this.#known.size, shape, hasEmpty, isPlain };
    this.#known.set(name, made);
    return made;
  }

  /** One of some characters. */
  chars(ranges: Ranges): Language {
    const all = union(ranges);
    return this.#made({ kind: 'chars', ranges: all }, all.join(';'), false, all.length > 0);
  }

  /** One text alone. */
  literal(text: string): Language {
    return Array.from(text).reduceRight((rest, char) => {
      const code = char.codePointAt(0) ?? 0;
      return this.join(this.chars([[code, code]]), rest);
    }, this.empty);
  }

  /** Texts of one language and then of another. */
  join(first: Language, second: Language): Language {
    if (first === this.none || second === this.none) return this.none;
    if (isEmptyText(first)) return second;
    if (isEmptyText(second)) return first;
    if (first === this.any && second === this.any) return first;
    if (first.shape.kind === 'then')
      return this.join(first.shape.first, this.join(first.shape.second, second));
    return this.#made(
      { kind: 'then', first, second },
      `${first.id} ${second.id}`,
      first.hasEmpty && second.hasEmpty,
      first.isPlain && second.isPlain,
    );
  }

  #parts(kind: 'or' | 'and', given: readonly Language[]): readonly Language[] {
    const flat = given.flatMap((part) => (part.shape.kind === kind ? part.shape.parts : [part]));
    return [...new Set(flat)].toSorted((a, b) => a.id - b.id);
  }

  or(...given: readonly Language[]): Language {
    const all = this.#parts('or', given).filter((part) => part !== this.none);
    if (all.includes(this.any)) return this.any;
    const ranges = all.flatMap(({ shape }) => (shape.kind === 'chars' ? [shape.ranges] : []));
    if (ranges.length > 1)
      return this.or(this.chars(ranges.flat()), ...all.filter(({ shape }) => shape.kind !== 'chars'));
    const [first, second] = all;
    if (first === undefined || second === undefined) return first ?? this.none;
    return this.#made(
      { kind: 'or', parts: all },
      all.map(({ id }) => id).join(),
      all.some(({ hasEmpty }) => hasEmpty),
      all.some(({ isPlain }) => isPlain),
    );
  }

  and(...given: readonly Language[]): Language {
    const all = this.#parts('and', given).filter((part) => part !== this.any);
    if (all.includes(this.none)) return this.none;
    const [first, second] = all;
    if (first === undefined || second === undefined) return first ?? this.any;
    const hasEmpty = all.every((part) => part.hasEmpty);
    if (all.some(isEmptyText)) return hasEmpty ? this.empty : this.none;
    return this.#made({ kind: 'and', parts: all }, all.map(({ id }) => id).join(), hasEmpty, hasEmpty);
  }

  not(of: Language): Language {
    if (of.shape.kind === 'not') return of.shape.of;
    if (of === this.none) return this.any;
    if (of === this.any) return this.none;
    return this.#made({ kind: 'not', of }, String(of.id), !of.hasEmpty, !of.hasEmpty);
  }

  /** A language so many times in a row. */
  repeat(of: Language, least: number, most: number): Language {
    const from = of.hasEmpty ? 0 : least;
    if (most === 0 || isEmptyText(of)) return this.empty;
    if (of === this.none) return from === 0 ? this.empty : of;
    if (from === 1 && most === 1) return of;
    if (from === 0 && most === Infinity && of.shape.kind === 'repeat' && of.shape.most === Infinity)
      if (of.shape.least === 0) return of;
    return this.#made(
      { kind: 'repeat', of, least: from, most },
      `${of.id} ${from} ${most}`,
      from === 0,
      from === 0 || of.isPlain,
    );
  }

  /** Texts in which one of a language stands somewhere. */
  containing(of: Language): Language {
    return this.join(this.any, this.join(of, this.any));
  }

  #derivative(of: Language, char: number): Language {
    const { shape } = of;
    switch (shape.kind) {
      case 'chars':
        return shape.ranges.some(([from, to]) => char >= from && char <= to) ? this.empty : this.none;
      case 'then': {
        const { first, second } = shape;
        const behind = this.join(this.#derivative(first, char), second);
        return first.hasEmpty ? this.or(behind, this.#derivative(second, char)) : behind;
      }
      case 'or':
        return this.or(...shape.parts.map((part) => this.#derivative(part, char)));
      case 'and':
        return this.and(...shape.parts.map((part) => this.#derivative(part, char)));
      case 'not':
        return this.not(this.#derivative(shape.of, char));
      case 'repeat': {
        if (shape.most === 0) return this.none;
        const rest = this.repeat(shape.of, Math.max(shape.least - 1, 0), shape.most - 1);
        return this.join(this.#derivative(shape.of, char), rest);
      }
    }
  }

  /** Adds the characters before which something else may follow. */
  #cuts(of: Language, into: Set<number>): void {
    const { shape } = of;
    switch (shape.kind) {
      case 'chars':
        for (const [from, to] of shape.ranges) into.add(from).add(to + 1);
        return;
      case 'then':
        this.#cuts(shape.first, into);
        if (shape.first.hasEmpty) this.#cuts(shape.second, into);
        return;
      case 'or':
      case 'and':
        for (const part of shape.parts) this.#cuts(part, into);
        return;
      default:
        this.#cuts(shape.of, into);
    }
  }

  #allEdges(of: Language): readonly Edge[] {
    const known = this.#edges.get(of);
    if (known !== undefined) return known;
    if (this.#edges.size >= MAX_STATES)
      throw new UserError(
        'SCHEMA',
        'A pattern of the schema, or a length beside it, is too large to be held; make it smaller.',
      );
    const cuts = new Set([0, HALF, BEHIND_HALVES]);
    this.#cuts(of, cuts);
    const begins = [...cuts].filter((cut) => cut <= LAST).toSorted((a, b) => a - b);
    const edges: { from: number; to: number; next: Language }[] = [];
    for (const [i, from] of begins.entries()) {
      if (from >= HALF && from < BEHIND_HALVES) continue;
      const next = this.#derivative(of, from);
      const to = (begins[i + 1] ?? LAST + 1) - 1;
      const last = edges.at(-1);
      if (last?.next === next && last.to === from - 1) last.to = to;
      else if (next !== this.none) edges.push({ from, to, next });
    }
    this.#edges.set(of, edges);
    return edges;
  }

  /** Tells whether there is a text in a language. Throws a UserError for an automaton that is too large. */
  isLive(of: Language): boolean {
    if (of === this.none) return false;
    if (of.isPlain || of.hasEmpty) return true;
    const known = this.#live.get(of);
    if (known !== undefined) return known;
    // From state to the one that it was reached from; all on the way to a text are live, and all are dead if none is found.
    const cameFrom = new Map<Language, Language | undefined>([[of, undefined]]);
    const open = [of];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const { next } of this.#allEdges(at)) {
        const isLive = next.isPlain || next.hasEmpty || this.#live.get(next);
        if (isLive === true) {
          for (let back: Language | undefined = at; back !== undefined; back = cameFrom.get(back))
            this.#live.set(back, true);
          return true;
        }
        if (isLive === false || cameFrom.has(next)) continue;
        cameFrom.set(next, at);
        open.push(next);
      }
    }
    for (const dead of cameFrom.keys()) this.#live.set(dead, false);
    return false;
  }

  /** Characters that texts may begin with, and the languages of what follows, which have a text. */
  edges(of: Language): readonly Edge[] {
    const edges = this.#allEdges(of);
    if (edges.every(({ next }) => this.isLive(next))) return edges;
    const live = edges.filter(({ next }) => this.isLive(next));
    this.#edges.set(of, live);
    return live;
  }

  /** A shortest text of a language that has one. */
  #shortest(of: Language): string {
    const seen = new Set([of]);
    const open: (readonly [text: string, rest: Language])[] = [['', of]];
    for (const [text, rest] of open) {
      if (rest.hasEmpty) return text;
      for (const { from, next } of this.edges(rest)) {
        if (seen.has(next)) continue;
        seen.add(next);
        open.push([text + String.fromCodePoint(from), next]);
      }
    }
    throw new InternalError('a language that is live has no text');
  }

  /** Some different texts of a language: all of them, or `most`. */
  texts(of: Language, most: number): string[] {
    const found: string[] = [];
    let level: readonly (readonly [text: string, rest: Language])[] = this.isLive(of) ? [['', of]] : [];
    while (level.length > 0 && level.length + found.length < most) {
      const next: [string, Language][] = [];
      for (const [text, rest] of level) {
        if (rest.hasEmpty) found.push(text);
        for (const { from, to, next: behind } of this.edges(rest))
          for (let code = from; code <= to && next.length < most; code++)
            next.push([text + String.fromCodePoint(code), behind]);
      }
      level = next;
    }
    // Texts that begin unlike and equally long stay unlike.
    return [...found, ...level.map(([text, rest]) => text + this.#shortest(rest))].slice(0, most);
  }
}
