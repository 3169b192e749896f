/** Groups of functions and requests that bases are pre-trained on. */
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { concepts } from '../src/synth/concepts.ts';
import { jobGroup } from '../src/synth/jobs.ts';
import { phraseSplit } from '../src/synth/split.ts';
import { worldList, worldOf } from '../src/synth/world.ts';

const SIZE = 12;
const groups = Array.from({ length: 80 }, (_, i) => jobGroup(5, i, SIZE));
const cases = groups.flatMap(({ cases: own }) => own);

describe('a group of requests for common jobs', () => {
  test('is the same each time it is made', () => {
    expect(jobGroup(5, 3, SIZE)).toEqual(groups[3]);
    expect(jobGroup(6, 3, SIZE)).not.toEqual(groups[3]);
  });

  test('calls its own functions alone, as their schemas have it', () => {
    const ajv = new Ajv({ strict: false });
    for (const { functions, cases: own } of groups) {
      const checks = new Map(functions.map(({ name, parameters }) => [name, ajv.compile(parameters)]));
      for (const { calls } of own)
        for (const { name, arguments: given } of calls)
          expect([name, given, checks.get(name)?.(given)]).toEqual([name, given, true]);
    }
    expect(cases.filter(({ calls }) => calls.length > 0).length).toBeGreaterThan(200);
  });

  test('has no phrase that projects hold out, and some of each kind', () => {
    const lines = cases.flatMap(({ made, wording }) =>
      made === 'phrases' ? [wording.slice(wording.indexOf(': ') + 2)] : [],
    );
    expect(lines.length).toBeGreaterThan(100);
    const taught = concepts().flatMap(({ concept, phrases }) =>
      phrases.flatMap(({ say }) =>
        say.filter(({ line }) => phraseSplit(`${concept}: ${line}`) === 'train').map(({ line }) => line),
      ),
    );
    expect(lines.filter((line) => line.includes('{') && !taught.includes(line))).toEqual([]);
    expect(new Set(cases.map(({ kind }) => kind))).toEqual(
      new Set(['single', 'several', 'irrelevant', 'missing', 'hard']),
    );
  });

  test('of things of the world has them word by word in the request', () => {
    const things = cases.filter(({ made }) => made === 'things');
    expect(things.length).toBeGreaterThan(30);
    for (const { request, calls } of things)
      for (const value of Object.values(calls[0]?.arguments ?? {})) expect(request).toContain(value);
  });
});

describe('a list of the world', () => {
  test('is that of an argument whose values are mostly of it, in their letters', () => {
    const own = ['Spain', 'Kenya', 'Peru', 'Chile', 'Malta', 'Qatar', 'my home', 'over there'];
    expect(worldOf(own)).toBe(worldList('country'));
    expect(worldOf(own.map((value) => value.toLowerCase()))).toContain('new zealand');
    expect(worldOf(own.slice(0, 7))).toBeUndefined();
    expect(worldOf(['on', 'off', 'up', 'down', 'Spain', 'a', 'b', 'c'])).toBeUndefined();
  });
});
