/** Requests that name countries, towns, artists, films and the like, for functions with an argument for each of them. */
import { z } from 'zod';
import type { Rng } from '../../../../src/base/rng.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Case } from '../types.ts';
import { chosen, drawText, once, readLexicon, thingsSchema } from './lexicon.ts';
import { type Group, named } from './group.ts';
import { worldList } from './world.ts';

const texts = z.array(z.string());
const jobsSchema = z.strictObject({
  jobs: z.array(
    z.strictObject({
      names: thingsSchema,
      about: z.string().transform((text) => text.split('|')),
      /** Lists of the world, of each of which it takes one. */
      arguments: thingsSchema,
      say: z.string().transform((text) => text.trim().split('\n')),
    }),
  ),
  arguments: z.record(z.string(), texts),
  towns: z.strictObject({ before: texts, starts: texts, middles: texts, ends: texts }),
});
const things = once(() => readLexicon('things', jobsSchema));
const works = once(() => readLexicon('works', z.record(z.string(), thingsSchema)));

/** A town, seldom a known one: what is no country and no state is mostly one that nobody has heard of. */
function town(rng: Rng): string {
  const { before, starts, middles, ends } = things().towns;
  if (rng.chance(0.3)) return drawText(rng, 'city');
  if (rng.chance(0.3)) return `${drawText(rng, 'last')}${rng.pick(ends)}`;
  return `${rng.pick(before)}${rng.pick(starts)}${rng.pick(middles)}${rng.pick(ends)}`;
}

/** Words of a request, with the values in them by their lists. */
interface Said {
  readonly text: string;
  readonly values: Readonly<Record<string, string>>;
}

/** Kinds of places by how often they are said: alone, or a town of a state or a country. */
const PLACES = 'country country country state state city city city both both abroad abroad'.split(' ');

function placeOf(rng: Rng): Said {
  const [city, state, country] = [town(rng), rng.pick(worldList('state')), rng.pick(worldList('country'))];
  switch (rng.pick(PLACES)) {
    case 'country':
      return { text: country, values: { country } };
    case 'state':
      return { text: state, values: { state } };
    case 'city':
      return { text: city, values: { city } };
    case 'both':
      return { text: `${city}${rng.pick([', ', ' ', ' ', ' in '])}${state}`, values: { city, state } };
    default:
      return { text: `${city}${rng.pick([', ', ' ', ' in '])}${country}`, values: { city, country } };
  }
}

/** A name of a person, now and then with an initial. */
function personOf(rng: Rng): string {
  const own = (list: string): string => rng.pick(works()[list] ?? []);
  const initial = rng.chance(0.06) ? ` ${own('given').charAt(0)}.` : '';
  return `${own('given')}${initial} ${own('family')}`;
}

/** Shares of the artists who have a person's name, and of the persons who are said by their given names. */
const [PEOPLE, GIVEN] = [0.6, 0.5];

function nameOf(list: string, rng: Rng): string {
  if (list === 'artist') return rng.chance(PEOPLE) ? personOf(rng) : rng.pick(works()['band'] ?? []);
  if (list === 'person') return rng.chance(GIVEN) ? rng.pick(works()['given'] ?? []) : personOf(rng);
  if (list === 'city') return town(rng);
  return rng.pick(works()[list] ?? worldList(list));
}

function thingOf(list: string, rng: Rng): Said {
  if (list === 'place') return placeOf(rng);
  const text = nameOf(list, rng);
  return { text, values: { [list]: text } };
}

type Job = z.output<typeof jobsSchema>['jobs'][number];

/** A function of a set, and what its arguments are called, by their lists. */
interface Made {
  readonly tool: Tool;
  readonly say: Job['say'];
  readonly keys: ReadonlyMap<string, string>;
}

function functionOf(job: Job, style: number, rng: Rng): Made {
  const keys = new Map<string, string>();
  for (const list of job.arguments) {
    const names = things().arguments[list] ?? [list];
    const free = names.map((name) => named(name, style)).filter((name) => ![...keys.values()].includes(name));
    keys.set(list, rng.pick(free));
  }
  const properties = rng.shuffled([...keys.values()]).map((key) => [key, { type: 'string' }]);
  const parameters = { type: 'object', properties: Object.fromEntries(properties), required: [] };
  const tool = { name: named(rng.pick(job.names), style), description: rng.pick(job.about), parameters };
  return { tool, say: job.say, keys };
}

/** Shares of the groups in small letters, and of the other requests that begin with one. */
const [SMALL, BEGUN] = [0.35, 0.3];

/** Functions of a set at most. */
const MOST = 5;

/** Functions of things of the world with at most `size` requests for them. */
export function thingGroup(rng: Rng, size: number): Group {
  const style = rng.uniform();
  const isSmall = rng.chance(SMALL);
  const jobs = rng.shuffled(things().jobs).slice(0, 1 + rng.below(MOST));
  const functions = jobs.map((job) => functionOf(job, style, rng));
  const cased = (text: string): string => (isSmall ? text.toLowerCase() : text);
  const cases = new Map<string, Case>();
  for (let i = 0; i < size * 3 && cases.size < size; i++) {
    const { tool, say, keys } = rng.pick(functions);
    const given: Record<string, string> = {};
    const filled = chosen(rng.pick(say), rng).replaceAll(/\{(\w+)\}/g, (_, list: string) => {
      const { text, values } = thingOf(list, rng);
      for (const [own, value] of Object.entries(values)) given[keys.get(own) ?? own] = cased(value);
      return cased(text);
    });
    const request = rng.chance(BEGUN) ? filled : filled.replace(/^./, (one) => one.toUpperCase());
    // A thing at the beginning has the letter that it has in the call.
    const isSame = Object.values(given).every((value) => request.includes(value));
    cases.set(isSame ? request : filled, {
      id: `thing-${i}`,
      request: isSame ? request : filled,
      calls: [{ name: tool.name, arguments: given }],
      reply: '',
      kind: 'single',
      wording: '',
      made: 'things',
    });
  }
  return { functions: functions.map(({ tool }) => tool), cases: [...cases.values()] };
}
