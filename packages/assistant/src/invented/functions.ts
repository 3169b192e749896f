/** Invents a function: a verb and a noun, a description, parameters, and phrases that ask for it by those words. */
import type { Rng } from '../../../../src/base/rng.ts';
import { required } from '../../../../src/base/errors.ts';
import { defineFunction, type FunctionSpec } from '../spec.ts';
import { madeUpWord } from '../values.ts';
import { inventedWords, type InventedParam, namesHeldOut } from './words.ts';

/** Deed of a function, which no other function of a tool set may share. */
export interface Deed {
  readonly verbs: readonly string[];
  /** The noun, or undefined when the first argument itself is what is acted on ("invite Anna"). */
  readonly noun: string | undefined;
}

export interface Invention {
  readonly deed: Deed;
  readonly spec: FunctionSpec;
}

export function drawDeed(rng: Rng, like?: Deed): Deed {
  for (;;) {
    const shared = like === undefined ? 'nothing' : rng.pick(['verb', 'noun']);
    const verbs = like && shared === 'verb' ? like.verbs : rng.pick(inventedWords().verbs);
    const fresh = rng.chance(0.2) ? madeUpWord(rng, 'train') : rng.pick(inventedWords().nouns);
    const compound = rng.chance(0.2)
      ? `${rng.pick(rng.chance(0.5) ? inventedWords().nouns : inventedWords().adjectives)} ${fresh}`
      : fresh;
    const noun = like?.noun !== undefined && shared === 'noun' ? like.noun : compound;
    if (noun.split(' ').some((word) => namesHeldOut(verbs, word) || verbs.includes(word))) continue;
    return { verbs, noun: like === undefined && rng.chance(0.15) ? undefined : noun };
  }
}

/** Verbs that a question can stand for: "what's the forecast" asks to get it, to show it or to check it. */
const QUERY_VERBS = new Set(['show', 'get', 'check', 'find']);

function isQuery(deed: Deed): boolean {
  return QUERY_VERBS.has(deed.verbs[0] ?? '');
}

/** Tells whether a request for one deed could be taken for the other. */
export function clash(one: Deed, other: Deed): boolean {
  if (one.verbs !== other.verbs && !(isQuery(one) && isQuery(other))) return false;
  if (one.noun === undefined || other.noun === undefined) return true;
  return one.noun.split(' ').at(-1) === other.noun.split(' ').at(-1);
}

const PERSON_KINDS = new Set(['person', 'artist']);
const OBJECT_KINDS = new Set([
  'person',
  'city',
  'place',
  'thing',
  'title',
  'topic',
  'dish',
  'made',
  'device',
  'app',
  'event',
  'code',
]);

function drawParams(rng: Rng, objectFirst: boolean): { param: InventedParam; required: boolean }[] {
  const params: InventedParam[] = [];
  const objects = inventedWords().params.filter((param) => OBJECT_KINDS.has(param.kind));
  if (objectFirst) params.push(rng.pick(objects));
  const count = rng.pick([1, 1, 2, 2, 2, 3, 3, 4]);
  while (params.length < count) {
    const param = drawParam(rng);
    // Two values of one kind cannot be told apart unless each cue says which it is.
    const alike = params.some((other) => other.kind === param.kind || other.name === param.name);
    const cueTaken = params.some((other) => other.cues.some((cue) => param.cues.includes(cue)));
    if (!alike && !cueTaken) params.push(param);
  }
  return params.map((param, i) => ({ param, required: i === 0 || rng.chance(0.45) }));
}

function drawParam(rng: Rng): InventedParam {
  if (rng.chance(0.75)) return rng.pick(inventedWords().params);
  const name = rng.chance(0.4) ? madeUpWord(rng, 'train') : rng.pick(inventedWords().nouns);
  const value = (): string =>
    rng.chance(0.4) ? madeUpWord(rng, 'train') : rng.pick(inventedWords().adjectives);
  const choices = new Set(Array.from({ length: 2 + rng.below(3) }, value));
  const choice = choices.size > 1 ? [...choices].join('/') : 'made';
  return { name, kind: rng.pick(['made', 'made', 'code', '1..99', '1..900', choice]), cues: [] };
}

