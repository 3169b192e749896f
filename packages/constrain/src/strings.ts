/** Texts in a notation: those of a language, or some of the words of a request. */
import { JSON_NOTATION, type Notation } from '../../../src/chat/formats/format.ts';
import { complement, type Edge, type Language, type Languages, type Ranges } from './languages.ts';
import { bytesOf, code, either, literal, type Rest, type State, type TextSymbol } from './state.ts';

/** Writing of a text between its quotes. */
export interface TextStyle {
  /** Symbols behind the text. */
  readonly close: readonly TextSymbol[];
  /** Characters that stand as they are. */
  readonly plain: Ranges;
  /** Characters by the letter behind a backslash, as \uXXXX beside them; undefined where there are no escapes. */
  readonly escapes: ReadonlyMap<TextSymbol, number> | undefined;
  /** Language that the bytes between the quotes are of, if not any: no reader is to see an end in them. */
  readonly guard: Language | undefined;
}

/** Style of a notation, for quotes whose end is these symbols. */
export const styleOf = (
  { plain, escapes }: Notation,
  close: readonly TextSymbol[],
  guard?: Language,
): TextStyle => ({
  close,
  plain:
    plain === undefined
      ? complement([])
      : complement([...rangesOutside(new RegExp(plain)), ...close.map((char) => [char, char] as const)]),
  escapes:
    escapes && new Map(Object.entries(escapes).map(([letter, char]) => [code(letter), code(char)] as const)),
  guard: escapes && guard,
});

/** Characters of ASCII that a class leaves out. */
function rangesOutside(plain: RegExp): Ranges {
  return Array.from({ length: 128 }, (_, char) => char)
    .filter((char) => !plain.test(String.fromCharCode(char)))
    .map((char) => [char, char]);
}

const [BACKSLASH, UNICODE] = [code('\\'), code('u')];
/** Characters that take so many bytes of UTF-8. */
const SIZES = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xffff],
  [0x10000, 0x10ffff],
] as const;
const LAST_OF_FOUR = 0xffff;

const within = (ranges: Ranges, char: number): boolean =>
  ranges.some(([from, to]) => char >= from && char <= to);

/** Texts of a language, in one style; a state for each language behind a text, so that equal ones are one. */
class TextStates {
  readonly #languages: Languages;
  readonly #style: TextStyle;
  readonly #escapable: Ranges;
  readonly #rest: (written: string) => State;
  readonly #isKept: boolean;
  readonly #known = new Map<string, State>();

  constructor(
    languages: Languages,
    style: TextStyle,
    { isNamed, isKept }: TextOptions,
    rest: (written: string) => State,
  ) {
    this.#languages = languages;
    this.#style = style;
    this.#isKept = isKept;
    this.#rest = rest;
    // Texts that are named are written in one way, others as a model has learned to.
    this.#escapable = isNamed ? complement(style.plain) : complement([]);
  }

