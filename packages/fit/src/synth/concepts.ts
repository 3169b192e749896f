/** Common jobs of assistants (lights, timers, messages...) with the ways in which people ask for them, and the functions that do them. */
import { readdirSync } from 'node:fs';
import { z } from 'zod';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { JsonValue } from '../../../../src/json/value.ts';
import type { Field } from './fields.ts';
import { enumWords, nameWords, once, readLexicon, stem, thingsSchema, valueText } from './lexicon.ts';
import type { Kind } from './kinds.ts';
import { isTimeUnit, SECONDS_OF } from './numbers.ts';
import { type Meaning, type Phrase, phrasesOf } from './phrases.ts';

const phraseBlock = z.string().transform(phrasesOf);

const roleSchema = z.strictObject({
  /** Words of an argument's name. */
  names: thingsSchema,
  sort: thingsSchema,
  /** Kind of text that stands for it where no function has it. */
  like: z.string(),
});
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const conceptSchema = z.strictObject({
  concept: z.string(),
  /** Words, one of which the function's name or description has. */
  about: thingsSchema,
  /** Words, one of which the function's name or description has as well. */
  doing: thingsSchema.optional(),
  /** Words that another kind of function has in its name. */
  avoid: thingsSchema.optional(),
  /** Words of other functions that may answer these phrases, too: where there are such, the phrases are no example of what none does. */
  kin: thingsSchema.default([]),
  roles: z.record(z.string(), roleSchema).default({}),
  phrases: z.array(
    z.strictObject({
      /** Values that the words of these phrases stand for. */
      with: z.record(z.string(), scalar).default({}),
      /** Words of the name of a function that has no argument for such a value. */
      named: thingsSchema.optional(),
      say: phraseBlock,
    }),
  ),
  /** Requests of the same domain that this job does not answer; `unless` a function has one of these words in its name. */
  beyond: z.array(z.strictObject({ unless: thingsSchema, say: phraseBlock })).default([]),
});
export type Concept = z.output<typeof conceptSchema>;

/** All concepts, by the files' names. */
export const concepts = once((): readonly Concept[] =>
  readdirSync(new URL('./lexicons/concepts/', import.meta.url))
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .flatMap((name) => readLexicon(`concepts/${name.replace('.yaml', '')}`, z.array(conceptSchema))),
);

const SAME: Readonly<Record<string, readonly string[]>> = {
  on: ['on', 'true', 'yes', 'enable', 'enabled', 'start', 'active'],
  off: ['off', 'false', 'no', 'disable', 'disabled', 'stop', 'inactive'],
  yes: ['yes', 'true', 'on'],
  no: ['no', 'false', 'off'],
  lock: ['lock', 'locked', 'close', 'closed', 'secure'],
  unlock: ['unlock', 'unlocked', 'open'],
};

/** Middle of a range, to the next five where it is a wide one. */
function middle(least: number, most: number): number {
  const half = (least + most) / 2;
  return most - least > 50 ? Math.round(half / 5) * 5 : Math.round(half);
}

/** Length of time in an argument's own unit, where it has one and the length is whole in it; `minutes` are those of a lexicon. */
function lengthFor({ of, copies, range }: Kind, minutes: JsonValue): number | undefined {
  if (copies || typeof minutes !== 'number' || range === undefined) return undefined;
  const value = isTimeUnit(of) ? (minutes * SECONDS_OF.minute) / SECONDS_OF[of] : Number.NaN;
  return Number.isInteger(value) && value >= range.least && value <= range.most ? value : undefined;
}

/** Value of an argument that a phrase's word stands for. */
function valueFor(kind: Kind, wanted: JsonValue): JsonValue | undefined {
  if (kind.sort === 'number' && kind.range !== undefined) {
    const { least, most } = kind.range;
    const named: Readonly<Record<string, number>> = {
      max: most,
      half: middle(least, most),
      none: 0,
    };
    return typeof wanted === 'string' ? named[wanted] : typeof wanted === 'number' ? wanted : undefined;
  }
  if (kind.sort === 'duration') return lengthFor(kind, wanted);
  const text = valueText(wanted).toLowerCase();
  const same = [text, ...(Object.hasOwn(SAME, text) ? (SAME[text] ?? []) : [])];
  if (kind.sort === 'boolean')
    return same.includes('true') ? true : same.includes('false') ? false : undefined;
  if (kind.sort === 'list' || kind.sort === 'days') return undefined;
  return kind.values.find((value) => {
    const words = nameWords(valueText(value)).join(' ');
    if (same.includes(words)) return true;
    const others = Object.hasOwn(enumWords(), words) ? Object.values(enumWords()[words] ?? {}).flat() : [];
    return others.includes(text);
  });
}

