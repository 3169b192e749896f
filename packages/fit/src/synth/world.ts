/** Lists of the world, in lexicons/world.yaml: an argument whose examples are of one of them may ask for all the others. */
import { z } from 'zod';
import { once, readLexicon, thingsSchema } from './lexicon.ts';

const world = once(() => readLexicon('world', z.record(z.string(), thingsSchema)));

/** A list by its name. */
export const worldList = (name: string): readonly string[] => world()[name] ?? [];

const lists = once(() =>
  Object.values(world()).map((things) => ({
    things,
    known: new Set(things.map((thing) => thing.toLowerCase())),
  })),
);

/** Different values that tell it, at least, and the part of them that are in the list. */
const [FEWEST, SHARE] = [8, 0.5];

/** The list that at least half of an argument's different values are of, in small letters where they all are; undefined where there is none. */
export function worldOf(distinct: readonly string[]): readonly string[] | undefined {
  if (distinct.length < FEWEST) return undefined;
  const isSmall = distinct.every((value) => value === value.toLowerCase());
  const list = lists().find(
    ({ known }) =>
      distinct.filter((value) => known.has(value.toLowerCase())).length >= SHARE * distinct.length,
  );
  return isSmall ? list?.things.map((thing) => thing.toLowerCase()) : list?.things;
}
