/** Readings of a theory: one wording to learn, and another, of kinds instead of properties, for transfer. */
import { z } from 'zod';
import { readPhrases, wordList } from '../../../../src/base/phrases.ts';
import type { Literal, Rule } from './theory.ts';

const words = z.strictObject({ people: wordList, properties: wordList });
const WORDS = readPhrases(import.meta.url, 'words', z.strictObject({ traits: words, kinds: words }));

export interface Wording {
  readonly name: 'traits' | 'kinds';
  readonly people: readonly string[];
  readonly properties: readonly string[];
  literal(literal: Literal): string;
  rule(rule: Rule): string;
}

/** "Rex is not kind" */
const trait = ({ name, property, holds }: Literal): string => `${name} is ${holds ? '' : 'not '}${property}`;
/** "Zib is not a wumpus" */
const kind = ({ name, property, holds }: Literal): string => `${name} is ${holds ? '' : 'not '}a ${property}`;

export const WORDINGS: Readonly<Record<Wording['name'], Wording>> = {
  traits: {
    name: 'traits',
    ...WORDS.traits,
    literal: trait,
    rule: ({ when, conclusion }) => {
      const conditions = when.map(({ property, holds }) => `${holds ? '' : 'not '}${property}`).join(' and ');
      return `If someone is ${conditions}, they are ${conclusion.holds ? '' : 'not '}${conclusion.property}`;
    },
  },
  kinds: {
    name: 'kinds',
    ...WORDS.kinds,
    literal: kind,
    rule: ({ when: [first, ...more], conclusion }) => {
      const start =
        first === undefined || first.holds
          ? `Every ${first?.property ?? 'being'}`
          : `Whatever is not a ${first.property}`;
      const rest = more.map(({ property, holds }) => ` that is ${holds ? '' : 'not '}a ${property}`).join('');
      return `${start}${rest} is ${conclusion.holds ? '' : 'not '}a ${conclusion.property}`;
    },
  },
};

/** Reads "Rex is not kind" or "Zib is a wumpus"; undefined when it is neither, or of an unknown name or property. */
export function readLiteral(text: string, wording: Wording): Literal | undefined {
  const match = /^\s*(\w+) is (not )?(?:an? )?(\w+)\s*\.?\s*$/i.exec(text);
  const [, given = '', negation, what = ''] = match ?? [];
  const name = wording.people.find((known) => known.toLowerCase() === given.toLowerCase());
  const property = wording.properties.find((known) => known === what.toLowerCase());
  return name === undefined || property === undefined
    ? undefined
    : { name, property, holds: negation === undefined };
}
