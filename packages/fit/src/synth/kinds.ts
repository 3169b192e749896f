/** Kinds of argument values: how one is drawn, and in which words people say it. */
import type { Rng } from '../../../../src/base/rng.ts';
import { isFields, type JsonObject, type JsonValue } from '../../../../src/json/value.ts';
import { daySayings, drawDays, isDays } from './days.ts';
import { drawText, enumWords, hasText, nameWords, valueText } from './lexicon.ts';
import {
  clockTimes,
  durations,
  SECONDS_OF,
  measured,
  plainNumber,
  type Saying,
  type TimeUnit,
  type Unit,
} from './numbers.ts';
import { sampleOf } from './patterns.ts';

export interface Drawn {
  readonly value: JsonValue;
  readonly said: Saying;
}

export interface Kind {
  /** Sort of value, for the roles of phrases and for questions. */
  readonly sort:
    | 'enum'
    | 'switch'
    | 'boolean'
    | 'number'
    | 'duration'
    | 'time'
    | 'date'
    | 'text'
    | 'list'
    | 'days'
    | 'object';
  /** Kind of text by its lexicon, unit of a number, empty otherwise. */
  readonly of: string;
  /** A fresh value, said in `form` where one is asked for; undefined where it cannot be said so. */
  draw(rng: Rng, form?: string): Drawn | undefined;
  /** Words for a value. */
  sayings(value: JsonValue): readonly Saying[];
  /** Values of an enum, items of a list that has some. */
  readonly values: readonly JsonValue[];
  /** Tells whether the value is the words of the request. */
  readonly copies: boolean;
  /** Kind of a list's items. */
  readonly items?: Kind;
  /** Range of a number or a length of time. */
  readonly range?: Range;
}

const choose = (rng: Rng, sayings: readonly Saying[], form?: string): Saying | undefined => {
  const fitting = form === undefined ? sayings : sayings.filter((saying) => saying.form === form);
  if (fitting.length === 0) return undefined;
  const digits = fitting.filter(({ text }) => /\d/.test(text));
  return rng.pick(digits.length > 0 && rng.chance(0.5) ? digits : fitting);
};

const drawBy = (
  value: (rng: Rng) => JsonValue,
  sayings: (value: JsonValue) => readonly Saying[],
): Kind['draw'] => {
  return (rng, form) => {
    for (let attempt = 0; attempt < 20; attempt++) {
      const drawn = value(rng);
      const said = choose(rng, sayings(drawn), form);
      if (said !== undefined) return { value: drawn, said };
    }
    return undefined;
  };
};

/** An enum value as people say it. */
function enumSayings(value: JsonValue, all: readonly JsonValue[]): Saying[] {
  if (typeof value === 'number') return plainNumber(value).map((text) => ({ text, form: 'noun' }));
  if (typeof value !== 'string') return [];
  const words = nameWords(value).join(' ');
  const key = value.toLowerCase();
  const taken = new Set(
    all.filter((other) => other !== value).map((other) => nameWords(valueText(other)).join(' ')),
  );
  const known = Object.hasOwn(enumWords(), key) ? Object.entries(enumWords()[key] ?? {}) : [];
  const others = known.flatMap(([form, texts]) =>
    texts.filter((text) => !taken.has(text)).map((text) => ({ text, form })),
  );
  const isReplaced = known.some(([form, texts]) => form === 'instead' || texts.includes(words));
  const own = isReplaced ? [] : [{ text: words, form: 'noun' }];
  const asWritten = /^[\p{L}\p{N} ]+$/u.test(value) && value !== words ? [{ text: value, form: 'noun' }] : [];
  return [
    ...own,
    ...asWritten,
    ...others.map((one) => (one.form === 'instead' ? { ...one, form: 'noun' } : one)),
  ].filter(({ text }) => text !== '');
}

const SWITCH = new Set(['on', 'off']);

export function enumKind(values: readonly JsonValue[]): Kind {
  const isSwitch = values.length === 2 && values.every((value) => SWITCH.has(valueText(value).toLowerCase()));
  const sayings = (value: JsonValue): Saying[] =>
    isSwitch ? [{ text: valueText(value).toLowerCase(), form: 'switch' }] : enumSayings(value, values);
  // The value's own name is the usual word for it.
  const usual = (rng: Rng, value: JsonValue, form?: string): Saying | undefined => {
    const all = sayings(value).filter((saying) => form === undefined || saying.form === form);
    const [first] = all;
    return first !== undefined && rng.chance(0.8) ? first : choose(rng, all);
  };
  return {
    sort: isSwitch ? 'switch' : 'enum',
    of: '',
    values,
    copies: false,
    sayings,
    draw(rng, form) {
      for (let attempt = 0; attempt < 20; attempt++) {
        const value = rng.pick(values);
        const said = usual(rng, value, form);
        if (said !== undefined) return { value, said };
      }
      return undefined;
    },
  };
}

