/** Arguments of a function, each with its kind of value: read from the schema, its names and a person's own values. */
import type { Tool } from '../../../../src/chat/messages.ts';
import type { JsonObject, JsonValue } from '../../../../src/json/value.ts';
import { nameWords, stem, texts, valueText } from './lexicon.ts';
import {
  asObject,
  booleanKind,
  dateKind,
  durationKind,
  enumKind,
  type Kind,
  listKind,
  numberKind,
  objectKind,
  patternKind,
  type Range,
  spokenKind,
  textKind,
  timeKind,
} from './kinds.ts';
import { clockTimes, type TimeUnit, type Unit } from './numbers.ts';
import { worldOf } from './world.ts';

export interface Field {
  /** Keys that lead to it from the arguments; `*` stands for any item of a list. */
  readonly path: readonly string[];
  readonly words: readonly string[];
  readonly description: string;
  readonly required: boolean;
  readonly kind: Kind;
}

/** A value that a person's example has for an argument, with the request around it. */
export interface Seen {
  readonly value: JsonValue;
  readonly request: string;
}
/** Values by function and path. */
export type SeenValues = ReadonlyMap<string, readonly Seen[]>;

export const fieldKey = (tool: string, path: readonly (string | number)[]): string =>
  JSON.stringify([tool, ...path.map((part) => (typeof part === 'number' ? '*' : part))]);

/** A schema behind what may be left out of it: null, and a single alternative. */
function bareSchema(schema: JsonObject): JsonObject {
  const { anyOf, oneOf, type, const: constant } = schema;
  const options = (anyOf ?? oneOf) as readonly JsonValue[] | undefined;
  if (Array.isArray(options)) {
    const real = options.map(asObject).filter((option) => option['type'] !== 'null');
    const { anyOf: _any, oneOf: _one, ...rest } = schema;
    const constants = real.map((option) => option['const']);
    if (real.length > 0 && constants.every((value) => value !== undefined))
      return { ...rest, enum: constants as JsonValue[] };
    return { ...rest, ...bareSchema(real[0] ?? {}) };
  }
  if (Array.isArray(type)) return { ...schema, type: type.find((one) => one !== 'null') ?? 'string' };
  return constant === undefined ? schema : { ...schema, enum: [constant] };
}

/** Longest time of an argument without a maximum: in its unit, in minutes where that is seconds. */
const LONGEST = 240;

const TIME_UNITS: Readonly<Record<string, TimeUnit>> = {
  second: 'second',
  sec: 'second',
  minute: 'minute',
  min: 'minute',
  hour: 'hour',
  day: 'day',
  week: 'week',
};

function unitOf(words: readonly string[], description: string): Unit {
  const has = (...some: readonly string[]): boolean => some.some((one) => words.includes(one));
  const said = new Set(nameWords(description));
  if (has('percent', 'percentage', 'pct', 'brightness') || said.has('percent') || description.includes('%'))
    return 'percent';
  if (has('fahrenheit') || said.has('fahrenheit')) return 'fahrenheit';
  if (
    has('celsius', 'temperature', 'degree', 'degrees', 'temp') ||
    said.has('celsius') ||
    said.has('degrees')
  )
    return 'degrees';
  if (
    has('price', 'cost', 'dollars', 'euros', 'usd', 'eur', 'budget') ||
    said.has('dollars') ||
    said.has('euros')
  )
    return 'money';
  return 'none';
}

const DEFAULTS: Readonly<Record<Unit, Range>> = {
  percent: { least: 5, most: 100, step: 5 },
  degrees: { least: 5, most: 30, step: 0.5 },
  fahrenheit: { least: 50, most: 90, step: 1 },
  money: { least: 5, most: 500, step: 5 },
  none: { least: 1, most: 20, step: 1 },
};

/** Range of a number: the schema's, within what people ask for where it is wide or open. */
function rangeOf(schema: JsonObject, unit: Unit, isWhole: boolean, own: readonly number[]): Range {
  const number = (key: string): number | undefined => {
    const value = schema[key];
    return typeof value === 'number' ? value : undefined;
  };
  const base = DEFAULTS[unit];
  const step = number('multipleOf') ?? (isWhole ? 1 : unit === 'degrees' ? 0.5 : 1);
  const above = number('exclusiveMinimum');
  const below = number('exclusiveMaximum');
  const least = number('minimum') ?? (above === undefined ? undefined : above + step);
  const most = number('maximum') ?? (below === undefined ? undefined : below - step);
  const wide = Math.max(base.most, ...own.map((value) => value * 2), (least ?? 0) + 20 * step);
  const from = least ?? Math.min(base.least, most ?? base.least, ...own);
  const to = most ?? wide;
  const first = Math.ceil(from / step - 1e-9) * step;
  return { least: first, most: Math.max(first, to - from > 1e6 ? from + 1000 : to), step };
}

