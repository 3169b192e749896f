/**
 * Requests with other values: some that other requests have for the same parameter, or words of values put together anew,
 * which can be copied and not known by heart.
 */
import type { Rng } from '../../../../src/base/rng.ts';
import type { PeopleRequest } from './request.ts';

/** Values of the requests for one function, by parameter. */
export interface Values {
  readonly of: ReadonlyMap<string, readonly string[]>;
  /** Parameters whose values are hardly ever of the same words: titles, names of people. */
  readonly open: ReadonlySet<string>;
  /** Words of their values. */
  readonly words: readonly string[];
}

/** Shares of the requests that get other values, of their values that change, and of the open ones that are put together anew. */
const [CHANGED, EACH, ANEW] = [0.5, 0.7, 0.3];
/** Parameters with so many different words, and so many of them a word that is said, are open. */
const OPEN = { words: 100, share: 0.4 };

/** Collects the values that stand in their requests as they are. */
export function valuesOf(requests: readonly PeopleRequest[]): Values {
  const all = new Map<string, string[]>();
  for (const { request, calls } of requests)
    for (const [key, value] of calls.flatMap((call) => Object.entries(call.arguments))) {
      if (!request.includes(value)) continue;
      const known = all.get(key);
      if (known === undefined) all.set(key, [value]);
      else known.push(value);
    }
  const said = [...all].map(([key, values]) => [key, values.flatMap((value) => value.split(' '))] as const);
  const open = said.filter(([, words]) => {
    const different = new Set(words).size;
    return different >= OPEN.words && different > OPEN.share * words.length;
  });
  return {
    of: new Map([...all].map(([key, values]) => [key, [...new Set(values)]])),
    open: new Set(open.map(([key]) => key)),
    words: open.flatMap(([, words]) => words),
  };
}

/** A request, half of the times with other values in the places of its own. */
export function exchanged(rng: Rng, request: PeopleRequest, { of, open, words }: Values): PeopleRequest {
  const [call] = request.calls;
  if (call === undefined || !rng.chance(CHANGED)) return request;
  const text = request.request;
  const spans = Object.entries(call.arguments)
    .map(([key, value]) => ({ key, value, at: text.indexOf(value) }))
    .toSorted((a, b) => a.at - b.at);
  // Values that are not where they can be told apart stay, and with them all others.
  const isPlain = spans.every(
    ({ value, at }, i) =>
      at >= 0 &&
      text.lastIndexOf(value) === at &&
      at >= (i === 0 ? 0 : (spans[i - 1]?.at ?? 0) + (spans[i - 1]?.value.length ?? 0)),
  );
  if (!isPlain) return request;
  const changed: Record<string, string> = {};
  let made = '';
  let from = 0;
  for (const { key, value, at } of spans) {
    let other = value;
    if (open.has(key) && rng.chance(ANEW))
      other = Array.from({ length: 1 + rng.below(4) }, () => rng.pick(words)).join(' ');
    else if (rng.chance(EACH)) other = rng.pick(of.get(key) ?? [value]);
    made += text.slice(from, at) + other;
    from = at + value.length;
    changed[key] = other;
  }
  made += text.slice(from);
  // A value that now stands in two places would be told apart by nothing.
  const isClear = Object.values(changed).every((value) => made.indexOf(value) === made.lastIndexOf(value));
  if (!isClear) return request;
  const given = Object.fromEntries(Object.keys(call.arguments).map((key) => [key, changed[key] ?? '']));
  return { request: made, calls: [{ name: call.name, arguments: given }] };
}
