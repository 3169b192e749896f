/**
 * Texts as words, for telling whether two of them say the same. Scripts that are written without spaces are taken apart
 * into characters, each of which is a part of a word; so is Korean, whose spaces differ from writer to writer.
 */

/** Scripts whose characters are syllables or words. */
const SYLLABLES = ['Han', 'Hiragana', 'Katakana', 'Bopomofo', 'Hangul', 'Yi'];
/** Scripts whose characters are letters. */
const LETTERS =
  'Thai Lao Khmer Myanmar Tibetan Javanese Balinese Cham Tai_Le New_Tai_Lue Tai_Tham Tai_Viet'.split(' ');
const ofScripts = (names: readonly string[]): string =>
  `[[\\p{L}\\p{N}]&&[${names.map((name) => `\\p{scx=${name}}`).join('')}]]`;
const UNSPACED = ofScripts([...SYLLABLES, ...LETTERS]);
const MARKS = String.raw`\p{M}*`;
/** A character of an unspaced script with its marks, or a word or number of any other. */
const WORD = new RegExp(
  `${UNSPACED}${MARKS}|[[\\p{L}\\p{N}]--${UNSPACED}][[\\p{L}\\p{M}\\p{N}]--${UNSPACED}]*`,
  'gv',
);
const IS_SYLLABLE = new RegExp(`^${ofScripts(SYLLABLES)}`, 'v');
const IS_LETTER = new RegExp(`^${ofScripts(LETTERS)}`, 'v');

/** Weight of a word, in thirds: as much as is said in one and a half characters of Chinese, or three of Thai. */
const WHOLE = 3;
const SYLLABLE = 2;
const LETTER = 1;

/** Lower-case words and numbers of any script, without punctuation. */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(WORD) ?? [];
}

function weightOf(word: string): number {
  if (IS_SYLLABLE.test(word)) return SYLLABLE;
  return IS_LETTER.test(word) ? LETTER : WHOLE;
}

/** Counts the words of a text, the characters of unspaced scripts counted as parts of one. */
export function wordCount(words: readonly string[]): number {
  return words.reduce((sum, word) => sum + weightOf(word), 0) / WHOLE;
}

/** Words as one text; characters of unspaced scripts need no space between them. */
function joined(words: readonly string[]): string {
  return words.reduce((text, word, i) => {
    const isClose = weightOf(word) < WHOLE && weightOf(words[i - 1] ?? '') < WHOLE;
    return i === 0 ? word : `${text}${isClose ? '' : ' '}${word}`;
  }, '');
}

/** Runs of at least `n` words as texts; the whole if it is shorter, nothing if it is empty. */
export function wordRuns(words: readonly string[], n: number): string[] {
  if (words.length === 0) return [];
  const weights = words.map(weightOf);
  const runs: string[] = [];
  let [end, weight] = [0, 0];
  for (let start = 0; start < words.length; start++) {
    while (weight < n * WHOLE && end < words.length) weight += weights[end++] ?? 0;
    if (weight < n * WHOLE) break;
    runs.push(joined(words.slice(start, end)));
    weight -= weights[start] ?? 0;
  }
  return runs.length > 0 ? runs : [joined(words)];
}
