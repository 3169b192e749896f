/** Places of values in a person's example requests: "set a timer for 10 minutes" has one. */
import type { JsonObject, JsonValue } from '../../../../src/json/value.ts';
import type { CaseKind, Example } from '../types.ts';
import { type Field, fieldKey } from './fields.ts';
import { verbs, valueText } from './lexicon.ts';
import type { Kind } from './kinds.ts';
import {
  maskOf,
  type Path,
  type Slot,
  slotMark,
  type SpokenValue,
  type Target,
  type Wording,
} from './wording.ts';

/** Kinds of values by function and path. */
export type KindAt = (tool: string, path: Path) => Kind | undefined;

export function kindsOf(tools: ReadonlyMap<string, readonly Field[]>): KindAt {
  const known = new Map<string, Kind>();
  for (const [tool, fields] of tools)
    for (const field of fields) known.set(fieldKey(tool, field.path), field.kind);
  return (tool, path) => known.get(fieldKey(tool, path));
}

interface Found {
  readonly start: number;
  readonly end: number;
  readonly form: string;
}

interface Argument {
  readonly call: number;
  readonly path: Path;
  readonly value: JsonValue;
  readonly kind: Kind;
}

/** Arguments whose values people say as a whole: lists with a kind of their own before their items. */
function argumentsOf(example: Example, kindAt: KindAt): Argument[] {
  const found: Argument[] = [];
  const visit = (call: number, name: string, path: Path, value: JsonValue): void => {
    const kind = path.length === 0 ? undefined : kindAt(name, path);
    if (kind !== undefined && kind.sort !== 'object') found.push({ call, path, value, kind });
    if (Array.isArray(value) && kind?.sort !== 'list' && kind?.sort !== 'days')
      for (const [i, item] of (value as readonly JsonValue[]).entries())
        visit(call, name, [...path, i], item);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value as JsonObject))
        visit(call, name, [...path, key], inner);
  };
  for (const [i, call] of example.calls.entries()) visit(i, call.name, [], call.arguments);
  return found;
}

const isWord = (char: string): boolean => /[\p{L}\p{N}]/u.test(char);
const isEdge = (text: string, at: number): boolean =>
  !(isWord(text.charAt(at - 1)) && isWord(text.charAt(at)));

/** Words that make "on" and "off" a state, and not the beginning of "on the table". */
const SWITCHING =
  /(?:\b(?:turn|turned|turning|switch|switched|switching|put|flip|power|powered|get|have|leave|keep|click|flick|set|lights?|lamps?|it|them|be|is|are|back|both|all|state)\s+)$/i;

class Search {
  readonly #text: string;
  readonly #taken: Found[] = [];

  constructor(text: string) {
    this.#text = text.toLowerCase().replaceAll('\u2019', "'");
  }

