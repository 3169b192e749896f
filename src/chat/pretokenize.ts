/**
 * Cutting text into words before byte-pair encoding: no merge crosses a word. The patterns of Hugging Face's
 * tokenizers are written for Oniguruma; `@huggingface/tokenizers` translates them to what RegExp understands. The
 * rest of that library is not used: 0.2.0 takes only ASCII digits for digits, JavaScript's white space for Unicode's
 * in the ByteLevel pre-tokenizer, and leaves out unknown characters after merging instead of before.
 */
import { createContext, Script } from 'node:vm';
import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { errorText, UserError } from '../base/errors.ts';

// The library's own declarations leave out file extensions, so that TypeScript finds none of its classes.
declare module '@huggingface/tokenizers' {
  export class SplitPreTokenizer {
    constructor(options: { pattern: { Regex: string }; behavior: string; invert: boolean });
    readonly pattern: RegExp | null;
  }
}

/** Qwen2's and Qwen3's pattern, as their tokenizer.json has it: words with their leading space, digits one by one. */
export const QWEN_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Llama 3's pattern: Qwen's with up to three digits together. */
export const LLAMA3_PATTERN = QWEN_PATTERN.replace('|\\p{N}|', '|\\p{N}{1,3}|');

/** The pattern that a ByteLevel pre-tokenizer with `use_regex` implies (GPT-2). */
export const GPT2_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** Patterns that are known to take time in proportion to the text. */
const TRUSTED: ReadonlySet<string> = new Set([QWEN_PATTERN, LLAMA3_PATTERN, GPT2_PATTERN]);

/** Fates of a match, in Hugging Face's words. */
export const BEHAVIORS = [
  'Isolated',
  'Removed',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
] as const;

/** One way of cutting text. */
export interface Cut {
  readonly pattern: RegExp;
  readonly behavior: (typeof BEHAVIORS)[number];
  /** Tells whether what lies between the matches is taken for the matches. */
  readonly invert: boolean;
  /** Tells whether the pattern is known to come to an end. */
  readonly trusted: boolean;
}

function bothCases(letter: string): string {
  // Unicode folds the long s to s, and so does Oniguruma.
  const long = letter.toLowerCase() === 's' ? 'ſ' : '';
  return `[${letter.toLowerCase()}${letter.toUpperCase()}${long}]`;
}

/** An atom that never gives back what it took, such as \s++ or [a-z]?+. */
const POSSESSIVE = /(\\[pP]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|[^\\[\]()|*+?{}])([*+?])\+/g;

/** Translates a pattern of a tokenizer.json into a global RegExp; throws a UserError where it cannot. */
function compilePattern(pattern: string): RegExp {
  let possessive = 0;
  const prepared = pattern
    .replace(/\(\?i:([^()\\]*)\)/g, (_, body: string) => `(?:${body.replace(/[a-z]/gi, bothCases)})`)
    .replace(POSSESSIVE, (_, atom: string, times: string) => {
      const name = `possessive${possessive++}`;
      return `(?=(?<${name}>${atom}${times}))\\k<${name}>`;
    });
  try {
    const split = new SplitPreTokenizer({
      pattern: { Regex: prepared },
      behavior: 'Isolated',
      invert: false,
    });
    if (split.pattern !== null) return split.pattern;
    throw new Error('it is empty');
  } catch (thrown) {
    throw new UserError(
      'TOKENIZER',
      `The tokenizer's split pattern ${JSON.stringify(pattern)} is not supported (${errorText(thrown)}); use another tokenizer.`,
      { cause: thrown },
    );
  }
}

/** Cuts at the matches of a tokenizer.json's pattern. */
export function cutAt(
  pattern: string,
  behavior: Cut['behavior'] = 'Isolated',
  { invert = false, trusted = TRUSTED.has(pattern) } = {},
): Cut {
  return { pattern: compilePattern(pattern), behavior, invert, trusted };
}

/** A pattern that finds exactly `text`. */
export const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Time limit of cutting a text by a pattern nobody knows: a nested repetition can take longer than anybody lives. */
const LIMIT_MS = 3000;
const call = new Script('work()');
const scope: { work?: () => unknown } = createContext({});

/** Cuts by a pattern of a tokenizer.json. Only a script of its own can be stopped; that takes a tenth of a millisecond. */
function splitWithinLimit(text: string, cut: Cut): readonly string[] {
  let words: readonly string[] = [];
  scope.work = () => {
    words = splitFreely(text, cut);
  };
  try {
    call.runInContext(scope, { timeout: LIMIT_MS });
  } catch (thrown) {
    throw new UserError(
      'TOKENIZER',
      `The tokenizer's split pattern ${JSON.stringify(cut.pattern.source.slice(0, 200))} cannot be used (${errorText(thrown)}); use another tokenizer.`,
      { cause: thrown },
    );
  } finally {
    delete scope.work;
  }
  return words;
}

/** Matches and what lies between them, in the order of the text. */
function pieces(text: string, { pattern, invert }: Cut): { text: string; matched: boolean }[] {
  const found: { text: string; matched: boolean }[] = [];
  const add = (piece: string, matched: boolean): void => {
    if (piece !== '') found.push({ text: piece, matched: matched !== invert });
  };
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    add(text.slice(end, match.index), false);
    add(match[0], true);
    end = match.index + match[0].length;
  }
  add(text.slice(end), false);
  return found;
}

function splitFreely(text: string, cut: Cut): readonly string[] {
  const { pattern, behavior } = cut;
  if (behavior === 'Isolated') {
    const matches = text.match(pattern) ?? [];
    let covered = 0;
    for (const match of matches) covered += match.length;
    if (covered === text.length) return matches;
  }
  const found = pieces(text, cut);
  if (behavior === 'Removed') return found.filter(({ matched }) => !matched).map((piece) => piece.text);
  const words: string[] = [];
  found.forEach((piece, i) => {
    const previous = found[i - 1];
    const joins =
      previous !== undefined &&
      ((behavior === 'Contiguous' && piece.matched === previous.matched) ||
        (behavior === 'MergedWithPrevious' && piece.matched && !previous.matched) ||
        (behavior === 'MergedWithNext' && !piece.matched && previous.matched));
    if (joins) words[words.length - 1] += piece.text;
    else words.push(piece.text);
  });
  return words;
}

/** Cuts `text` in one way; words that are put together again are the text, without what is removed. */
export function splitWords(text: string, cut: Cut): readonly string[] {
  return cut.trusted ? splitFreely(text, cut) : splitWithinLimit(text, cut);
}