  at(language: Language, guard: Language | undefined, written: string): State {
    const key = `${language.id} ${guard?.id ?? ''} ${written}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const state = this.#made(language, guard, written);
    this.#known.set(key, state);
    return state;
  }

  #made(language: Language, guard: Language | undefined, written: string): State {
    const { close, plain, escapes } = this.#style;
    const end = language.hasEmpty ? literal(close, () => this.#rest(written)) : undefined;
    const edges = this.#languages.edges(language);
    const behind =
      (after: (by: Language | undefined) => Language | undefined) =>
      (char: number, next: Language): State | undefined => {
        const guarded = after(guard);
        if (guarded === undefined && guard !== undefined) return undefined;
        return this.at(next, guarded, this.#isKept ? written + String.fromCodePoint(char) : '');
      };
    const raw = (bytes: readonly TextSymbol[]): ReturnType<typeof behind> =>
      behind((from) => (from === undefined ? from : this.#passed(from, bytes)));
    const escaped = behind((from) => (from === undefined ? from : this.#passed(from, [BACKSLASH, UNICODE])));
    const escapable = (): Ranges =>
      guard === undefined || this.#isWide(guard) ? this.#escapable : complement([]);
    return {
      isEnd: end?.isEnd ?? false,
      after: (symbol) => {
        const ended = end?.after(symbol);
        const more = ((): State | undefined => {
          if (symbol > 0xff) return undefined;
          if (escapes !== undefined && symbol === BACKSLASH)
            return this.#escape(edges, escapable(), escapes, escaped);
          if (symbol >= 0x80) return this.#character(edges, symbol, raw);
          const edge = edges.find(({ from, to }) => symbol >= from && symbol <= to);
          if (edge === undefined || !within(plain, symbol)) return undefined;
          return raw([symbol])(symbol, edge.next);
        })();
        if (ended === undefined || more === undefined) return ended ?? more;
        return either([ended, more]);
      },
    };
  }

  /** Guard behind bytes. */
  #passed(guard: Language, bytes: readonly TextSymbol[]): Language | undefined {
    return bytes.reduce<Language | undefined>(
      (at, byte) =>
        at === undefined
          ? at
          : this.#languages.edges(at).find(({ from, to }) => byte >= from && byte <= to)?.next,
      guard,
    );
  }

  /** Tells whether a guard lets all characters of ASCII pass. */
  #isWide(guard: Language): boolean {
    return complement(this.#languages.edges(guard).map(({ from, to }) => [from, to])).every(
      ([from]) => from > 0x7f,
    );
  }

  /** Rest of a character of several bytes. */
  #character(
    edges: readonly Edge[],
    lead: TextSymbol,
    raw: (bytes: readonly TextSymbol[]) => (char: number, next: Language) => State | undefined,
  ): State | undefined {
    const more = lead >= 0xf0 && lead < 0xf8 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (more === 0 || lead >= 0xf8) return undefined;
    const [least, most] = SIZES[more] ?? SIZES[0];
    const step = (value: number, left: number, bytes: readonly TextSymbol[]): State | undefined => {
      if (left === 0) {
        const edge = edges.find(({ from, to }) => value >= from && value <= to);
        return edge === undefined ? undefined : raw(bytes)(value, edge.next);
      }
      const low = Math.max(least, value * 64 ** left);
      const high = Math.min(most, (value + 1) * 64 ** left - 1);
      if (!edges.some(({ from, to }) => Math.max(from, low) <= Math.min(to, high))) return undefined;
      return {
        isEnd: false,
        after: (byte) =>
          byte >= 0x80 && byte <= 0xbf
            ? step(value * 64 + (byte - 0x80), left - 1, [...bytes, byte])
            : undefined,
      };
    };
    return step(lead & (0x3f >> more), more, [lead]);
  }

  /** Letters and digits that may stand behind a backslash. Halves of pairs are no characters, so that no pair is written. */
  #escape(
    edges: readonly Edge[],
    escapable: Ranges,
    letters: ReadonlyMap<TextSymbol, number>,
    behind: (char: number, next: Language) => State | undefined,
  ): State | undefined {
    const open = edges.flatMap(({ from, to, next }) =>
      escapable.flatMap(([low, high]): Edge[] => {
        const [first, last] = [Math.max(from, low), Math.min(to, high, LAST_OF_FOUR)];
        return first <= last ? [{ from: first, to: last, next }] : [];
      }),
    );
    if (open.length === 0) return undefined;
    const of = (char: number): State | undefined => {
      const edge = open.find(({ from, to }) => char >= from && char <= to);
      return edge === undefined ? undefined : behind(char, edge.next);
    };
    const digits = (value: number, left: number): State | undefined => {
      if (left === 0) return of(value);
      const [low, high] = [value * 16 ** left, (value + 1) * 16 ** left - 1];
      if (!open.some(({ from, to }) => Math.max(from, low) <= Math.min(to, high))) return undefined;
      return {
        isEnd: false,
        after: (byte) => {
          const char = byte < 128 ? String.fromCharCode(byte) : '';
          return /^[0-9a-fA-F]$/.test(char) ? digits(value * 16 + parseInt(char, 16), left - 1) : undefined;
        },
      };
    };
    return {
      isEnd: false,
      after: (symbol) => {
        if (symbol === UNICODE) return digits(0, 4);
        const char = letters.get(symbol);
        return char === undefined ? undefined : of(char);
      },
    };
  }
}

export interface TextOptions {
  /** Tells whether texts are known before, and need no escapes but those that have to be. */
  readonly isNamed: boolean;
  /** Tells whether the rest is told what was written; else it is told the empty text. */
  readonly isKept: boolean;
}

/** A text of a language that has one, from behind its opening quote on, with its end. */
export function textOf(
  languages: Languages,
  language: Language,
  style: TextStyle,
  options: TextOptions,
  rest: (written: string) => State,
): State {
  return new TextStates(languages, style, options, rest).at(language, style.guard, '');
}

/** Bytes of a character between quotes. */
function charBytes(char: string, { plain, escapes }: TextStyle): number[] {
  const point = char.codePointAt(0) ?? 0;
  if (escapes === undefined || within(plain, point)) return bytesOf(char);
  const letter = [...escapes].find(([, meant]) => meant === point)?.[0];
  const written =
    letter === undefined ? `u${point.toString(16).padStart(4, '0')}` : String.fromCharCode(letter);
  return bytesOf(`\\${written}`);
}

const JSON_STYLE = styleOf(JSON_NOTATION, [code('"')]);

/** Words of a text as they are written in some style, with the places where one begins and behind one. */
export interface Words {
  readonly bytes: readonly number[];
  readonly begins: readonly number[];
  readonly ends: ReadonlySet<number>;
}

const IN_WORD = /[\p{L}\p{N}\p{M}]/u;

/** Words of a text. A word begins where none goes on, also with a sign such as $. */
export function wordsOf(text: string, style = JSON_STYLE): Words {
  const bytes: number[] = [];
  const begins: number[] = [];
  const ends = new Set<number>();
  let before = '';
  for (const char of text) {
    const goesOn = IN_WORD.test(before) && IN_WORD.test(char);
    if (!goesOn) {
      if (before.trim() !== '') ends.add(bytes.length);
      if (char.trim() !== '') begins.push(bytes.length);
    }
    bytes.push(...charBytes(char, style));
    before = char;
  }
  if (before.trim() !== '') ends.add(bytes.length);
  return { bytes, begins, ends };
}

/** Some neighbouring words of a text, from behind the opening quote on. */
export function someWords(words: Words, rest: Rest, style = JSON_STYLE, places = words.begins): State {
  const isWhole = places !== words.begins && places.some((place) => words.ends.has(place));
  const end = isWhole ? literal(style.close, rest) : undefined;
  return {
    isEnd: end?.isEnd ?? false,
    after: (byte) => {
      const next = places.flatMap((place) => (words.bytes[place] === byte ? [place + 1] : []));
      const states = [end?.after(byte), next.length === 0 ? undefined : someWords(words, rest, style, next)];
      return either(states.filter((state) => state !== undefined));
    },
  };
}
