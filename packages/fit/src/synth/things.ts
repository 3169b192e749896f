/** Requests that name countries, states, towns, cuisines and the like, for functions with an argument for each of them. */
import { z } from 'zod';
import type { Rng } from '../../../../src/base/rng.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Case } from '../types.ts';
import { chosen, drawText, once, readLexicon, thingsSchema } from './lexicon.ts';
import { type Group, named } from './group.ts';
import { worldList } from './world.ts';

const texts = z.array(z.string());
const placesSchema = z.strictObject({
  jobs: z.array(
    z.strictObject({
      names: thingsSchema,
      about: z.string(),
      /** Lists of the world, of each of which it takes one. */
      arguments: thingsSchema,
      say: z.string().transform((text) => text.trim().split('\n')),
    }),
  ),
  arguments: z.record(z.string(), texts),
  towns: z.strictObject({ before: texts, starts: texts, middles: texts, ends: texts }),
});
const places = once(() => readLexicon('places', placesSchema));

/** A town, seldom a known one: what is no country and no state is mostly one that nobody has heard of. */
function town(rng: Rng): string {
  const { before, starts, middles, ends } = places().towns;
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

function thingOf(list: string, rng: Rng): Said {
  const text = rng.pick(worldList(list));
  return { text, values: { [list]: text } };
}

/** Shares of the groups in small letters, and of the other requests that begin with one. */
const [SMALL, BEGUN] = [0.35, 0.3];

/** A function of things of the world with at most `size` requests for it. */
export function placeGroup(rng: Rng, size: number): Group {
  const job = rng.pick(places().jobs);
  const style = rng.uniform();
  const isSmall = rng.chance(SMALL);
  const keys = new Map(
    job.arguments.map((list) => [list, named(rng.pick(places().arguments[list] ?? [list]), style)]),
  );
  const tool: Tool = {
    name: named(rng.pick(job.names), style),
    description: job.about,
    parameters: {
      type: 'object',
      properties: Object.fromEntries(
        rng.shuffled([...keys.values()]).map((key) => [key, { type: 'string' }]),
      ),
      required: [],
    },
  };
  const cased = (text: string): string => (isSmall ? text.toLowerCase() : text);
  const cases = new Map<string, Case>();
  for (let i = 0; i < size * 3 && cases.size < size; i++) {
    const given: Record<string, string> = {};
    const filled = chosen(rng.pick(job.say), rng).replaceAll(/\{(\w+)\}/g, (_, list: string) => {
      const { text, values } = list === 'place' ? placeOf(rng) : thingOf(list, rng);
      for (const [own, value] of Object.entries(values)) given[keys.get(own) ?? own] = cased(value);
      return cased(text);
    });
    const request = rng.chance(BEGUN) ? filled : filled.replace(/^./, (one) => one.toUpperCase());
    cases.set(request, {
      id: `place-${i}`,
      request,
      calls: [{ name: tool.name, arguments: given }],
      reply: '',
      kind: 'single',
      wording: '',
      made: 'places',
    });
  }
  return { functions: [tool], cases: [...cases.values()] };
}
