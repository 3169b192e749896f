/** Domains that word problems are told about: names, things and sentences, one domain a story; see phrases/domains.yaml. */
import { z } from 'zod';
import { readPhrases, wordList } from '../../../../src/base/phrases.ts';

/** Beginnings of a story: a number, or one that has to be computed. */
export const OPENINGS = ['plain', 'sum', 'square', 'root', 'difference'] as const;
export type Opening = (typeof OPENINGS)[number];

/** Events that change the number. */
export const MOVES = ['add', 'subtract', 'multiply', 'divide', 'full', 'needed', 'rest', 'rounded'] as const;
export type Move = (typeof MOVES)[number];

const domainSchema = z.strictObject({
  name: z.string(),
  people: wordList,
  items: wordList,
  boxes: wordList,
  openings: z.record(z.enum(OPENINGS), z.string()),
  moves: z.record(z.enum(MOVES), z.string()),
  ask: z.string(),
});
export type Domain = z.output<typeof domainSchema>;

/** The domains to learn from and to be tested on, and those of transfer. */
export const DOMAINS = readPhrases(
  import.meta.url,
  'domains',
  z.strictObject({ train: z.array(domainSchema), transfer: z.array(domainSchema) }),
);