/** Names that may be of anything. */
const WEAK = new Set(['to', 'from']);

/** Kind of free text that a name and a description speak of; "thing" where they tell nothing. */
function textKindName(words: readonly string[], description: string, tool: Tool): string {
  const own = words.map(stem);
  const [last = ''] = own.slice(-1);
  const said = nameWords(description).map(stem);
  const about = [...nameWords(tool.name), ...nameWords(tool.description)].map(stem);
  let [best, most] = ['thing', 0];
  for (const [name, { name: names = [], description: hints = [] }] of Object.entries(texts().kinds)) {
    const stems = names.map(stem);
    const score =
      (stems.includes(last) ? (WEAK.has(last) ? 1 : 4) : 0) +
      (own.some((word) => stems.includes(word) && !WEAK.has(word)) ? 3 : 0) +
      hints
        .map(stem)
        .reduce((sum, hint) => sum + (said.includes(hint) ? 2 : 0) + (about.includes(hint) ? 1.5 : 0), 0);
    if (score > most) [best, most] = [name, score];
  }
  return best;
}

const isClock = (schema: JsonObject, description: string, own: readonly JsonValue[]): boolean => {
  const { pattern, format } = schema;
  if (typeof pattern === 'string') {
    const regex = safeRegex(pattern);
    if (regex?.test('07:30') === true && !regex.test('abcde') && !regex.test('99:99')) return true;
  }
  if (format === 'time') return true;
  if (/\bHH:MM\b/i.test(description)) return true;
  return own.length > 0 && own.every((value) => /^([01]\d|2[0-3]):[0-5]\d$/.test(valueText(value)));
};

function safeRegex(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return undefined;
  }
}

/** Tells whether "at seven" is the morning: where a person's examples say so, or show nothing else. */
function isMorningBare(seen: readonly Seen[], tool: Tool): boolean {
  const bare = seen.filter(({ value, request }) => {
    const own = clockTimes(valueText(value), true).map(({ text }) => text);
    const clear = clockTimes(valueText(value), false).map(({ text }) => text);
    const longest = own
      .filter((text) => ` ${request.toLowerCase()} `.includes(` ${text}`))
      .sort((a, b) => b.length - a.length)[0];
    return longest !== undefined && !clear.includes(longest);
  });
  return bare.length > 0 || (seen.length === 0 && /alarm|wake/i.test(`${tool.name} ${tool.description}`));
}

/** Numbers and words that times and lengths are said with. */
const OF_TIME =
  /\d|\b(?:half|quarter|noon|midnight|hours?|minutes?|seconds?|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif)ty)\b/i;

/** Kind of a time or a length that an argument takes in the user's words; undefined for other texts. */
function spokenOf(
  { pattern, format }: JsonObject,
  words: readonly string[],
  description: string,
  own: readonly string[],
  tool: Tool,
): Kind | undefined {
  if (pattern !== undefined || format !== undefined) return undefined;
  const last = words.at(-1) ?? '';
  const isLength = /^(?:duration|length|timespan)$/.test(last) || /\bhow long\b/i.test(description);
  if (!isLength && !/^(?:time|clock|hour)$/.test(last)) return undefined;
  const few = own.filter((text) => !OF_TIME.test(text)).length;
  if (few > 0.2 * own.length) return undefined;
  if (isLength) return durationKind('minute', false, { least: 0.5, most: 240, step: 1 });
  return timeKind(own.length > 0 || /alarm|wake/i.test(`${tool.name} ${tool.description}`), false);
}

/** Share of an argument's own values beside those of a list of the world that they are of. */
const OWN_OF_WORLD = 0.5;