export const stemsOf = (text: string): Set<string> => new Set(nameWords(text).map(stem));
const meets = (words: readonly string[], stems: ReadonlySet<string>): boolean =>
  words.some((word) => stems.has(stem(word)));

/** Arguments for the roles of a concept. */
function fill(concept: Concept, fields: readonly Field[]): Map<string, Field> {
  const found = new Map<string, Field>();
  const free = fields.filter(({ path }) => !path.includes('*'));
  for (const test of ['name', 'description'] as const)
    for (const [role, { names, sort }] of Object.entries(concept.roles)) {
      if (found.has(role)) continue;
      const stems = names.map(stem);
      const taken = new Set(found.values());
      const match = free.find(
        (field) =>
          !taken.has(field) &&
          sort.includes(field.kind.sort) &&
          (test === 'name'
            ? field.words.map(stem).some((word) => stems.includes(word))
            : meets(names, stemsOf(field.description))),
      );
      if (match !== undefined) found.set(role, match);
    }
  return found;
}

/** A concept that a function does, with its phrases for it. */
export interface Match {
  readonly concept: Concept;
  readonly tool: string;
  readonly groups: readonly { readonly meaning: Meaning; readonly phrases: readonly Phrase[] }[];
}

function matchOf(
  concept: Concept,
  tool: Tool,
  fields: readonly Field[],
): (Match & { readonly score: number }) | undefined {
  const name = stemsOf(tool.name);
  const all = new Set([...name, ...stemsOf(tool.description)]);
  if (!meets(concept.about, all)) return undefined;
  if (concept.doing !== undefined && !meets(concept.doing, all)) return undefined;
  if (concept.avoid !== undefined && meets(concept.avoid, name)) return undefined;
  const roles = fill(concept, fields);
  const required = fields.filter((field) => field.required && !field.path.includes('*'));
  const mapped = new Set(roles.values());
  if (required.some((field) => !mapped.has(field))) return undefined;
  const groups = concept.phrases.flatMap(({ with: given, named, say }) => {
    const fixed: (readonly [readonly string[], JsonValue])[] = [];
    for (const [role, wanted] of Object.entries(given)) {
      const field = roles.get(role);
      if (field === undefined) {
        if (named === undefined || !meets(named, name)) return [];
        continue;
      }
      const value = valueFor(field.kind, wanted);
      if (value === undefined) return [];
      fixed.push([field.path, value]);
    }
    // A role that the words stand for already is not said again.
    const sayable = new Map([...roles].filter(([role]) => !Object.hasOwn(given, role)));
    const meaning: Meaning = { tool: tool.name, fields: sayable, fixed, required, made: 'phrases' };
    return [{ meaning, phrases: say }];
  });
  if (groups.length === 0) return undefined;
  const score = (meets(concept.about, name) ? 2 : 1) + roles.size;
  return { concept, tool: tool.name, groups, score };
}

/** Concepts by the functions that do them: of two functions that could, the better one, and none where it is a tie. */
export function matchConcepts(tools: readonly Tool[], fieldsOf: (tool: Tool) => readonly Field[]): Match[] {
  return concepts().flatMap((concept) => {
    const found = tools.flatMap((tool) => matchOf(concept, tool, fieldsOf(tool)) ?? []);
    found.sort((a, b) => b.score - a.score);
    const [first, second] = found;
    if (first === undefined || (second !== undefined && second.score === first.score && !isPair(found)))
      return [];
    return isPair(found) ? found : [first];
  });
}

/** Functions that do the two halves of a job, such as turn_on and turn_off: the phrases of one are not the other's. */
function isPair(found: readonly Match[]): boolean {
  const lines = found.map(
    ({ groups }) => new Set(groups.flatMap(({ phrases }) => phrases.map(({ line }) => line))),
  );
  return (
    found.length > 1 &&
    lines.every((one, i) => lines.every((other, j) => i === j || [...one].every((line) => !other.has(line))))
  );
}
