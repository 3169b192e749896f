/**
 * Regular expressions of ECMA-262 with the flag u, as JSON Schema's `pattern` has them, as languages. A pattern matches
 * anywhere unless anchors hold it. What looks around or back is refused.
 */
import { errorText, UserError } from '../../../src/base/errors.ts';
import { complement, type Language, type Languages, type Ranges, union } from './languages.ts';

const code = (char: string): number => char.codePointAt(0) ?? 0;
const rangesOf = (text: string): Ranges =>
  text.split(' ').map((range) => {
    const [from = '', to = from] = range.split('-');
    return [parseInt(from, 16), parseInt(to, 16)];
  });

const DIGITS = rangesOf('30-39');
const WORD = rangesOf('30-39 41-5a 5f 61-7a');
const SPACES = rangesOf('9-d 20 a0 1680 2000-200a 2028-2029 202f 205f 3000 feff');
const LINE_ENDS = rangesOf('a d 2028-2029');
const SETS: Readonly<Record<string, Ranges>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACES,
  S: complement(SPACES),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 };

/** An expression with anchors, whose language depends on where it stands. */
type Node =
  | { readonly kind: 'plain'; readonly language: Language }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] };

/** Characters of a Unicode property, which the engine's own tables tell. */
function ofProperty(escape: string): Ranges {
  const test = new RegExp(escape, 'u');
  const found: [number, number][] = [];
  for (let at = 0; at <= 0x10ffff; at++) {
    if (!test.test(String.fromCodePoint(at))) continue;
    const last = found.at(-1);
    if (last?.[1] === at - 1) last[1] = at;
    else found.push([at, at]);
  }
  return found;
}

class Parser {
  readonly #pattern: string;
  readonly #chars: readonly string[];
  readonly #languages: Languages;
  #at = 0;

  constructor(pattern: string, languages: Languages) {
    this.#pattern = pattern;
    this.#chars = Array.from(pattern);
    this.#languages = languages;
  }

  whole(): Node {
    const node = this.#choice();
    if (this.#at < this.#chars.length) throw this.#refused(`${this.#peek()} that nothing opens`);
    return node;
  }

  #refused(part: string): UserError {
    return new UserError(
      'SCHEMA',
      `The pattern ${JSON.stringify(this.#pattern)} has ${part}, which cannot be held; write it without.`,
    );
  }