export interface Range {
  readonly least: number;
  readonly most: number;
  readonly step: number;
}

/** A number of a range: mostly round ones, as people ask for. */
function drawNumber(rng: Rng, { least, most, step }: Range): number {
  const span = Math.floor((most - least) / step + 1e-9);
  const coarse = [100, 50, 10, 5].find((factor) => span / factor >= 4);
  const at =
    coarse !== undefined && rng.chance(0.5)
      ? Math.round((rng.below(Math.floor(span / coarse)) + 1) * coarse - ((least / step) % coarse))
      : rng.below(span + 1);
  const value = least + Math.min(span, Math.max(0, at)) * step;
  return Math.round(value * 1000) / 1000;
}

/** Ranges of a unit that people ask for most. */
const USUAL: Readonly<Partial<Record<Unit, readonly [least: number, most: number]>>> = {
  degrees: [16, 25],
  fahrenheit: [60, 78],
};

export function numberKind(unit: Unit, range: Range, asText = false): Kind {
  const [from, to] = USUAL[unit] ?? [range.least, range.most];
  const usual = from >= range.least && to <= range.most ? { ...range, least: from, most: to } : range;
  const number = (rng: Rng): number => drawNumber(rng, rng.chance(0.75) ? usual : range);
  const sayings = (value: JsonValue): readonly Saying[] =>
    typeof value === 'number' || (asText && typeof value === 'string') ? measured(Number(value), unit) : [];
  const plain = drawBy((rng) => (asText ? String(number(rng)) : number(rng)), sayings);
  return { sort: 'number', of: unit, values: [], copies: false, sayings, draw: plain, range };
}

const MINUTES = [
  1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 15, 15, 16, 18, 20, 20, 22, 25, 30, 30, 35, 40, 45, 45,
  50, 55, 60, 60, 70, 75, 80, 90, 90, 100, 105, 120, 120, 150, 180, 240,
];
const SHORT = [10, 15, 20, 30, 30, 40, 45, 60, 75, 90, 90, 100, 120, 150];

export function durationKind(unit: TimeUnit, isWhole: boolean, range: Range): Kind {
  const sayings = (value: JsonValue): readonly Saying[] =>
    typeof value === 'number' && value > 0 ? durations(value, unit) : [];
  const inUnit = (seconds: number): number => seconds / SECONDS_OF[unit];
  const among = [
    ...MINUTES.map((minutes) => minutes * 60),
    ...(unit === 'minute' || unit === 'second' ? SHORT : []),
  ]
    .map(inUnit)
    .filter(
      (value) =>
        value >= range.least &&
        value <= range.most &&
        (isWhole ? Number.isInteger(value) : Number.isInteger(value * 2)),
    );
  const value = (rng: Rng): number =>
    among.length > 0 && unit !== 'day' && unit !== 'week' && rng.chance(0.92)
      ? rng.pick(among)
      : drawNumber(rng, { ...range, step: 1 });
  const draw = drawBy(value, sayings);
  return { sort: 'duration', of: unit, values: [], copies: false, sayings, draw, range };
}

