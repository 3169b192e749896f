/** Time that a server asks to be left alone, in every form in use: headers of several names, and words in the body. */
import { isFields } from '../../json/value.ts';

/** Milliseconds in the units of durations such as 1m30.5s and 350ms. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART =
  /(\d+(?:\.\d+)?)(ms|milli(?:second)?s?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)/g;
const millisecondsOf = ([, count, unit = '']: RegExpExecArray): number =>
  Number(count) * (UNITS[/^m(?:s|illi)/.test(unit) ? 'ms' : unit.slice(0, 1)] ?? 0);

/** Numbers beyond these are moments, in seconds and in milliseconds since 1970. */
const [EPOCH_SECONDS, EPOCH_MILLISECONDS] = [1e9, 1e12];

/** Reads a Retry-After header as milliseconds: seconds, a date, a moment since 1970, or a duration such as 1m30s. */
export function retryAfter(header: string | null | undefined, now: number): number | undefined {
  const text = header?.trim().toLowerCase() ?? '';
  if (text === '') return undefined;
  const number = Number(text);
  if (Number.isFinite(number)) {
    if (number >= EPOCH_MILLISECONDS) return Math.max(0, number - now);
    if (number >= EPOCH_SECONDS) return Math.max(0, number * 1000 - now);
    return Math.max(0, number * 1000);
  }
  const spaceless = text.replaceAll(/\s+/g, '');
  if (spaceless.replaceAll(PART, '') === '')
    return [...spaceless.matchAll(PART)].reduce((sum, part) => sum + millisecondsOf(part), 0);
  const date = /\d{4}|gmt|utc/.test(text) ? Date.parse(header ?? '') : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function millisecondsIn(text: string | null | undefined): number | undefined {
  const number = Number(text ?? '');
  return (text ?? '').trim() !== '' && Number.isFinite(number) ? Math.max(0, number) : undefined;
}

/** Headers by their names in lower case: those of fetch, or those that a gateway passes on in a body. */
interface NamedHeaders {
  get(name: string): string | null | undefined;
}

/** Headers that tell when a limit is over; beside each is one with "remaining" for "reset". */
const RESETS = [
  'x-ratelimit-reset-requests',
  'x-ratelimit-reset-tokens',
  'anthropic-ratelimit-requests-reset',
  'anthropic-ratelimit-tokens-reset',
  'x-ratelimit-reset',
  'x-ratelimit-reset-after',
  'x-rate-limit-reset',
  'ratelimit-reset',
];
const remainingBeside = (reset: string): string => reset.replace('reset', 'remaining').replace(/-after$/, '');

/** Pause that the headers ask for; those of limits speak of a status 429 alone (`isLimit`). */
function fromHeaders(headers: NamedHeaders, now: number, isLimit: boolean): number | undefined {
  const asked = millisecondsIn(headers.get('retry-after-ms')) ?? retryAfter(headers.get('retry-after'), now);
  if (asked !== undefined || !isLimit) return asked;
  // RateLimit: limit=100, remaining=0, reset=30, and its later form "default";r=0;t=30.
  const [, seconds] = /\b(?:reset|t)=(\d+)/.exec(headers.get('ratelimit') ?? '') ?? [];
  if (seconds !== undefined) return Number(seconds) * 1000;
  // Of several limits, the one that is reached; the others would be over later.
  const reached = RESETS.filter((reset) => !(Number(headers.get(remainingBeside(reset)) ?? 0) > 0));
  const pauses = reached.flatMap((reset) => retryAfter(headers.get(reset), now) ?? []);
  return pauses.length === 0 ? undefined : Math.max(...pauses);
}

/** Keys of a body, with what their numbers count in. */
const BODY_KEYS: ReadonlyMap<string, 'ms' | 's'> = new Map([
  ['retrydelay', 's'],
  ['retryafter', 's'],
  ['retryafterseconds', 's'],
  ['retryinseconds', 's'],
  ['retryafterms', 'ms'],
]);
const DEPTH = 6;

/** Keys and values inside of a body, each before what is inside of it. */
function* fieldsIn(value: unknown, depth = DEPTH): Generator<[key: string, value: unknown]> {
  if (depth === 0 || typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value) as [string, unknown][]) {
    yield [key.toLowerCase().replaceAll(/[_-]/g, ''), item];
    yield* fieldsIn(item, depth - 1);
  }
}

function fromBody(body: unknown, now: number): number | undefined {
  for (const [key, value] of fieldsIn(body)) {
    const text = textIn(value);
    const unit = BODY_KEYS.get(key);
    const found =
      (key === 'headers' && isFields(value) ? fromHeaders(headersOf(value), now, true) : undefined) ??
      (unit === 'ms' ? millisecondsIn(text) : undefined) ??
      (unit === undefined ? undefined : retryAfter(text, now));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A text, or a number as one; undefined for anything else. */
const textIn = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

const headersOf = (fields: Readonly<Record<string, unknown>>): NamedHeaders =>
  new Map(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), textIn(value)]));

/** "Please try again in 1m30.5s", "retry after 26 seconds". */
const IN_WORDS =
  /\b(?:try again|retry|wait)(?: again)?(?: after| in| for)?(?: about| at least)?:? (\d[\d.]*\s*(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)(?:\s*\d[\d.]*\s*(?:ms|s|m|h))*)\b/i;

/** The pause that a server asks for with a status, in milliseconds: by its headers, by its body, or in its words. */
export function askedPause(
  status: number,
  headers: NamedHeaders,
  body: unknown,
  words: string,
  now: number,
): number | undefined {
  return (
    fromHeaders(headers, now, status === 429) ??
    fromBody(body, now) ??
    retryAfter(IN_WORDS.exec(words)?.[1], now)
  );
}
