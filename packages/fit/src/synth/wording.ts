/** A request with places for values, and what becomes of it when values are drawn. */
import type { ToolCall } from '../../../../src/chat/messages.ts';
import type { Rng } from '../../../../src/base/rng.ts';
import type { JsonObject, JsonValue } from '../../../../src/json/value.ts';
import type { CaseKind } from '../types.ts';
import type { Kind } from './kinds.ts';

export type Path = readonly (string | number)[];

/** Argument that a slot's value goes to. */
export interface Target {
  readonly call: number;
  readonly path: Path;
}

export interface Slot {
  readonly kind: Kind;
  /** Form in which values are said at this place. */
  readonly form: string | undefined;
  readonly targets: readonly Target[];
}

/** Characters that stand for slots in a wording's text. */
const FIRST = 0xe000;
export const slotMark = (index: number): string => String.fromCharCode(FIRST + index);
export const slotIndex = (mark: string): number => mark.charCodeAt(0) - FIRST;
export const SLOT = /[\uE000-\uE0FF]/g;

export interface Wording {
  readonly text: string;
  readonly slots: readonly Slot[];
  /** Calls with the arguments that no slot stands for. */
  readonly calls: readonly ToolCall[];
  readonly reply: string;
  readonly kind: CaseKind;
  readonly made: string;
  /** Tells whether "can you" may stand in front. */
  readonly imperative: boolean;
  /** Wording that it was made of, for splits. */
  readonly source: string;
  /** Values that the slots had in a person's example. */
  readonly original?: readonly SpokenValue[];
}

export interface SpokenValue {
  readonly said: string;
  readonly value: JsonValue;
  readonly copies: boolean;
}

/** A wording with values. */
export interface Spoken {
  readonly wording: Wording;
  readonly text: string;
  readonly values: readonly SpokenValue[];
}

/** A value with another one at a path in it. */
export function put(into: JsonValue | undefined, path: Path, value: JsonValue): JsonValue {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === 'number') {
    const list: JsonValue[] = Array.isArray(into) ? [...(into as readonly JsonValue[])] : [];
    list[key] = put(list[key], rest, value);
    return list;
  }
  const object =
    typeof into === 'object' && into !== null && !Array.isArray(into) ? (into as JsonObject) : {};
  return { ...object, [key]: put(object[key], rest, value) };
}

/** Calls of a spoken wording, arguments in the order of their schema. */
export function callsOf({ wording, values }: Spoken, order: (tool: string) => readonly string[]): ToolCall[] {
  return wording.calls.map((call, index) => {
    let args: JsonValue = call.arguments;
    for (const [i, slot] of wording.slots.entries())
      for (const { call: at, path } of slot.targets)
        if (at === index) args = put(args, path, values[i]?.value ?? null);
    const known = order(call.name);
    const entries = Object.entries(args as JsonObject).sort(
      ([a], [b]) => known.indexOf(a) - known.indexOf(b),
    );
    return { name: call.name, arguments: Object.fromEntries(entries) };
  });
}

const VOWEL = /^(?:[aeio]|u(?!n[io])|8|11\b|18\b)/i;

/** Text of a spoken wording. */
export function requestOf({ text, values }: Spoken): string {
  const said = text.replaceAll(
    /(?:\b(an?)( ))?([\uE000-\uE0FF])/gi,
    (_, article: string | undefined, space: string | undefined, mark: string) => {
      const value = values[slotIndex(mark)]?.said ?? '';
      if (article === undefined) return value;
      const right = VOWEL.test(value) && !/^(?:one|once|euro|hour\b)/i.test(value) ? 'an' : 'a';
      return (
        (article.startsWith('A') ? right.charAt(0).toUpperCase() + right.slice(1) : right) +
        (space ?? '') +
        value
      );
    },
  );
  return tidy(said);
}

/** White space and commas as they are written. */
export const tidy = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ([,.:;?!])/g, '$1')
    .replaceAll(/,(\s*,)+/g, ',')
    .replaceAll(/\b(I|we|it|you|they|she|he|that) '(d|re|ve|ll|m|s)\b/gi, "$1'$2")
    .replaceAll(/\bsome (the|my|our|a|an|some)\b/gi, '$1')
    .replaceAll(/\b(the|a|an|my|to|in|for|at) \1\b/gi, '$1')
    .replaceAll(/\b(?:a|an|the) (the|a|an|my|your|our|some|half an|every|each)\b/gi, '$1')
    .replace(/^[\s,]+|[\s,]+$/g, '');

/** Draws values for all slots; undefined where one cannot be said. */
export function speak(wording: Wording, rng: Rng, keep = 0): Spoken | undefined {
  const values: SpokenValue[] = [];
  const used = new Set<string>();
  for (const [i, slot] of wording.slots.entries()) {
    const original = wording.original?.[i];
    let chosen: SpokenValue | undefined = original !== undefined && rng.chance(keep) ? original : undefined;
    for (let attempt = 0; chosen === undefined && attempt < 12; attempt++) {
      const drawn = slot.kind.draw(rng, slot.form);
      if (drawn === undefined) break;
      const key = drawn.said.text.toLowerCase();
      if (!used.has(key) || attempt === 11)
        chosen = { said: drawn.said.text, value: drawn.value, copies: slot.kind.copies };
    }
    if (chosen === undefined) return undefined;
    used.add(chosen.said.toLowerCase());
    values.push(chosen);
  }
  return { wording, text: wording.text, values };
}

const lowerValue = (value: JsonValue): JsonValue => {
  if (typeof value === 'string') return value.toLowerCase();
  return Array.isArray(value) ? (value as readonly JsonValue[]).map(lowerValue) : value;
};

/** The same in lower case, as speech recognition writes it: values that are words of the request change with it. */
export const inLowerCase = (spoken: Spoken): Spoken => ({
  ...spoken,
  text: spoken.text.toLowerCase(),
  values: spoken.values.map((value) => ({
    ...value,
    said: value.said.toLowerCase(),
    value: value.copies ? lowerValue(value.value) : value.value,
  })),
});

const POLITE =
  /^(?:(?:hey|hi|hello|ok|okay|please|pls|alexa|siri|google|assistant|computer|just|so|um|uh|well|could|can|would|will|you|kindly|go ahead and|i want you to|i need you to|i'd like you to|do me a favou?r and)\b[ ,]*)+|[ ,]*\b(?:please|pls|thanks|thank you|for me|now|right now|will you|would you|ok|okay|asap)$/g;

/** Identity of a wording: its words without values, politeness, articles, case and punctuation. */
export function maskOf(text: string, slots: readonly Slot[]): string {
  const masked = text.replaceAll(
    SLOT,
    (mark) =>
      ` <${slots[slotIndex(mark)]?.targets[0]?.path.filter((part) => typeof part === 'string').join('.') ?? ''}> `,
  );
  let bare = masked
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}<>._' -]/gu, ' ')
    .replaceAll(/[.'](?!\w)/g, ' ');
  bare = bare.replaceAll(/\s+/g, ' ').trim();
  for (let before = ''; before !== bare;) {
    before = bare;
    bare = bare.replaceAll(POLITE, '').trim();
  }
  return bare
    .replaceAll(/\b(?:the|a|an)\b/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
