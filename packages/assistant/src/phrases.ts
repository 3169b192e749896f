/** Phrase files: the words of the assistant's functions and requests, in YAML under phrases/. */
import { z } from 'zod';
import { once } from './once.ts';
import { readPhrases, wordList } from '../../../src/base/phrases.ts';

/** A function as phrase files write it; names are given as "name|another|a third", one of which a tool set draws. */
export const functionSchema = z.strictObject({
  names: z.string(),
  description: z.string(),
  /**
   * `names: kind` each, with `?` after the names when optional; a kind is `1..90` or `500..9000 by 500`,
   * `low/medium/high`, or the name of a kind of text in lexicon.yaml.
   */
  params: z.array(z.string()),
  /** Functions that only another function of the same family could be confused with. */
  family: z.string().exactOptional(),
  /** Phrases of training and of tests, in the notation of template.ts. */
  train: z.string(),
  test: z.string(),
  /** Phrases for parallel calls. */
  many: z.string().exactOptional(),
  manyTest: z.string().exactOptional(),
});
export type FunctionSource = z.output<typeof functionSchema>;

const named = z.record(z.string(), z.array(z.string()).readonly()).readonly();

/**
 * `words`: lists of words by name, each of which values.ts splits into training and test words. `kinds`: patterns of each
 * kind of text, where `<name>` is a word of that list.
 */
export const lexicon = once(() =>
  readPhrases(
    import.meta.url,
    'lexicon',
    z.strictObject({ words: z.record(z.string(), wordList).readonly(), kinds: named }),
  ),
);

/** Things people say to an assistant that no function answers. */
export const smallTalkPhrases = once(() =>
  readPhrases(
    import.meta.url,
    'small-talk',
    z.strictObject({ train: z.array(z.string()), test: z.array(z.string()) }),
  ),
);
