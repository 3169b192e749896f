/**
 * Cutting text into words before byte-pair encoding: no merge crosses a word. The patterns of Hugging Face
 * tokenizers are written for Oniguruma; here they are translated to what Node 20's RegExp understands.
 */
import { createContext, Script } from 'node:vm';
import { errorText, UserError } from '../base/errors.ts';

/** Qwen2's and Qwen3's pattern, as their tokenizer.json has it: words with their leading space, digits one by one. */
export const QWEN_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The pattern that a ByteLevel pre-tokenizer with `use_regex` implies (GPT-2). */
export const GPT2_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

function bothCases(letter: string): string {
  // Unicode folds the long s to s, and so does Oniguruma.
  const long = letter.toLowerCase() === 's' ? 'ſ' : '';
  return `[${letter.toLowerCase()}${letter.toUpperCase()}${long}]`;
}

/** Compiled patterns that are known to take time in proportion to the text. */
const known = new WeakSet<RegExp>();

/** Translates a pattern of a tokenizer.json into a global RegExp; throws a UserError where it cannot. */
export function compilePattern(pattern: string): RegExp {
  const compiled = translate(pattern);
  if (pattern === QWEN_PATTERN || pattern === GPT2_PATTERN) known.add(compiled);
  return compiled;
}

function translate(pattern: string): RegExp {
  const translated = pattern
    .replace(/\(\?i:([^()\\]*)\)/g, (_, body: string) => `(?:${body.replace(/[a-z]/gi, bothCases)})`)
    // JavaScript's \s has U+FEFF and lacks U+0085; Oniguruma's is Unicode's White_Space.
    .replace(/\\([sS])/g, (_, letter: string) => (letter === 's' ? '\\p{White_Space}' : '\\P{White_Space}'));
  try {
    return new RegExp(translated, 'gu');
  } catch (thrown) {
    throw new UserError(
      'TOKENIZER',
      `The tokenizer's split pattern ${JSON.stringify(pattern)} is not supported; use a Qwen-style tokenizer.`,
      { cause: thrown },
    );
  }
}

/** Time limit of cutting a text by a pattern nobody knows: a nested repetition can take longer than anybody lives. */
const LIMIT_MS = 3000;
const call = new Script('work()');
const scope: { work?: () => unknown } = createContext({});

/** Cuts by a pattern of a tokenizer.json. Only a script of its own can be stopped; that takes a tenth of a millisecond. */
function splitOnce(text: string, pattern: RegExp): readonly string[] {
  if (known.has(pattern)) return cut(text, pattern);
  let words: readonly string[] = [];
  scope.work = () => {
    words = cut(text, pattern);
  };
  try {
    call.runInContext(scope, { timeout: LIMIT_MS });
  } catch (thrown) {
    throw new UserError(
      'TOKENIZER',
      `The tokenizer's split pattern ${JSON.stringify(pattern.source.slice(0, 200))} cannot be used (${errorText(thrown)}); use a Qwen-style tokenizer.`,
      { cause: thrown },
    );
  } finally {
    delete scope.work;
  }
  return words;
}

function cut(text: string, pattern: RegExp): readonly string[] {
  const matches = text.match(pattern) ?? [];
  let covered = 0;
  for (const match of matches) covered += match.length;
  if (covered === text.length) return matches;
  // Text between matches is a word too ("Isolated" in Hugging Face's terms).
  const words: string[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) words.push(text.slice(end, match.index));
    if (match[0] !== '') words.push(match[0]);
    end = match.index + match[0].length;
  }
  if (end < text.length) words.push(text.slice(end));
  return words;
}

/** Cuts `text` by each pattern in turn; the words put together are the text. */
export function splitWords(text: string, patterns: readonly RegExp[]): readonly string[] {
  const [first, ...others] = patterns;
  let words = first === undefined ? [text] : splitOnce(text, first);
  for (const pattern of others) words = words.flatMap((word) => splitOnce(word, pattern));
  return words;
}

/** A pattern that finds the added tokens in a text, the longest first; undefined if there are none. */
export function addedPattern(contents: readonly string[]): RegExp | undefined {
  if (contents.length === 0) return undefined;
  const longestFirst = contents.toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
}
