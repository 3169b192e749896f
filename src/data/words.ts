/** Texts as words, for telling whether two of them say the same. */
import type { DataRecord } from './record.ts';

/** Lower-case words and numbers of any script, without marks. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** What the users of a record say. */
export function userTexts({ messages }: DataRecord): string[] {
  return messages.flatMap(({ role, content }) => (role === 'user' ? [content] : []));
}

/** Runs of `n` words joined by spaces; the whole text if it is shorter, nothing if it is empty. */
export function wordRuns(words: readonly string[], n: number): string[] {
  if (words.length === 0) return [];
  if (words.length <= n) return [words.join(' ')];
  return Array.from({ length: words.length - n + 1 }, (_, i) => words.slice(i, i + n).join(' '));
}
