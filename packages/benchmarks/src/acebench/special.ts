/**
 * The verdict on requests that cannot be fulfilled: what is missing, what is wrong, or that no function fits, has to be said in the
 * benchmark's own words.
 */
import { isDict, isList, type PyValue } from '../../../../src/json/python.ts';
import { type Verdict, VALID, wrong } from './errors.ts';

const PHRASES = {
  incomplete: 'Missing necessary parameters',
  error_param: 'There is incorrect value',
  irrelevant: 'the limitations of the function',
} as const;

export type SpecialKind = keyof typeof PHRASES;

/** Judges a reply: first whether the fault was noticed, then whether its places are named, all by plain search. */
export function judgeSpecial(reply: string, kind: SpecialKind, gold: PyValue): Verdict {
  if (!reply.includes(PHRASES[kind])) return wrong('error_detection');
  return namesToMention(kind, gold).every((name) => reply.includes(name)) ? VALID : wrong('error_correction');
}

/** Names that must be mentioned: of incomplete requests the functions and their missing parameters, of wrong ones the values. */
function namesToMention(kind: SpecialKind, gold: PyValue): string[] {
  if (!isDict(gold) || kind === 'irrelevant') return [];
  return [...gold].flatMap(([name, items]) => {
    const texts = (isList(items) ? items : []).filter((item) => typeof item === 'string');
    return kind === 'incomplete' ? [name, ...texts] : texts;
  });
}