function cueFor(rng: Rng, param: InventedParam): string {
  const words = param.name.replaceAll('_', ' ');
  const generic = [
    `with ${words} {}`,
    `${words} {}`,
    `with {} as ${words}`,
    `using ${words} {}`,
    `with the ${words} {}`,
  ];
  const cue = param.cues.length > 0 && rng.chance(0.7) ? rng.pick(param.cues) : rng.pick(generic);
  return cue.replace('{}', `{${param.name}}`);
}

export function invent(rng: Rng, deed: Deed, family: string): Invention {
  const { verbs, noun } = deed;
  const params = drawParams(rng, noun === undefined);
  const [first] = params;
  const object = required(first, 'a parameter').param;
  const thing = noun ?? object.name.replaceAll('_', ' ');
  const verb = (): string => (rng.chance(0.75) ? (verbs[0] ?? '') : rng.pick(verbs));
  const nameWords = rng.chance(0.15) ? `${thing} ${verb()}` : `${verb()} ${thing}`;
  const name = (
    rng.chance(0.08) ? `${madeUpWord(rng, 'train')} ${rng.pick(thing.split(' '))}` : nameWords
  ).replaceAll(' ', '_');

  const spoken = (): string => (rng.chance(0.5) ? verb() : `(${verbs.join('|')})`);
  const phrase = (): string => {
    const parts = rng
      .shuffled(noun === undefined ? params.slice(1) : params)
      .map(({ param, required: needed }) => {
        const cue = cueFor(rng, param);
        return needed ? `< ${cue}>` : `[ ${cue}]`;
      });
    const stand = PERSON_KINDS.has(object.kind) ? 'someone' : rng.pick(['something', `a ${thing}`]);
    const target =
      noun === undefined
        ? `<{${object.name}}~${stand}>`
        : `${rng.pick(['the', 'the', 'my', 'a new'])} ${noun}`;
    if (isQuery(deed) && noun !== undefined && rng.chance(0.4))
      return `(what's|what is|where is) the ${noun}${parts.join('')}`;
    const opening = rng.pick(['', '', '', '= I want to ', '= I need to ', '= time to ', '= let us ']);
    return `${opening}${spoken()} ${target}${parts.join('')}`;
  };
  const train = Array.from({ length: 5 }, phrase).join('\n');
  return {
    deed,
    spec: defineFunction('invented', {
      names: name,
      description: describe(rng, deed, thing, object),
      family,
      train,
      test: '',
      many: manyPhrases(rng, deed, params),
      params: params.map(({ param, required: needed }) => `${param.name}${needed ? '' : '?'}: ${param.kind}`),
    }),
  };
}

function describe(rng: Rng, { verbs }: Deed, thing: string, object: InventedParam): string {
  const verb = rng.chance(0.7) ? (verbs[0] ?? '') : rng.pick(verbs);
  const article = /^[aeiou]/.test(thing) ? 'an' : 'a';
  const start = `${verb.charAt(0).toUpperCase()}${verb.slice(1)} ${rng.pick(['the', article, article, 'one'])} ${thing}`;
  const words = object.name.replaceAll('_', ' ');
  return rng.chance(0.3) && words !== thing
    ? `${start} ${rng.pick(['by', 'with a', 'for a', 'of a'])} ${words}`
    : start;
}

/** Phrases for parallel calls: one argument repeated and the others said once, or all of them repeated. */
function manyPhrases(
  rng: Rng,
  { verbs, noun }: Deed,
  params: readonly { param: InventedParam; required: boolean }[],
): string {
  const needed = params.filter((entry) => entry.required).map((entry) => entry.param);
  const [object, ...rest] = needed;
  if (object === undefined || object.kind.includes('/')) return '';
  const verb = rng.pick(verbs);
  if (noun === undefined)
    return `${verb} *{${object.name}}*${rest.map((param) => ` ${cueFor(rng, param)}`).join('')}`;
  const cue = cueFor(rng, object);
  const at = cue.indexOf('{');
  const end = cue.indexOf('}') + 1;
  const others = rest.map((param) => ` ${cueFor(rng, param)}`).join('');
  return `${verb} the ${noun} ${cue.slice(0, at)}*${cue.slice(at, end)}*${cue.slice(end)}${others}
    ${verb} ${noun}s *${[object, ...rest].map((param) => cueFor(rng, param)).join(' ')}*`;
}