export function timeKind(morningIsBare: boolean, seconds: boolean): Kind {
  const tail = seconds ? ':00' : '';
  const sayings = (value: JsonValue): readonly Saying[] =>
    typeof value === 'string' && /^\d{1,2}:\d\d/.test(value)
      ? clockTimes(value.slice(0, 5), morningIsBare)
      : [];
  const value = (rng: Rng): string => {
    const hour = rng.chance(0.75) ? 5 + rng.below(18) : rng.below(24);
    const minute = rng.pick([0, 0, 0, 0, 30, 30, 30, 15, 45, 10, 20, 40, 50, 5, 25, 35, 55, rng.below(60)]);
    return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}${tail}`;
  };
  return { sort: 'time', of: '', values: [], copies: false, sayings, draw: drawBy(value, sayings) };
}

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const ordinal = (day: number): string => {
  const tail = day > 10 && day < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][day % 10] ?? 'th');
  return `${day}${tail}`;
};

export function dateKind(tail: string): Kind {
  const sayings = (value: JsonValue): readonly Saying[] => {
    const [, year = '', month = '', day = ''] = /^(\d{4})-(\d\d)-(\d\d)/.exec(valueText(value)) ?? [];
    const name = MONTHS[Number(month) - 1];
    if (name === undefined) return [];
    const nth = ordinal(Number(day));
    return [
      `${name} ${nth} ${year}`,
      `the ${nth} of ${name} ${year}`,
      `${name} ${Number(day)}, ${year}`,
      `${Number(day)} ${name} ${year}`,
      `${year}-${month}-${day}`,
    ].map((text) => ({ text, form: 'date' }));
  };
  const value = (rng: Rng): string =>
    `${2026 + rng.below(3)}-${String(1 + rng.below(12)).padStart(2, '0')}-${String(1 + rng.below(28)).padStart(2, '0')}${tail}`;
  return { sort: 'date', of: '', values: [], copies: false, sayings, draw: drawBy(value, sayings) };
}

export const booleanKind: Kind = {
  sort: 'boolean',
  of: '',
  values: [true, false],
  copies: false,
  sayings: () => [],
  draw: () => undefined,
};

const asText = (value: JsonValue): readonly Saying[] =>
  typeof value === 'string' && value.trim() !== '' ? [{ text: value, form: 'text' }] : [];

/** Free text: a person's own values beside those of a lexicon. */
export function textKind(
  of: string,
  own: readonly string[],
  ownShare: number,
  accepts: (value: string) => boolean,
  anew: (rng: Rng) => string = (rng) => drawText(rng, of),
): Kind {
  const value = (rng: Rng): string => {
    for (let attempt = 0; attempt < 20; attempt++) {
      const text = own.length > 0 && rng.chance(ownShare) ? rng.pick(own) : anew(rng);
      if (accepts(text)) return text;
    }
    return own[0] ?? anew(rng);
  };
  const draw = drawBy(value, asText);
  return {
    sort: 'text',
    of,
    values: [],
    copies: true,
    sayings: asText,
    // A form asks for a kind of text in particular: a genre where any music would do.
    draw(rng, form) {
      if (form === undefined || form === 'text' || !hasText(form)) return draw(rng);
      const text = drawText(rng, form);
      return accepts(text) ? { value: text, said: { text, form } } : undefined;
    },
  };
}

/** A time or a length in the words that it is said in: what is said of another kind is the value. */
export const spokenKind = (spoken: Kind, own: readonly string[]): Kind => ({
  sort: spoken.sort,
  of: spoken.of,
  values: [],
  copies: true,
  sayings: asText,
  draw(rng, form) {
    if (own.length > 0 && form === undefined && rng.chance(0.2)) {
      const text = rng.pick(own);
      return { value: text, said: { text, form: 'text' } };
    }
    const drawn = spoken.draw(rng, form);
    return drawn && { value: drawn.said.text, said: drawn.said };
  },
});

/** Text that a pattern describes: codes, numbers of orders and the like. */
export function patternKind(pattern: string, own: readonly string[]): Kind | undefined {
  const sample = sampleOf(pattern);
  if (sample === undefined && own.length === 0) return undefined;
  const value = (rng: Rng): string =>
    sample !== undefined && (own.length === 0 || rng.chance(0.8)) ? sample(rng) : rng.pick(own);
  return { sort: 'text', of: 'code', values: [], copies: true, sayings: asText, draw: drawBy(value, asText) };
}

/** "a", "a and b", "a, b and c". */
function enumerated(parts: readonly string[], the: string, rng?: Rng): string {
  const [last = '', ...before] = [...parts].reverse();
  const and =
    rng === undefined || rng.chance(0.85)
      ? ' and '
      : rng.pick([', ', ' & ', ' plus ', ' and also ', ', and ']);
  return before.length === 0 ? last : `${before.reverse().join(`, ${the}`)}${and}${the}${last}`;
}

export function listKind(items: Kind, least: number, most: number): Kind {
  if (items.values.length > 0 && isDays(items.values))
    return {
      sort: 'days',
      of: '',
      values: items.values,
      copies: false,
      sayings: (value) => daySayings(value, items.values),
      draw: drawBy(
        (rng) => drawDays(rng, items.values),
        (value) => daySayings(value, items.values),
      ),
    };
  const one = (rng: Rng): Drawn | undefined => items.draw(rng, items.sort === 'enum' ? 'noun' : undefined);
  return {
    sort: 'list',
    of: items.of,
    values: items.values,
    copies: items.copies,
    items,
    sayings: () => [],
    draw(rng, form = 'list') {
      const number = Math.min(most, Math.max(least, rng.pick([1, 1, 1, 1, 2, 2, 2, 3, 3, 4])));
      const found = new Map<string, Drawn>();
      for (let attempt = 0; attempt < 20 && found.size < number; attempt++) {
        const drawn = one(rng);
        if (drawn !== undefined && !/ and |,/.test(drawn.said.text))
          found.set(JSON.stringify(drawn.value), drawn);
      }
      const parts = [...found.values()];
      if (parts.length === 0) return undefined;
      const text = enumerated(
        parts.map(({ said }) => said.text),
        form === 'list the' ? 'the ' : '',
        rng,
      );
      return { value: parts.map(({ value }) => value), said: { text, form } };
    },
  };
}

/** An object whose parts are no slots of their own: said by nobody. */
export const objectKind = (value: JsonObject): Kind => ({
  sort: 'object',
  of: '',
  values: [value],
  copies: false,
  sayings: () => [],
  draw: () => undefined,
});

export const asObject = (value: unknown): JsonObject => (isFields(value) ? (value as JsonObject) : {});
