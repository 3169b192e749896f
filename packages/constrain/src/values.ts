/** Values of JSON Schemas as states, in the notation of a format. After every symbol there is a way to a value that is whole. */
import { shortened, UserError } from '../../../src/base/errors.ts';
import { JSON_NOTATION, type Notation } from '../../../src/chat/formats/format.ts';
import { type Fields, isFields, type JsonValue } from '../../../src/json/value.ts';
import { type Distinct, distinct } from './distinct.ts';
import type { Language } from './languages.ts';
import { number } from './numbers.ts';
import { type ArrayForm, type Conjunction, type Form, type ObjectForm, Schemas } from './schema.ts';
import {
  bytesOf,
  code,
  either,
  END,
  literal,
  type Rest,
  spaced,
  type State,
  type TextSymbol,
} from './state.ts';
import { someWords, styleOf, textOf, type TextStyle, wordsOf } from './strings.ts';

/** A text of a format as symbols: tags that are tokens, and bytes. */
export type Symbols = (text: string) => readonly TextSymbol[];

const SPACE = code(' ');
/** Characters of a schema in a message. */
const MAX_SHOWN = 200;

/** Writing that all values share. */
export interface Writing {
  readonly symbols: Symbols;
  /** Texts that no value has in it. */
  readonly never: readonly string[];
}

/** Rules of an object beside its schema. */
export interface ArgumentRules {
  /** Finds a schema that the value of a key also has to obey; false where it cannot be written. */
  readonly narrow?: ((key: string) => Fields | false) | undefined;
  readonly request?: string | undefined;
  readonly verbatim?: ReadonlySet<string>;
}

/** Values of the schemas inside of one, written. */
export class Values {
  readonly #schemas: Schemas;
  readonly #writing: Writing;
  readonly #root: Fields;
  readonly #styles = new Map<string, TextStyle>();

  /** Values written for a reader that ends at `never`; in a notation without escapes, texts cannot have those. */
  constructor(root: Fields, writing: Writing, hasEscapes = true) {
    this.#root = root;
    this.#schemas = new Schemas(root, hasEscapes ? [] : writing.never);
    this.#writing = writing;
  }

  /** Any value of the root. Throws a UserError for a schema that no value obeys, or that cannot be held. */
  whole(notation: Notation, rest: Rest): State {
    const forms = this.#schemas.live(this.#schemas.root);
    return forms.length === 0 ? this.#refuse() : this.#forms(forms, notation, rest);
  }

  /**
   * An object of the root, as the arguments of a call. What a key's value also has to obey is told by `narrow`, and the values of
   * `verbatim` keys are words of a request.
   */
  object(
    notation: Notation,
    { narrow = () => ({}), request = '', verbatim = new Set() }: ArgumentRules,
    rest: Rest,
  ): State {
    const inner = notation.inside ?? notation;
    const words = verbatim.size === 0 ? undefined : this.#words(request, inner);
    const property = (key: string, of: Conjunction, behind: Rest): State =>
      words !== undefined && verbatim.has(key) ? words(behind) : this.#value(of, inner, behind);
    const { bareKeys, quotesKeys = true } = notation;
    const states = this.#schemas
      .objects((key) => (quotesKeys || bareKeys?.test(key) === true ? narrow(key) : false), quotesKeys)
      .map((form) => this.#object(form, notation, rest, property));
    return either(states) ?? this.#refuse();
  }

  /** Throws a UserError where no object obeys the root, or a keyword anywhere in it cannot be held. */
  check(): void {
    if (this.#schemas.objects(() => ({}), true).length > 0) return;
    const [dead] = this.#schemas
      .forms(this.#schemas.root)
      .flatMap((form) => (form.kind === 'object' ? [...form.due].map((key) => ({ key, form })) : []))
      .filter(({ key, form }) => {
        const of = form.properties.get(key);
        return of !== undefined && !this.#schemas.isAlive(of);
      });
    this.#refuse(dead?.key);
  }

  /** Refuses the root, for what one of its keys is to have if that is known. */
  #refuse(key?: string): never {
    const properties = this.#root['properties'];
    const part = key === undefined || !isFields(properties) ? this.#root : properties[key];
    const named = shortened(JSON.stringify(part), MAX_SHOWN);
    const where = key === undefined ? '' : ` of ${key}`;
    throw new UserError('SCHEMA', `The schema${where} ${named} allows no value; correct it.`);
  }

  /** Words of a request as texts. */
  #words(request: string, notation: Notation): ((rest: Rest) => State) | undefined {
    const [quote] = notation.quotes;
    if (quote === undefined) return undefined;
    const style = this.#style(notation, quote.close);
    const words = wordsOf(request, style);
    const isWritable =
      style.escapes !== undefined || !this.#writing.never.some((text) => request.includes(text));
    if (words.begins.length === 0 || !isWritable) return undefined;
    return (rest) => this.#literal(quote.open, () => someWords(words, rest, style));
  }

  #literal(text: string, rest: Rest): State {
    const symbols = this.#writing.symbols(text);
    return symbols.at(-1) === SPACE
      ? literal(symbols.slice(0, -1), () => spaced(rest))
      : literal(symbols, rest);
  }

