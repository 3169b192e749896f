/** Words that cases are made of, in YAML under `lexicons/`: kinds of text, synonyms of enum values, topics, phrases. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Rng } from '../../../../src/base/rng.ts';

/** Computes a value when it is first asked for, and keeps it. */
export function once<T>(make: () => T): () => T {
  let kept: { readonly value: T } | undefined;
  return () => (kept ??= { value: make() }).value;
}

export function readLexicon<T>(name: string, schema: z.ZodType<T>): T {
  return schema.parse(parse(readFileSync(new URL(`./lexicons/${name}.yaml`, import.meta.url), 'utf8')));
}

/** Things of a list, with commas or line ends between them. */
export const thingsSchema = z.string().transform((text) =>
  text
    .split(/[,\n]/)
    .map((thing) => thing.trim())
    .filter((thing) => thing !== ''),
);

/** Words of names and texts that tell that a parameter holds this kind of text. */
const textKindSchema = z.strictObject({
  name: thingsSchema.optional(),
  description: thingsSchema.optional(),
  /** Question for it where it is missing. */
  ask: z.string(),
  /** Patterns: `<name>` is a word of that list or another kind's pattern. */
  say: z.array(z.union([z.string(), z.number().transform(String)])),
});
const textsSchema = z.strictObject({
  words: z.record(z.string(), thingsSchema),
  kinds: z.record(z.string(), textKindSchema),
});

export const texts = once(() => {
  const files = ['words', 'kinds'].map((name) => readLexicon(name, textsSchema.partial()));
  return {
    words: Object.assign({}, ...files.map(({ words }) => words ?? {})) as z.output<
      typeof textsSchema
    >['words'],
    kinds: Object.assign({}, ...files.map(({ kinds }) => kinds ?? {})) as z.output<
      typeof textsSchema
    >['kinds'],
  };
});

const CHOICE = /\(([^()]*\|[^()]*)\)/;

/** A text with one of the alternatives of each of its brackets. */
export function chosen(text: string, rng: Rng): string {
  let made = text;
  for (let open = CHOICE.exec(made); open !== null; open = CHOICE.exec(made))
    made =
      made.slice(0, open.index) +
      rng.pick((open[1] ?? '').split('|')) +
      made.slice(open.index + open[0].length);
  return made;
}

/** Text of a kind or a list of words, such as "message" or "city". */
export function drawText(rng: Rng, name: string, depth = 0): string {
  const { words, kinds } = texts();
  const word = Object.hasOwn(words, name) ? words[name] : undefined;
  const kind = Object.hasOwn(kinds, name) ? kinds[name]?.say : undefined;
  // The patterns of a kind may name a list of the same name.
  const list = depth > 0 ? (word ?? kind) : (kind ?? word);
  if (list === undefined || list.length === 0 || depth > 6) throw new RangeError(`no words for <${name}>`);
  return chosen(rng.pick(list), rng).replaceAll(/<(\w+)>/g, (_, inner: string) =>
    drawText(rng, inner, depth + 1),
  );
}

/** Tells whether there is a kind of text or a list of words of that name. */
export const hasText = (name: string): boolean =>
  Object.hasOwn(texts().kinds, name) || Object.hasOwn(texts().words, name);

const enumsSchema = z.record(z.string(), z.record(z.string(), thingsSchema));

/** Other words for common enum values, by the form in which they are said. */
export const enumWords = once(() => readLexicon('enums', enumsSchema));

/** Lower-case words of a name in any style: "living_room", "livingRoom" and "living-room" are two. */
export function nameWords(name: string): string[] {
  return (
    name
      .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** A value as text, for comparing it with words. */
export const valueText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/** Stem of an English word, as far as telling "lights", "lighting" and "light" alike needs it. */
export function stem(word: string): string {
  if (word.length <= 3) return word;
  return word
    .replace(/'s$/, '')
    .replace(/(ss|us|is)$/, '$1_')
    .replace(/ies$/, 'y')
    .replace(/(ch|sh|x|z|ss_)es$/, '$1')
    .replace(/s$/, '')
    .replace(/([^aeiou])ing$/, '$1')
    .replace(/_$/, '');
}

/** Verbs that requests begin with. */
export const verbs = once(() => new Set(texts().words['verb']));
