/** Function sets that nobody has, for common jobs, with what people say to them: what a base is pre-trained on. */
import { z } from 'zod';
import { Rng } from '../../../../src/base/rng.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { JsonObject } from '../../../../src/json/value.ts';
import { parseSettings } from '../settings.ts';
import { nameWords, once, readLexicon, texts, thingsSchema } from './lexicon.ts';
import { type Group, named } from './group.ts';
import { thingGroup } from './things.ts';
import { synthesise } from './synthesise.ts';

const choices = (mark: string): z.ZodType<readonly string[]> =>
  z.string().transform((text) => text.split(mark).map((one) => one.trim()));

const jobSchema = z.strictObject({
  names: thingsSchema,
  about: choices('|'),
  arguments: z.array(
    z.strictObject({
      names: choices('/'),
      forms: z.array(z.string()),
      /** Shares of the functions that have it, and of those that require it. */
      share: z.number(),
      need: z.number(),
      about: choices('|').default([]),
      /** True for one that stands where the one before it was left out, and only there. */
      instead: z.boolean().default(false),
    }),
  ),
});
type Job = z.output<typeof jobSchema>;

const jobs = once(() => readLexicon('jobs', z.array(jobSchema)));

const DAYS = [
  ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
  ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
];

/** Values of an enumeration in one of the styles of programs. */
function styled(values: readonly string[], rng: Rng): string[] {
  const style = rng.uniform();
  if (style < 0.65) return [...values];
  if (style < 0.9) return values.map((value) => value.replaceAll(' ', '_'));
  return values.map((value) => value.charAt(0).toUpperCase() + value.slice(1));
}

function schemaOf(form: string, rng: Rng): JsonObject {
  const [kind = '', ...rest] = form.split(' ');
  const [least = 0, most = 0] = rest.slice(-2).map(Number);
  switch (kind) {
    case 'enum': {
      const count = least + rng.below(most - least + 1);
      return {
        type: 'string',
        enum: styled(rng.shuffled(texts().words[rest[0] ?? ''] ?? []).slice(0, count), rng),
      };
    }
    case 'one':
      return { type: 'string', enum: (rest[1] ?? '').split('/') };
    case 'integer':
    case 'number':
      return { type: kind, ...(rng.chance(0.8) ? { minimum: least, maximum: most } : {}) };
    case 'clock':
      return { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' };
    case 'days':
      return { type: 'array', items: { type: 'string', enum: rng.pick(DAYS) } };
    case 'list':
      return {
        type: 'array',
        items: rest.length > 0 ? schemaOf(rest.join(' '), rng) : { type: 'string' },
        ...(rng.chance(0.3) ? { minItems: 1 } : {}),
      };
    case 'boolean':
      return { type: 'boolean' };
    default:
      return { type: 'string' };
  }
}

function functionOf(job: Job, style: number, rng: Rng): Tool {
  const name = rng.pick(job.names);
  const properties: Record<string, JsonObject> = {};
  const required: string[] = [];
  let isThere = true;
  for (const { names, forms, share, need, about, instead } of job.arguments) {
    if (instead && isThere) continue;
    isThere = rng.chance(share);
    const own = named(rng.pick(names), style);
    if (!isThere || Object.hasOwn(properties, own)) continue;
    const form = rng.pick(forms);
    const says = about.length > 0 && (form === 'words' || rng.chance(0.6));
    properties[own] = {
      ...schemaOf(form, rng),
      ...(says ? { description: rng.pick(about) } : {}),
    };
    if (rng.chance(need)) required.push(own);
  }
  const spoken = nameWords(name).join(' ');
  return {
    name: named(name, style),
    description: rng.pick(job.about) || spoken.charAt(0).toUpperCase() + spoken.slice(1),
    parameters: {
      type: 'object',
      properties: Object.fromEntries(
        rng.chance(0.8) ? Object.entries(properties) : rng.shuffled(Object.entries(properties)),
      ),
      required,
    },
  };
}

/** Share of the groups that are about things of the world. */
const THINGS = 0.3;

/** Functions of a set at least and at most. */
const [FEWEST, MOST] = [2, 13];

/** A set of functions and `size` requests for them, or for none; the same seed and index give the same. Held-out wordings are not among them. */
export function jobGroup(seed: number, index: number, size: number): Group {
  const rng = Rng.seeded(seed, `jobs:${index}`);
  if (rng.chance(THINGS)) return thingGroup(rng, size);
  const style = rng.uniform();
  const names = new Set<string>();
  const functions = rng
    .shuffled(jobs())
    .slice(0, FEWEST + rng.below(MOST - FEWEST + 1))
    .map((job) => functionOf(job, style, rng))
    .filter(({ name }) => !names.has(name) && names.add(name));
  const project = { folder: '', functions, examples: [], settings: parseSettings('', '', []), notes: [] };
  const { train } = synthesise(project, {
    seed: rng.below(2 ** 30),
    size,
    irrelevantShare: 0.18,
    devShare: 0,
    testShare: 0,
  });
  return { functions, cases: rng.shuffled(train).slice(0, size) };
}
