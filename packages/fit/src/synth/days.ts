/** Sets of weekdays as people say them: "on weekdays", "every monday and friday", "at the weekend". */
import type { Rng } from '../../../../src/base/rng.ts';
import type { JsonValue } from '../../../../src/json/value.ts';
import { valueText } from './lexicon.ts';
import type { Saying } from './numbers.ts';

const NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** Place of a weekday in the week: "mon", "Monday" and "MO" are 0; -1 if it is none. */
function dayOf(value: JsonValue): number {
  const text = valueText(value).toLowerCase();
  return text.length < 2 ? -1 : NAMES.findIndex((name) => name.startsWith(text) || text === `${name}s`);
}

/** Tells whether an enum has the weekdays for its values. */
export function isDays(values: readonly JsonValue[]): boolean {
  return (
    values.length >= 5 &&
    new Set(values.map(dayOf)).size === values.length &&
    values.every((value) => dayOf(value) >= 0)
  );
}

const and = (parts: readonly string[]): string =>
  parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;

/** Words for a list of weekdays. */
export function daySayings(value: JsonValue, values: readonly JsonValue[]): Saying[] {
  if (!Array.isArray(value) || value.length === 0) return [];
  const days = (value as readonly JsonValue[]).map(dayOf);
  if (days.some((day) => day < 0)) return [];
  const key = [...days].sort((a, b) => a - b).join('');
  const names = days.map((day) => NAMES[day] ?? '');
  const texts = [
    `every ${and(names)}`,
    `on ${and(names.map((name) => `${name}s`))}`,
    `each ${and(names)}`,
    ...(days.length === 1
      ? [`on ${names[0] ?? ''}`, `this ${names[0] ?? ''}`]
      : [`on ${and(names)}`, `${and(names.map((name) => `${name}s`))}`]),
  ];
  const first = names[0] ?? '';
  const last = names.at(-1) ?? '';
  const isRun = days.length > 2 && days.every((day, i) => i === 0 || day === (days[i - 1] ?? 0) + 1);
  const run = isRun ? [`${first} to ${last}`, `from ${first} to ${last}`, `${first} through ${last}`] : [];
  const special: Readonly<Record<string, readonly string[]>> = {
    '01234': [
      'on weekdays',
      'every weekday',
      'weekdays',
      'on workdays',
      'on work days',
      'every workday',
      'during the week',
      'on school days',
      'each weekday',
    ],
    '56': ['on weekends', 'at the weekend', 'every weekend', 'on the weekend', 'weekends', 'at weekends'],
    '0123456':
      values.length === 7 ? ['every day', 'daily', 'each day', 'every single day', 'seven days a week'] : [],
  };
  const own = special[key] ?? [];
  const all = days.length >= 5 ? [...own, ...run] : [...own, ...texts, ...run];
  return all
    .flatMap((text) => [...new Set([text, capitalised(text)])])
    .map((text) => ({ text, form: 'days' }));
}

const DAY = new RegExp(`\\b(${NAMES.join('|')})`, 'g');
/** Names of days as they are written, where speech has small letters. */
const capitalised = (text: string): string =>
  text.replaceAll(DAY, (name) => name.charAt(0).toUpperCase() + name.slice(1));

export function drawDays(rng: Rng, values: readonly JsonValue[]): JsonValue {
  const at = (days: readonly number[]): JsonValue[] => values.filter((value) => days.includes(dayOf(value)));
  const size = rng.below(10);
  if (size < 2) return at([0, 1, 2, 3, 4]);
  if (size < 3) return at([5, 6]);
  if (size < 4) return at([0, 1, 2, 3, 4, 5, 6]);
  if (size < 5) {
    const from = rng.below(4);
    return at(Array.from({ length: 3 + rng.below(2) }, (_, i) => from + i));
  }
  return at(rng.shuffled([0, 1, 2, 3, 4, 5, 6]).slice(0, 1 + rng.below(3)));
}