  #peek(ahead = 0): string {
    return this.#chars[this.#at + ahead] ?? '';
  }

  #taken(text: string): boolean {
    if (!Array.from(text).every((char, i) => this.#peek(i) === char)) return false;
    this.#at += text.length;
    return true;
  }

  #next(): string {
    const char = this.#peek();
    if (char === '') throw this.#refused('no end');
    this.#at++;
    return char;
  }

  /** Text up to an end, which is passed over. */
  #until(end: string): string {
    let text = '';
    while (!this.#taken(end)) text += this.#next();
    return text;
  }

  #choice(): Node {
    const parts = [this.#sequence()];
    while (this.#taken('|')) parts.push(this.#sequence());
    return { kind: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    let run: Language[] = [];
    // Text between two anchors is one part, as every part is looked at in each place that it may have.
    const endRun = (): void => {
      const language = run.reduceRight(
        (rest, part) => this.#languages.join(part, rest),
        this.#languages.empty,
      );
      if (run.length > 0) parts.push({ kind: 'plain', language });
      run = [];
    };
    while (!['', '|', ')'].includes(this.#peek())) {
      const part = this.#repeated(this.#atom());
      const plain = plainOf(part, this.#languages);
      if (plain !== undefined) run.push(plain);
      else {
        endRun();
        parts.push(part);
      }
    }
    endRun();
    return { kind: 'sequence', parts };
  }

  #repeated(of: Node): Node {
    const counts = this.#counts();
    if (counts === undefined) return of;
    // Greed of a quantifier is no matter of what matches.
    this.#taken('?');
    const [least, most] = counts;
    const language = plainOf(of, this.#languages);
    if (language !== undefined)
      return { kind: 'plain', language: this.#languages.repeat(language, least, most) };
    if (most !== 1) throw this.#refused('an anchor inside of a repetition');
    const nothing: Node = { kind: 'plain', language: this.#languages.empty };
    return least === 1 ? of : { kind: 'choice', parts: [of, nothing] };
  }

  #counts(): readonly [least: number, most: number] | undefined {
    if (this.#taken('*')) return [0, Infinity];
    if (this.#taken('+')) return [1, Infinity];
    if (this.#taken('?')) return [0, 1];
    const [whole, least, comma, most] =
      /^\{(\d+)(,?)(\d*)\}/.exec(this.#chars.slice(this.#at, this.#at + 24).join('')) ?? [];
    if (whole === undefined) return undefined;
    this.#at += whole.length;
    const from = Number(least);
    return [from, comma === '' ? from : most === '' ? Infinity : Number(most)];
  }

  #one(ranges: Ranges): Node {
    return { kind: 'plain', language: this.#languages.chars(ranges) };
  }

  #atom(): Node {
    const char = this.#next();
    switch (char) {
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '.':
        return this.#one(complement(LINE_ENDS));
      case '(':
        return this.#group();
      case '[':
        return this.#one(this.#class());
      case '\\':
        return this.#one(this.#escape(false));
      case '*':
      case '+':
      case '?':
        throw this.#refused(`${char} that repeats nothing`);
      default:
        return this.#one([[code(char), code(char)]]);
    }
  }

  #group(): Node {
    for (const [mark, name] of [
      ['?=', 'a lookahead'],
      ['?!', 'a lookahead'],
      ['?<=', 'a lookbehind'],
      ['?<!', 'a lookbehind'],
    ] as const)
      if (this.#taken(mark)) throw this.#refused(name);
    if (this.#taken('?<')) this.#until('>');
    else if (!this.#taken('?:') && this.#peek() === '?') throw this.#refused('a group of another kind');
    const node = this.#choice();
    if (!this.#taken(')')) throw this.#refused('a group without an end');
    return node;
  }

  #class(): Ranges {
    const isNegated = this.#taken('^');
    const found: (readonly [number, number])[] = [];
    while (!this.#taken(']')) {
      const from = this.#member();
      const isRange = this.#peek() === '-' && this.#peek(1) !== ']' && from.length === 1;
      if (!isRange) found.push(...from);
      else {
        this.#next();
        const to = this.#member();
        const [[first] = [0], [last] = [0]] = [from[0], to[0]];
        found.push([first, last]);
      }
    }
    return isNegated ? complement(found) : union(found);
  }

  #member(): Ranges {
    const char = this.#next();
    return char === '\\' ? this.#escape(true) : [[code(char), code(char)]];
  }

  #escape(inClass: boolean): Ranges {
    const char = this.#next();
    const one = (point: number): Ranges => [[point, point]];
    const set = SETS[char];
    if (set !== undefined) return set;
    const control = inClass && char === 'b' ? 8 : CONTROLS[char];
    if (control !== undefined) return one(control);
    if (char === 'c') return one(code(this.#next()) % 32);
    if (char === 'x') return one(this.#hex(2));
    if (char === 'u') return one(this.#unicode());
    if (/[pP]/.test(char) && this.#taken('{')) return ofProperty(`\\${char}{${this.#until('}')}}`);
    if (/[bB]/.test(char)) throw this.#refused(`\\${char}, an edge of a word`);
    if (/[1-9k]/.test(char)) throw this.#refused(`\\${char}, a reference back`);
    return one(code(char));
  }

  #hex(digits: number): number {
    return parseInt(Array.from({ length: digits }, () => this.#next()).join(''), 16);
  }

  #unicode(): number {
    if (this.#taken('{')) return parseInt(this.#until('}'), 16);
    const first = this.#hex(4);
    if ((first & 0xfc00) !== 0xd800 || !this.#taken('\\u')) return first;
    return String.fromCharCode(first, this.#hex(4)).codePointAt(0) ?? 0;
  }
}

/** The language of an expression that has no anchors; undefined of one that has. */
function plainOf(node: Node, languages: Languages): Language | undefined {
  if (node.kind === 'plain') return node.language;
  if (!('parts' in node)) return undefined;
  const parts = node.parts.map((part) => plainOf(part, languages));
  const known = parts.filter((part) => part !== undefined);
  if (known.length < parts.length) return undefined;
  return node.kind === 'choice'
    ? languages.or(...known)
    : known.reduceRight((rest, part) => languages.join(part, rest), languages.empty);
}

/** Tells where an expression stands: whether the text begins before what it matches, and ends behind. */
interface Place {
  readonly isStart: boolean;
  readonly isEnd: boolean;
}

function languageAt(node: Node, place: Place, languages: Languages): Language {
  const plain = plainOf(node, languages);
  if (plain !== undefined) return plain;
  if (!('parts' in node))
    return (node.kind === 'start' ? place.isStart : place.isEnd) ? languages.empty : languages.none;
  if (node.kind === 'choice')
    return languages.or(...node.parts.map((part) => languageAt(part, place, languages)));
  const [first, ...others] = node.parts;
  if (first === undefined) return languages.empty;
  const second: Node = { kind: 'sequence', parts: others };
  const some = (language: Language): Language =>
    language.hasEmpty ? languages.and(language, languages.not(languages.empty)) : language;
  const at = (part: Node, isStart: boolean, isEnd: boolean): Language =>
    languageAt(part, { isStart: place.isStart && isStart, isEnd: place.isEnd && isEnd }, languages);
  // A part that matches nothing leaves the other one where it stands.
  const all: Language[] = [languages.join(some(at(first, true, false)), some(at(second, false, true)))];
  const [whole, rest] = [at(first, true, true), at(second, true, true)];
  if (whole.hasEmpty && rest.hasEmpty) all.push(languages.empty);
  if (at(first, true, false).hasEmpty) all.push(some(rest));
  if (at(second, false, true).hasEmpty) all.push(some(whole));
  return languages.or(...all);
}

/** Texts that a pattern matches. Throws a UserError for one that is wrong, or no regular expression of the old kind. */
export function patternLanguage(pattern: string, languages: Languages): Language {
  try {
    new RegExp(pattern);
  } catch (thrown) {
    throw new UserError(
      'SCHEMA',
      `The pattern ${JSON.stringify(pattern)} of the schema is no regular expression (${errorText(thrown)}); correct it.`,
    );
  }
  const any: Node = { kind: 'plain', language: languages.any };
  const node: Node = { kind: 'sequence', parts: [any, new Parser(pattern, languages).whole(), any] };
  return languageAt(node, { isStart: true, isEnd: true }, languages);
}
