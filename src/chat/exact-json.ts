/**
 * Values for chat templates that come out as Python would write them. The template engine knows JavaScript's numbers and
 * objects alone: 5.0 would become 5, an integer beyond 2^53 would be rounded, and keys such as "10" would change places.
 * Such numbers and keys go through the template under a mark of their own, and are put back into the text.
 */
import { dumps } from '../json/dumps.ts';
import { isDict, isList, type PyDict, type PyValue } from '../json/python.ts';

/** Private use characters: no text of a data set has them; where one does, its value is marked as a whole. */
const OPEN = '\u{F0000}';
const CLOSE = '\u{F0001}';
const MARKED = new RegExp(`"?${OPEN}(\\d+)${CLOSE}"?`, 'gu');
/** Tells whether a text is nothing but a mark of what goes through a template. */
export const isMark = (text: string): boolean => new RegExp(`^${OPEN}\\d+${CLOSE}$`, 'u').test(text);

/** Keys that JavaScript would move to the front, and the one that it would not keep as a key. */
const MOVED = /^(?:0|[1-9]\d*|__proto__)$/;

/** Values for a template, and the way back. */
export function templateValues() {
  const literals: string[] = [];
  const mark = (literal: string): string => `${OPEN}${literals.push(literal) - 1}${CLOSE}`;
  const object = (dict: PyDict): Record<string, unknown> => {
    const values: Record<string, unknown> = {};
    for (const [key, value] of dict) values[MOVED.test(key) ? mark(dumps(key)) : key] = of(value);
    return values;
  };
  /** A value as the template engine takes it. */
  const of = (value: PyValue): unknown => {
    if (typeof value === 'bigint') {
      const number = Number(value);
      return Number.isSafeInteger(number) && String(value) === String(number) ? number : mark(String(value));
    }
    if (typeof value === 'number') {
      const literal = dumps(value);
      return literal === JSON.stringify(value) ? value : mark(literal);
    }
    if (typeof value === 'string')
      return value.includes(OPEN) || value.includes(CLOSE) ? mark(dumps(value)) : value;
    if (isList(value)) return value.map(of);
    return isDict(value) ? object(value) : value;
  };
  return {
    of,
    /** Puts what was marked back into a rendered text: as JSON inside of JSON, and so are numbers everywhere. */
    restore(text: string): string {
      if (literals.length === 0) return text;
      return text.replace(MARKED, (whole, index: string) => {
        const literal = literals[Number(index)] ?? '';
        const quoted = whole.startsWith('"') && whole.endsWith('"');
        // A text outside of JSON stands as it is; a number keeps quotes that are not its own.
        if (quoted) return literal;
        const bare = literal.startsWith('"') ? (JSON.parse(literal) as string) : literal;
        return `${whole.startsWith('"') ? '"' : ''}${bare}${whole.endsWith('"') ? '"' : ''}`;
      });
    },
  };
}
