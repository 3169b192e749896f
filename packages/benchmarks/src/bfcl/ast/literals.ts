/** Literals as Java and JavaScript have them in common. The patterns are Python's: \d is a digit of any script, $ matches before a last line break. */
import { pyFloat, pyInt } from '../../python/numbers.ts';
import { strip, type PyValue } from '../../../../../src/json/python.ts';

/** A pattern and what it reads; undefined where it does not match. */
export type Reader = (text: string) => PyValue | undefined;

/** Reads an int that `pattern` matches; its first group is the digits. */
export function intLike(pattern: RegExp): Reader {
  return (text) => {
    const digits = pattern.exec(text)?.[1];
    return digits === undefined ? undefined : pyInt(digits);
  };
}

/** As `intLike`, for floats. */
export function floatLike(pattern: RegExp): Reader {
  return (text) => {
    const digits = pattern.exec(text)?.[1];
    return digits === undefined ? undefined : pyFloat(digits);
  };
}

/** The items of a list in source text; commas inside of an item split it as well. */
export function splitItems(text: string): string[] {
  return text.split(',').map((item) => strip(item));
}

/** A text without its first and its last character, which are quotes or are taken for them. */
export function unquoted(text: string): string {
  return Array.from(text).slice(1, -1).join('');
}

/** Value of an unquoted word of both languages: a boolean, an int, a float, else text. */
export function readWord(word: string): PyValue {
  if (word === 'true' || word === 'false') return word === 'true';
  return pyInt(word) ?? pyFloat(word) ?? word;
}