function stringKind(
  schema: JsonObject,
  words: readonly string[],
  description: string,
  tool: Tool,
  seen: readonly Seen[],
): Kind {
  const own = seen.map(({ value }) => valueText(value));
  const distinct = [...new Set(own)];
  const { pattern, format, minLength = 0, maxLength = Infinity } = schema;
  if (isClock(schema, description, own))
    return timeKind(isMorningBare(seen, tool), own.some((value) => value.length > 5) || format === 'time');
  const spoken = spokenOf(schema, words, description, distinct, tool);
  if (spoken !== undefined) return spokenKind(spoken, distinct);
  if (format === 'date' || (own.length > 0 && own.every((value) => /^\d{4}-\d\d-\d\d$/.test(value))))
    return dateKind('');
  if (format === 'date-time') return dateKind('T09:00:00Z');
  const matches = typeof pattern === 'string' ? safeRegex(pattern) : undefined;
  if (typeof pattern === 'string') {
    const kind = patternKind(pattern, distinct);
    if (kind !== undefined) return kind;
  }
  const accepts = (value: string): boolean =>
    value.length >= Number(minLength) && value.length <= Number(maxLength) && matches?.test(value) !== false;
  // So many uses of an argument show all that it is used for; few leave it to the lexicons.
  const share = own.length >= 100 ? 1 : distinct.length >= 40 ? 0.9 : distinct.length >= 12 ? 0.5 : 0.2;
  const byFormat: Readonly<Record<string, string>> = { email: 'email', uri: 'url', url: 'url' };
  const of =
    (typeof format === 'string' ? byFormat[format] : undefined) ?? textKindName(words, description, tool);
  const world = worldOf(distinct);
  return world === undefined
    ? textKind(of, distinct, share, accepts)
    : textKind(of, distinct, Math.min(share, OWN_OF_WORLD), accepts, (rng) => rng.pick(world));
}

interface Place {
  readonly tool: Tool;
  readonly path: readonly string[];
  readonly description: string;
  readonly seen: SeenValues;
}

function kindOf(given: JsonObject, place: Place): Kind {
  const schema = bareSchema(given);
  const { tool, path, seen } = place;
  const description = typeof schema['description'] === 'string' ? schema['description'] : place.description;
  const own = seen.get(fieldKey(tool.name, path)) ?? [];
  const words = path.filter((part) => part !== '*').flatMap(nameWords);
  const values = schema['enum'];
  if (Array.isArray(values) && values.length > 0)
    return enumKind((values as readonly JsonValue[]).filter((value) => value !== null));
  switch (schema['type']) {
    case 'boolean':
      return booleanKind;
    case 'integer':
    case 'number': {
      const isWhole = schema['type'] === 'integer';
      const numbers = own.map(({ value }) => Number(value));
      const unit = unitOf(words, description);
      const [time] = [...words, ...nameWords(description)]
        .map(stem)
        .flatMap((word) => (Object.hasOwn(TIME_UNITS, word) ? [TIME_UNITS[word]] : []));
      const last = words.at(-1) ?? '';
      const isTime =
        time !== undefined &&
        unit === 'none' &&
        (words.map(stem).some((word) => Object.hasOwn(TIME_UNITS, word)) ||
          /duration|length|timeout|delay|time|timer/.test(last));
      const range = rangeOf(schema, unit, isWhole, numbers);
      return isTime
        ? durationKind(time, isWhole, {
            ...range,
            most: schema['maximum'] === undefined ? LONGEST * (time === 'second' ? 60 : 1) : range.most,
          })
        : numberKind(unit, range);
    }
    case 'array': {
      const items = kindOf(asObject(schema['items']), { ...place, path: [...path, '*'], description });
      const { minItems, maxItems } = schema;
      return listKind(items, Math.max(1, Number(minItems ?? 1)), Number(maxItems ?? 4));
    }
    case 'object':
      return objectKind({});
    default:
      return stringKind(schema, words, description, tool, own);
  }
}

/** All arguments of a function, those inside of objects too; items of lists have `*` in their path. */
export function fieldsOf(tool: Tool, seen: SeenValues): Field[] {
  const fields: Field[] = [];
  const visit = (given: JsonObject, path: readonly string[], required: boolean): void => {
    const schema = bareSchema(given);
    const properties = schema['properties'];
    if (properties !== undefined && path.length < 6) {
      const needed = Array.isArray(schema['required']) ? (schema['required'] as readonly JsonValue[]) : [];
      for (const [name, inner] of Object.entries(asObject(properties)))
        visit(asObject(inner), [...path, name], required && needed.includes(name));
      if (path.length === 0) return;
      return;
    }
    if (path.length === 0) return;
    const description = typeof schema['description'] === 'string' ? schema['description'] : '';
    const words = path.filter((part) => part !== '*').flatMap(nameWords);
    fields.push({
      path,
      words,
      description,
      required,
      kind: kindOf(schema, { tool, path, description, seen }),
    });
    if (schema['type'] === 'array') visit(asObject(schema['items']), [...path, '*'], required);
  };
  visit(tool.parameters, [], true);
  return fields;
}