  #style(notation: Notation, close: string): TextStyle {
    const key = `${notation.plain ?? ''} ${close}`;
    const known = this.#styles.get(key);
    if (known !== undefined) return known;
    const { symbols, never } = this.#writing;
    const { languages } = this.#schemas;
    const ends = never.map((text) => languages.containing(languages.literal(text)));
    const guard = never.length === 0 ? undefined : languages.not(languages.or(...ends));
    const style = styleOf(notation, symbols(close), guard);
    this.#styles.set(key, style);
    return style;
  }

  #text(
    language: Language,
    notation: Notation,
    options: { isNamed: boolean; isKept: boolean },
    rest: (written: string) => State,
  ): State | undefined {
    const { languages } = this.#schemas;
    return either(
      notation.quotes.map(({ open, close }) =>
        this.#literal(open, () => textOf(languages, language, this.#style(notation, close), options, rest)),
      ),
    );
  }

  /** A value of a schema that has one. */
  #value(of: Conjunction, notation: Notation, rest: Rest): State {
    return this.#forms(this.#schemas.live(of), notation, rest);
  }

  #forms(
    forms: readonly Form[],
    notation: Notation,
    rest: (written: JsonValue) => State,
    isKept = false,
  ): State {
    const states = forms.flatMap((form): readonly State[] => {
      switch (form.kind) {
        case 'value':
          return [this.#exactly(form.value, notation, () => rest(form.value))];
        case 'string': {
          const { language, isNamed } = form;
          return [this.#text(language, notation, { isNamed, isKept }, rest) ?? END];
        }
        case 'number':
          return [number(form.bounds, rest)];
        case 'array':
          return [this.#array(form, notation.lists ?? notation.inside ?? notation, () => rest(null))];
        default:
          return [this.#object(form, notation.objects ?? notation.inside ?? notation, () => rest(null))];
      }
    });
    return either(states) ?? END;
  }

  /** One value alone. */
  #exactly(value: JsonValue, notation: Notation, rest: Rest): State {
    const { words, lists, objects } = notation;
    if (typeof value === 'string') {
      const named = this.#schemas.languages.literal(value);
      return this.#text(named, notation, { isNamed: true, isKept: false }, rest) ?? END;
    }
    if (value === null) return this.#literal(words[2], rest);
    if (typeof value === 'boolean') return this.#literal(words[value ? 0 : 1], rest);
    if (typeof value === 'number') return literal(bytesOf(JSON.stringify(value)), rest);
    const isList = Array.isArray(value);
    const outer = (isList ? lists : objects) ?? notation;
    const tags = isList ? outer.list : outer.object;
    const inner = outer.inside ?? outer;
    const entries = Object.entries(value as Fields) as (readonly [string, JsonValue])[];
    const entry = (at: number): State => {
      const [key, of] = entries[at] ?? [];
      if (key === undefined || of === undefined) return this.#literal(tags.close, rest);
      const it: Rest = () => this.#exactly(of, inner, () => entry(at + 1));
      const keyed: Rest = () => (isList ? it() : this.#key([key], undefined, outer, it));
      return at === 0 ? keyed() : this.#literal(outer.comma, keyed);
    };
    return this.#literal(tags.open, () => entry(0));
  }

  #array(form: ArrayForm, notation: Notation, rest: Rest): State {
    const { items, least, most, isUnique } = form;
    const { list, comma } = notation;
    const inner = notation.inside ?? notation;
    const { languages } = this.#schemas;
    const isPossible = this.#schemas.isAlive(items);
    const item = (count: number, left: Distinct | undefined): State | undefined => {
      if (count >= most || !isPossible || left?.forms.length === 0) return undefined;
      if (left === undefined) return this.#value(items, inner, () => behind(count + 1, undefined));
      return this.#forms(left.forms, inner, (written) => behind(count + 1, left.without(written)), true);
    };
    const close = (count: number): State | undefined =>
      count >= least ? this.#literal(list.close, rest) : undefined;
    const behind = (count: number, left: Distinct | undefined): State => {
      const hasMore = count < most && left?.forms.length !== 0;
      const more = hasMore ? this.#literal(comma, () => item(count, left) ?? END) : undefined;
      return anyOf(close(count), more);
    };
    const start = isUnique && isPossible ? distinct(this.#schemas.live(items), languages) : undefined;
    return this.#literal(list.open, () => anyOf(close(0), item(0, start)));
  }

  /** Keys, declared ones first: bare or in quotes, as the notation has them, and the text behind one. */
  #key(
    keys: readonly string[],
    others: Language | undefined,
    notation: Notation,
    rest: (key: string) => State,
  ): State {
    const { key, bareKeys, quotesKeys = true } = notation;
    const { languages } = this.#schemas;
    const behind = (name: string): State => this.#literal(key.close, () => rest(name));
    const bare = keys.filter((name) => bareKeys?.test(name) === true);
    const quoted = keys.filter((name) => !bare.includes(name)).map((name) => languages.literal(name));
    const options = { isNamed: true, isKept: true };
    const inQuotes = (language: Language): State | undefined =>
      languages.isLive(language) && quotesKeys ? this.#text(language, notation, options, behind) : undefined;
    return this.#literal(key.open, () =>
      anyOf(
        ...bare.map((name) => literal(bytesOf(name), () => behind(name))),
        inQuotes(languages.or(...quoted)),
        others === undefined ? undefined : inQuotes(others),
      ),
    );
  }

  #object(
    given: ObjectForm,
    notation: Notation,
    rest: Rest,
    property = (_: string, of: Conjunction, behind: Rest): State =>
      this.#value(of, notation.inside ?? notation, behind),
  ): State {
    const { properties, others, due, least, most } = this.#schemas.pruned(given);
    const { object, comma, valueEnd = '' } = notation;
    const canQuote = notation.quotesKeys ?? true;
    const next = (used: ReadonlySet<string>): State | undefined => {
      const isDue = [...due].filter((key) => !used.has(key));
      const isRoom = used.size + isDue.length < most;
      const open = [...properties.keys()].filter((key) => !used.has(key) && (isRoom || due.has(key)));
      // Keys that are not declared come when those that have to be there are.
      const isFree = others !== undefined && canQuote && isRoom && isDue.length === 0;
      if (open.length === 0 && !isFree) return undefined;
      const free = isFree ? this.#schemas.otherKeys([...given.properties.keys(), ...used]) : undefined;
      return this.#key(open, free, notation, (key) => {
        const of = properties.get(key) ?? others;
        if (of === undefined) return END;
        const behindValue: Rest = () => this.#literal(valueEnd, () => behind(new Set([...used, key])));
        return property(key, of, behindValue);
      });
    };
    const close = (used: ReadonlySet<string>): State | undefined =>
      used.size >= least && [...due].every((key) => used.has(key))
        ? this.#literal(object.close, rest)
        : undefined;
    const behind = (used: ReadonlySet<string>): State => {
      const another = next(used);
      const more = another === undefined ? undefined : this.#literal(comma, () => another);
      return anyOf(close(used), more);
    };
    return this.#literal(object.open, () => anyOf(close(new Set()), next(new Set())));
  }
}

const anyOf = (...states: readonly (State | undefined)[]): State =>
  either(states.filter((state) => state !== undefined)) ?? END;

/** A JSON value that obeys a schema, and the rest. Throws a UserError for a schema that no value obeys, or that cannot be held. */
export const value = (schema: Fields, rest: Rest): State =>
  new Values(schema, { symbols: bytesOf, never: [] }).whole(JSON_NOTATION, rest);
