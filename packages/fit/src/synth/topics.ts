/** Requests that no function answers: things that people ask assistants for, as far as they do not meet the given functions. */
import { z } from 'zod';
import type { Rng } from '../../../../src/base/rng.ts';
import type { Field } from './fields.ts';
import { nameWords, once, readLexicon, stem, thingsSchema, valueText, verbs } from './lexicon.ts';
import { concepts, stemsOf } from './concepts.ts';
import { type Meaning, type Phrase, phrasesOf, sayPhrase } from './phrases.ts';
import { textKind } from './kinds.ts';
import type { Known, Source } from './sources.ts';
import { SLOT, type Wording } from './wording.ts';

const topicsSchema = z.array(
  z.strictObject({
    /** Words that a function for it would have in its name, description or examples. */
    about: thingsSchema,
    /** Words of other functions that may do it, too. */
    kin: thingsSchema.default([]),
    say: z.string().transform(phrasesOf),
  }),
);
/** All topics. */
export const topics = once(() => readLexicon('topics', topicsSchema));

const REFUSAL = "I can't do that.";

/** A person's usual reply to what no function does; `given` where it is a wish of their own. */
export function refusalOf({ project }: Known, given: string): string {
  if (given !== '' && given !== REFUSAL) return given;
  const counts = new Map<string, number>();
  for (const { calls, reply } of project.examples)
    if (calls.length === 0 && reply !== '' && !reply.trim().endsWith('?'))
      counts.set(reply, (counts.get(reply) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? REFUSAL;
}

/** Slots of a topic's phrase: kinds of text by their own name. */
const NO_FIELDS = new Map<string, Field>();
function textFields(
  phrase: Phrase,
  likes: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, Field> {
  const keys = phrase.template.slots.map((key) => key.split(':')[0] ?? key);
  if (keys.length === 0) return NO_FIELDS;
  return new Map(
    keys.map((key) => {
      const kind = textKind(likes[key] ?? key, [], 0, () => true);
      return [key, { path: [key], words: [key], description: '', required: false, kind }];
    }),
  );
}

function unanswered(
  phrase: Phrase,
  id: string,
  reply: string,
  made: string,
  rng: Rng,
  likes?: Readonly<Record<string, string>>,
): Wording | undefined {
  const meaning: Meaning = { tool: '', fields: textFields(phrase, likes), fixed: [], required: [], made };
  const said = sayPhrase(phrase, meaning, rng, { optional: 0.3 });
  if (said === undefined) return undefined;
  const slots = said.wording.slots.map((slot) => ({ ...slot, form: undefined, targets: [] }));
  return { ...said.wording, slots, calls: [], reply, kind: 'irrelevant', made, source: id };
}

/** Verbs of names that say nothing of what a function is about, and words that stand in any request. */
const GENERAL = new Set(
  'set get add show send start stop turn switch put play open close list create make delete remove update change check find run tell control manage read write do clean take give let have use on off up down in out at by with to of for from and or the this that my your our me you it is are was will be can all any some what who how when where which not more one two now time new there please want need day today tomorrow week name room house am an as be but go has he i if into it its just no o ok per pm s she so t than them they this us we were would could should'
    .split(' ')
    .map(stem),
);
const specific = (stems: Iterable<string>): Set<string> =>
  new Set([...stems].filter((one) => one.length > 1 && !GENERAL.has(one)));

/** Share of requests about nothing that a function does which are close to what one does. */
const NEAR = 0.4;

/** Number of a topic's words, the first ones, that tell of it also in a description. */
const FIRST = 3;

/** Words by which requests for what a project's functions do are known. */
class Subjects {
  readonly names: ReadonlySet<string>;
  readonly #described: ReadonlySet<string>;
  readonly #all: ReadonlySet<string>;
  /** Of names and descriptions, all of them. */
  readonly #stems: ReadonlySet<string>;

  constructor({ project, wordings }: Known) {
    const { functions } = project;
    this.names = new Set(functions.flatMap(({ name }) => [...stemsOf(name)]));
    this.#stems = new Set(
      functions.flatMap(({ name, description }) => [...stemsOf(`${name} ${description}`)]),
    );
    this.#described = specific(this.#stems);
    const fixed = wordings.flatMap(({ text, calls }) =>
      calls.length > 0 ? [...stemsOf(text.replaceAll(SLOT, ' '))] : [],
    );
    const said = specific(fixed.filter((one) => !verbs().has(one)));
    this.#all = new Set([...this.#described, ...said]);
  }

  /** Tells whether a function may do what a topic's words speak of. */
  have(about: readonly string[]): boolean {
    const stems = about.map(stem);
    const names = specific(this.names);
    return stems.some((one, i) => names.has(one) || (i < FIRST && this.#described.has(one)));
  }

  /** Tells whether one of some words stands in a function's name or description. */
  speakOf(words: readonly string[]): boolean {
    return words.some((word) => this.#stems.has(stem(word)));
  }

  /** Tells whether a request has words of what a function does. */
  areIn(text: string): boolean {
    const stems = stemsOf(text.replaceAll(SLOT, ' '));
    return [...stems].some((one) => this.#all.has(one));
  }
}

export function topicSources(known: Known, reply: string): Source[] {
  const own = new Subjects(known);
  const source = (
    phrase: Phrase,
    id: string,
    weight: number,
    made: string,
    likes?: Readonly<Record<string, string>>,
  ): Source => ({
    id,
    tools: [],
    kind: 'irrelevant',
    origin: 'topics',
    weight,
    draw(rng) {
      const wording = unanswered(phrase, id, reply, made, rng, likes);
      return wording !== undefined && own.areIn(wording.text) ? undefined : wording;
    },
  });
  const far = topics()
    .filter(({ about, kin }) => !own.have(about) && !own.speakOf(kin))
    .flatMap(({ about, say }) =>
      say.map((phrase) => source(phrase, `${about[0] ?? ''}: ${phrase.line}`, 1, 'irrelevant')),
    );
  const matched = new Set(known.matches.map(({ concept }) => concept));
  const others = concepts()
    .filter((concept) => !matched.has(concept))
    // A function for the same job that needs more than its phrases say.
    .filter(({ about, kin }) => !own.speakOf(about) && !own.speakOf(kin))
    .flatMap((concept) => {
      const likes = Object.fromEntries(Object.entries(concept.roles).map(([role, { like }]) => [role, like]));
      return concept.phrases.flatMap(({ say }) =>
        say.map((phrase) => source(phrase, `${concept.concept}: ${phrase.line}`, 0.25, 'irrelevant', likes)),
      );
    });
  const near = known.matches.flatMap(({ concept, tool }) => {
    const fields = known.fields.get(tool) ?? [];
    const likes = Object.fromEntries(Object.entries(concept.roles).map(([role, { like }]) => [role, like]));
    return concept.beyond
      .filter(({ unless }) => !own.speakOf(unless))
      .flatMap(({ say }) =>
        say.map((phrase): Source => {
          const id = `${concept.concept}: ${phrase.line}`;
          const values = nearFields(phrase, fields, concept.roles, likes);
          return {
            id,
            tools: [],
            kind: 'irrelevant',
            origin: 'topics',
            weight: 1,
            draw(rng) {
              const meaning: Meaning = { tool: '', fields: values, fixed: [], required: [], made: 'near' };
              const said = sayPhrase(phrase, meaning, rng, { optional: 0.3 });
              if (said === undefined) return undefined;
              return {
                ...said.wording,
                slots: said.wording.slots.map((slot) => ({ ...slot, targets: [] })),
                calls: [],
                reply,
                kind: 'irrelevant',
                made: 'near',
                source: id,
              };
            },
          };
        }),
      );
  });
  // Requests that are close by are most easily taken for what a function does.
  const total = [...far, ...others].reduce((sum, { weight }) => sum + weight, 0);
  const each = (NEAR * total) / ((1 - NEAR) * Math.max(1, near.length));
  return [...far, ...others, ...near.map((one) => ({ ...one, weight: each }))];
}

/** The function's own values for a phrase about what it cannot do; a lexicon's where it has none. */
function nearFields(
  phrase: Phrase,
  fields: readonly Field[],
  roles: Readonly<Record<string, { readonly names: readonly string[] }>>,
  likes: Readonly<Record<string, string>>,
): ReadonlyMap<string, Field> {
  const plain = textFields(phrase, likes);
  return new Map(
    [...plain].map(([key, field]) => {
      const names = roles[key]?.names.map(stem) ?? [];
      const own = fields.find(
        ({ words, kind }) => words.some((word) => names.includes(stem(word))) && kind.sort !== 'boolean',
      );
      return [key, own ?? field];
    }),
  );
}

/** Words for values that an enum does not have: those of other arguments of the project, and of the lexicon. */
export function foreignValues(known: Known): (allowed: readonly unknown[]) => readonly string[] {
  const rooms = once(() => {
    const pool: string[] = [];
    for (const fields of known.fields.values())
      for (const { kind } of fields)
        if (kind.sort === 'enum')
          pool.push(...kind.values.map((value) => nameWords(valueText(value)).join(' ')));
    return pool;
  });
  const isRoom = (words: readonly string[]): boolean => words.filter((word) => ROOMS().has(word)).length >= 2;
  return (allowed) => {
    const own = new Set(allowed.map((value) => nameWords(valueText(value)).join(' ')));
    if (!isRoom([...own])) return [];
    return [...new Set([...rooms().filter((word) => ROOMS().has(word)), ...ROOMS()])].filter(
      (word) => !own.has(word),
    );
  };
}

const ROOMS = once(
  () =>
    new Set(readLexicon('words', z.looseObject({ words: z.record(z.string(), thingsSchema) })).words['room']),
);