  /** Free places of a saying. */
  #places(saying: string): Found[] {
    const wanted = saying.toLowerCase().replaceAll('\u2019', "'");
    const places: Found[] = [];
    for (let start = this.#text.indexOf(wanted); start >= 0; start = this.#text.indexOf(wanted, start + 1)) {
      const end = start + wanted.length;
      const isFree = this.#taken.every((other) => end <= other.start || start >= other.end);
      if (isFree && isEdge(this.#text, start) && isEdge(this.#text, end))
        places.push({ start, end, form: '' });
    }
    return places;
  }

  /** The longest free saying of a value. */
  find(kind: Kind, value: JsonValue): Found | undefined {
    if (kind.sort === 'list') return this.#findList(kind, value);
    const isSwitch = kind.sort === 'switch';
    const sayings = [...kind.sayings(value)].sort((a, b) => b.text.length - a.text.length);
    for (const { text, form } of sayings) {
      const [place] = this.#places(text).filter(
        ({ start, end }) =>
          !isSwitch ||
          SWITCHING.test(this.#text.slice(0, start)) ||
          /^[\s.?!,]*(?:please|now)?[\s.?!]*$/.test(this.#text.slice(end)),
      );
      // A lone "a" or "1" of a duration would be found anywhere.
      if (place !== undefined && !(form === 'bare' && kind.sort === 'duration')) return { ...place, form };
    }
    return undefined;
  }

  /** The stretch of a list's items with nothing but "and" and commas between them. */
  #findList(kind: Kind, value: JsonValue): Found | undefined {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    let [start, end, the] = [-1, -1, false];
    for (const item of value as readonly JsonValue[]) {
      const itemKind = kind.copies ? [valueText(item)] : itemSayings(kind, item);
      const places = [...itemKind].sort((a, b) => b.length - a.length).flatMap((text) => this.#places(text));
      const next = places.find(
        (place) => end < 0 || (place.start >= end && SEPARATOR.test(this.#text.slice(end, place.start))),
      );
      if (next === undefined) return undefined;
      if (end >= 0 && /\bthe\s*$/.test(this.#text.slice(end, next.start))) the = true;
      if (start < 0) start = next.start;
      end = next.end;
    }
    const isOne = value.length === 1 && /\bthe\s*$/.test(this.#text.slice(0, start));
    return { start, end, form: the || isOne ? 'list the' : 'list' };
  }

  take(found: Found): void {
    this.#taken.push(found);
  }
}

const SEPARATOR =
  /^(?:\s|,|&|\+|\band\b|\bplus\b|\balso\b|\bthen\b|\bthe\b|\bsome\b|\ba\b|\ban\b|\bmy\b|\bas well as\b)*$/i;

function itemSayings(kind: Kind, item: JsonValue): string[] {
  return (
    kind.items
      ?.sayings(item)
      .filter(({ form }) => form === 'noun' || form === 'text')
      .map(({ text }) => text) ?? []
  );
}

const OPENING =
  /^(?:(?:hey|hi|hello|ok|okay|please|could you please|can you please|would you please|can you|could you|would you|will you|kindly|just|go ahead and|i want you to|i need you to|i'd like you to)\b[ ,]*)+/i;
const CLOSING = /[ ,]*\b(?:please|pls|thanks|thank you|for me)[.!?]*$/i;

/** Kind of case that an example is. */
function kindOfExample({ calls, reply }: Pick<Example, 'calls' | 'reply'>): CaseKind {
  if (calls.length > 0) return calls.length > 1 ? 'several' : 'single';
  return reply.trim().endsWith('?') ? 'missing' : 'irrelevant';
}

export const isImperative = (text: string): boolean =>
  verbs().has(/^[a-z']+/i.exec(text)?.[0].toLowerCase() ?? '');

/** A wording of an example: its request with slots where its values are said. */
export function wordingOf(example: Example, kindAt: KindAt): Wording {
  const search = new Search(example.request);
  const args = argumentsOf(example, kindAt);
  const rank = (argument: Argument): number => {
    const found = search.find(argument.kind, argument.value);
    return found === undefined ? 0 : found.end - found.start;
  };
  const ordered = args
    .map((argument) => ({ argument, length: rank(argument) }))
    .sort((a, b) => b.length - a.length);
  const slots: { found: Found; argument: Argument; targets: Target[] }[] = [];
  for (const { argument } of ordered) {
    const target = { call: argument.call, path: argument.path };
    const found = search.find(argument.kind, argument.value);
    if (found !== undefined) {
      search.take(found);
      slots.push({ found, argument, targets: [target] });
      continue;
    }
    const shared = slots.find(
      (slot) =>
        slot.argument.call !== argument.call &&
        slot.argument.path.at(-1) === argument.path.at(-1) &&
        JSON.stringify(slot.argument.value) === JSON.stringify(argument.value),
    );
    shared?.targets.push(target);
  }
  slots.sort((a, b) => a.found.start - b.found.start);
  let [text, at] = ['', 0];
  for (const [i, { found }] of slots.entries()) {
    text += example.request.slice(at, found.start) + slotMark(i);
    at = found.end;
  }
  text += example.request.slice(at);
  const bare = text
    .replace(OPENING, '')
    .replace(CLOSING, '')
    .replace(/[.!?]+$/, '')
    .trim();
  const isKept = bare === '' || bare.match(/[\uE000-\uE0FF]/g)?.length !== (slots.length || undefined);
  const usable = isKept ? text : bare;
  const made: Slot[] = slots.map(({ found, argument, targets }) => ({
    kind: argument.kind,
    form: found.form,
    targets,
  }));
  const original: SpokenValue[] = slots.map(({ found, argument }) => ({
    said: example.request.slice(found.start, found.end),
    value: argument.value,
    copies: argument.kind.copies,
  }));
  const wording = {
    text: usable,
    slots: made,
    calls: example.calls,
    reply: example.reply,
    kind: kindOfExample(example),
    made: 'values',
    imperative: isImperative(usable),
    original,
  };
  return { ...wording, source: maskOf(usable, made) };
}
