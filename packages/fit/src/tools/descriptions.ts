/** Descriptions as they are kept: every request is read with all of them, so that long ones are cut. */
import type { JsonObject } from './json.ts';

/** Characters of a description that are kept: of a function, and of a parameter. */
const MOST = { function: 500, parameter: 240 } as const;

/** A text cut behind a sentence, or a word, so that it is at most `most` long. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const start = text.slice(0, most);
  const sentence = /^[\s\S]*[.!?](?=\s)/.exec(`${start} `)?.[0] ?? '';
  if (sentence.length > most / 3 && sentence.length <= most) return sentence.trim();
  return `${start.slice(0, most - 3).replace(/\s+\S*$/, '')}...`;
}

/** A description of `kind` that is short enough; `tell` is told where it is cut. */
export function shortDescription(
  text: string,
  kind: keyof typeof MOST,
  tell: (text: string) => void,
): string {
  const whole = text.trim();
  const most = MOST[kind];
  if (whole.length <= most) return whole;
  tell(
    `has a description of ${whole.length} characters, of which ${most} at most are kept; a model reads it with every request: shorten it`,
  );
  return cutText(whole, most);
}

const letters = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');

/** Description of the parameter at `path`, or its title where that says more than its name. */
export function descriptionOf(
  { description, title }: JsonObject,
  path: string,
  tell: (text: string) => void,
): string | undefined {
  if (typeof description === 'string' && description.trim() !== '')
    return shortDescription(description, 'parameter', tell);
  const name = path.split('.').at(-1) ?? '';
  const saysMore = typeof title === 'string' && letters(title) !== letters(name);
  return saysMore && title.trim() !== '' ? shortDescription(title, 'parameter', tell) : undefined;
}
