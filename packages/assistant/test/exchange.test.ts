/** Requests with other values. */
import { expect, test } from 'vitest';
import { Rng } from '../../../src/base/rng.ts';
import { exchanged, valuesOf } from '../src/people/exchange.ts';

const NAMES = Array.from({ length: 150 }, (_, i) => `name${i}`);
const requests = NAMES.map((artist, i) => ({
  request: `play ${artist} on ${i % 2 === 0 ? 'vinyl' : 'tape'}, please`,
  calls: [{ name: 'play', arguments: { medium: i % 2 === 0 ? 'vinyl' : 'tape', artist } }],
}));
const values = valuesOf(requests);

test('a parameter whose values are of ever other words is open, one of two values is not', () => {
  expect([...values.open]).toEqual(['artist']);
  expect([...(values.of.get('medium') ?? [])]).toEqual(['vinyl', 'tape']);
});

test('other values stand where the old ones stood, in request and call alike, and about half of the requests get some', () => {
  const rng = Rng.seeded(1, 'exchange');
  const made = requests.map((request) => exchanged(rng, request, values));
  const changed = made.filter((request, i) => request.request !== requests[i]?.request);
  expect(changed.length).toBeGreaterThan(50);
  expect(changed.length).toBeLessThan(100);
  for (const { request, calls } of made) {
    const [call] = calls;
    expect(Object.keys(call?.arguments ?? {})).toEqual(['medium', 'artist']);
    expect(request).toBe(`play ${call?.arguments['artist']} on ${call?.arguments['medium']}, please`);
    for (const word of (call?.arguments['artist'] ?? '').split(' ')) expect(NAMES).toContain(word);
  }
});

test('a request whose values cannot be told apart stays as it is', () => {
  const twice = { request: 'play tape on tape', calls: [{ name: 'play', arguments: { medium: 'tape' } }] };
  const inside = {
    request: 'play name1 live',
    calls: [{ name: 'play', arguments: { artist: 'name1 live', medium: 'live' } }],
  };
  const rng = Rng.seeded(2, 'exchange');
  for (let i = 0; i < 50; i++) {
    expect(exchanged(rng, twice, values)).toBe(twice);
    expect(exchanged(rng, inside, values)).toBe(inside);
  }
});
