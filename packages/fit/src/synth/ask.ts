/** Questions for arguments that a request lacks. */
import type { Field } from './fields.ts';
import { texts } from './lexicon.ts';

function question({ kind, words }: Field): string {
  const name = words.join(' ');
  switch (kind.sort) {
    case 'duration':
      return 'for how long';
    case 'time':
      return 'for what time';
    case 'date':
      return 'for which date';
    case 'days':
      return 'on which days';
    case 'switch':
      return 'on or off';
    case 'boolean':
      return `${name}, yes or no`;
    case 'number':
      return kind.of === 'degrees' || kind.of === 'fahrenheit' ? 'to how many degrees' : `to what ${name}`;
    case 'text':
      return texts().kinds[kind.of]?.ask.replace('{name}', name) ?? `what ${name}`;
    case 'list':
    case 'enum':
      return kind.copies
        ? (texts().kinds[kind.of]?.ask.replace('{name}', name) ?? `what ${name}`)
        : `which ${name}`;
    case 'object':
      return `what ${name}`;
  }
}

/** Reply that asks for what is missing: "For what time?", "To whom, and what should it say?". */
export function ask(lacking: readonly Field[]): string {
  const text = lacking.map(question).join(', and ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}?`;
}
