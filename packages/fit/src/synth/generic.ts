/** Requests made of a function's own words: its name, its description, the names of its arguments. */
import type { Rng } from '../../../../src/base/rng.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Field } from './fields.ts';
import { nameWords, verbs } from './lexicon.ts';
import { type Path, type Slot, slotMark, tidy, type Wording } from './wording.ts';

/** Words behind which a description speaks of arguments, which a request says itself. */
const ARGUMENTS =
  /\s(?:between|given|based on|using|with (?:the|a|an)|by (?:its|their|the|id|name)|from (?:one|a|an)|(?:to|in|on|for|at|of|into) (?:a|an))\b/;

/** First clause of a description as an imperative: "Set an alarm clock", without what follows. */
function clause(description: string): string | undefined {
  const [whole = ''] = description.trim().split(/[.;:\n(]|, (?:or|and|e\.g)/);
  const [short = ''] = whole.split(ARGUMENTS);
  const words = (short.trim().includes(' ') ? short : whole)
    .replace(/[,\s]+$/, '')
    .trim()
    .split(/\s+/);
  if (words.length < 2 || words.length > 9) return undefined;
  const [verb = '', ...rest] = words;
  const lower = verb.toLowerCase();
  // "Sets an alarm" is said as "set an alarm".
  const bare = verbs().has(lower)
    ? lower
    : [lower.replace(/s$/, ''), lower.replace(/es$/, '')].find((one) => verbs().has(one));
  if (bare === undefined) return undefined;
  return [bare, ...rest.map((word) => (/^[A-Z][a-z]+$/.test(word) ? word.toLowerCase() : word))]
    .join(' ')
    .replaceAll(/\b(?:the|a) user(?:'s)?\b/g, 'my')
    .replaceAll(/\bsomebody\b/g, 'someone');
}

const PARTICLES = new Set(['on', 'off', 'up', 'down', 'in', 'out', 'back', 'away', 'over']);

/** Beginnings of requests for a function. */
export function genericHeads(tool: Tool): string[] {
  const words = nameWords(tool.name);
  const [verb = '', ...object] = words;
  const heads: string[] = [];
  if (words.length > 1 && verbs().has(verb)) {
    const [particle = '', ...rest] = object;
    const isParticle = PARTICLES.has(particle) && rest.length > 0;
    const start = isParticle ? `${verb} ${particle}` : verb;
    const thing = (isParticle ? rest : object).join(' ');
    heads.push(`${start} ${thing}`, `${start} the ${thing}`, `${start} my ${thing}`);
    if (isParticle) heads.push(`${verb} the ${thing} ${particle}`);
    else if (!thing.endsWith('s')) heads.push(`${start} a ${thing}`);
  } else heads.push(words.join(' '));
  const described = clause(tool.description);
  if (described !== undefined) heads.push(described, described.replaceAll(/\b(?:a|an|the) /g, ''));
  return [...new Set(heads)].map((head) => head.replaceAll(/\ba(?= [aeiou])/g, 'an'));
}

const PREPOSITIONS: Readonly<Record<string, readonly string[]>> = {
  duration: ['for', 'for', 'of'],
  time: ['at', 'for', 'at'],
  date: ['on', 'for'],
  days: [''],
  number: ['to', 'at', 'with {name}', '{name}', 'with a {name} of'],
  enum: ['{name}', 'for', 'with {name}', 'in', ''],
  switch: ['', '{name}'],
  list: ['', '{name}', 'for', 'with'],
  text: ['{name}', 'with {name}', 'for'],
};
const BY_TEXT: Readonly<Record<string, readonly string[]>> = {
  person: ['to', 'for', 'with'],
  place: ['in', 'for', 'at'],
  message: ['saying', 'that says', ':', 'with the text'],
  label: ['for', 'called', 'named'],
  task: ['to', ':', 'called'],
  title: ['called', 'titled', 'named'],
};

/** Names of arguments that are prepositions, or stand for one. */
const SAID: Readonly<Record<string, string>> = {
  from: 'from',
  to: 'to',
  by: 'by',
  with: 'with',
  for: 'for',
  at: 'at',
  in: 'in',
  origin: 'from',
  source: 'from',
  departure: 'from',
  destination: 'to',
  arrival: 'to',
  target: 'to',
};

function partOf(field: Field, mark: string, rng: Rng): string {
  const { sort, of } = field.kind;
  const name = field.words.join(' ');
  const own = field.words.flatMap((word) => (Object.hasOwn(SAID, word) ? (SAID[word] ?? []) : []))[0];
  if (own !== undefined && rng.chance(0.85)) return `${own} ${mark}`;
  if (sort === 'number' && name.endsWith('s') && rng.chance(0.7))
    return rng.pick([`for ${mark} ${name}`, `${mark} ${name}`]);
  if (sort === 'number' && /amount|value|sum|number/.test(name) && rng.chance(0.7)) return mark;
  const options = BY_TEXT[of] ?? PREPOSITIONS[sort] ?? ['{name}'];
  const article = /^[aeiou]/.test(name) ? 'an' : 'a';
  const before = rng.pick(options).replace('a {name}', `${article} {name}`).replace('{name}', name);
  const ends = sort === 'enum' && before === '' && rng.chance(0.3) ? ` ${name}` : '';
  return `${before} ${mark}${ends}`;
}

/** Forms in which values of a kind are said. */
const FORMS: Readonly<Record<string, string>> = { duration: 'length', enum: 'noun', list: 'list' };

const STATES = /^(?:(?:is )?(?:on|enabled|active|state|power|turned on))$/;

/** Words for a boolean argument. */
function booleanWords(name: string, value: boolean, rng: Rng): string {
  if (STATES.test(name)) return value ? 'on' : 'off';
  return value
    ? rng.pick([`with ${name}`, `${name} on`, `${name} yes`, name])
    : rng.pick([`without ${name}`, `${name} off`, `no ${name}`, `not ${name}`]);
}

/** Kinds of values that tell without more words which argument they are for. */
const PLAIN = new Set(['enum', 'boolean', 'number', 'duration', 'time', 'days']);

/** Places of a function's own noun in a request of keywords, after so many values; it may be left out of the last one. */
export const TERSE_PLACES = [0, 1, 2] as const;

/** Tells whether keywords are enough to ask for a function: it requires values, and none of them is a free text. */
export const isTerse = (fields: readonly Field[]): boolean => {
  const required = fields.filter((field) => field.required);
  return required.length > 0 && required.every(({ kind, path }) => PLAIN.has(kind.sort) && path.length === 1);
};

/**
 * A request of keywords: "kitchen lamp off", "washer, eco, in 5 hours". The function's noun stands after `place` values; `isOwn`
 * tells whether its values are no other function's, so that it may be unsaid.
 */
export function sayTerse(
  tool: Tool,
  place: number,
  isOwn: boolean,
  fields: readonly Field[],
  rng: Rng,
): Wording | undefined {
  const [verb = '', ...rest] = nameWords(tool.name);
  const noun = (verbs().has(verb) ? rest : [verb, ...rest]).filter((word) => !PARTICLES.has(word)).join(' ');
  if (noun === '' && !isOwn) return undefined;
  const slots: Slot[] = [];
  const fixed: Record<string, boolean> = {};
  const chosen = fields.filter(
    ({ kind, path, required }) =>
      PLAIN.has(kind.sort) &&
      path.length === 1 &&
      (required || (kind.sort !== 'boolean' && rng.chance(0.35))),
  );
  const parts = chosen.map((field): string => {
    const [key = ''] = field.path;
    const { sort } = field.kind;
    if (sort === 'boolean') {
      fixed[key] = rng.chance(0.5);
      return booleanWords(field.words.join(' '), fixed[key], rng);
    }
    slots.push({ kind: field.kind, form: FORMS[sort], targets: [{ call: 0, path: field.path }] });
    const mark = slotMark(slots.length - 1);
    const hasOwnUnit = sort === 'duration' || sort === 'time';
    if (field.words.includes('in') && rng.chance(0.7))
      return hasOwnUnit ? `in ${mark}` : `in ${mark} ${field.words.at(-1) ?? ''}`;
    return hasOwnUnit ? partOf(field, mark, rng) : mark;
  });
  if (noun !== '' && !(isOwn && rng.chance(0.5))) parts.splice(Math.min(place, parts.length), 0, noun);
  return {
    text: tidy(parts.join(parts.length > 2 && rng.chance(0.4) ? ', ' : ' ')),
    slots,
    calls: [{ name: tool.name, arguments: fixed }],
    reply: '',
    kind: 'single',
    made: 'schema',
    imperative: false,
    source: terseId(tool, place),
  };
}

export const terseId = (tool: Tool, place: number): string => `${tool.name}: keywords ${place}`;

interface Sayable {
  readonly field: Field;
  readonly path: Path;
}

/** Arguments that a request can say: of a list of objects those of its first item. */
function sayable(fields: readonly Field[]): Sayable[] {
  const lists = fields.filter(({ kind }) => kind.items?.sort === 'object');
  return fields.flatMap((field): Sayable[] => {
    if (field.kind.sort === 'object' || lists.includes(field)) return [];
    if (!field.path.includes('*')) return [{ field, path: field.path }];
    const list = lists.find(({ path }) => path.every((part, i) => part === field.path[i]));
    const inner = list === undefined ? [] : field.path.slice(list.path.length);
    if (list === undefined || inner.filter((part) => part === '*').length !== 1) return [];
    const path = field.path.map((part) => (part === '*' ? 0 : part));
    return [{ field: { ...field, required: list.required && field.required }, path }];
  });
}

/** A wording with a function's required arguments and some of the others. */
export function sayGeneric(
  tool: Tool,
  head: string,
  fields: readonly Field[],
  rng: Rng,
): Wording | undefined {
  const slots: Slot[] = [];
  const fixed: Record<string, boolean> = {};
  const parts: string[] = [];
  const chosen = sayable(fields).filter(({ field }) => field.required || rng.chance(0.25));
  for (const { field, path } of rng.chance(0.7) ? chosen : rng.shuffled(chosen)) {
    const { sort } = field.kind;
    if (sort === 'boolean') {
      const [key] = field.path;
      if (field.path.length > 1 || key === undefined) return undefined;
      const value = rng.chance(0.5);
      fixed[key] = value;
      parts.push(booleanWords(field.words.join(' '), value, rng));
      continue;
    }
    slots.push({ kind: field.kind, form: FORMS[sort], targets: [{ call: 0, path }] });
    parts.push(partOf(field, slotMark(slots.length - 1), rng));
  }
  const join = parts.length > 0 && rng.chance(0.2) ? ', ' : ' ';
  const text = tidy(rng.chance(0.9) ? [head, ...parts].join(join) : [...parts, head].join(join)).replaceAll(
    ' :',
    ':',
  );
  return {
    text,
    slots,
    calls: [{ name: tool.name, arguments: fixed }],
    reply: '',
    kind: 'single',
    made: 'schema',
    imperative: verbs().has(/^[a-z]+/.exec(text)?.[0] ?? ''),
    source: `${tool.name}: ${head}`,
  };
}
