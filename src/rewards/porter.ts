/**
 * Porter's stemmer (M. F. Porter, "An algorithm for suffix stripping", 1980) as NLTK runs it by default, which is what ROUGE is measured with.
 * NLTK's mode differs from the paper in these places:
 *
 * - a few words have fixed stems, and words of one or two letters stay as they are;
 * - "-ies" and "-ied" leave "-ie" in words of four letters (dies, died), else "-i";
 * - a final y becomes i after any consonant that is not the word's first letter (fly, but enjoy);
 * - "-bli" becomes "-ble", "-fulli" "-ful", "-logi" "-log", and "-alli" is cut to "-al" before step 2 is tried again;
 * - vowel and consonant alone, as in "us(e)", count as the short syllable that keeps its e.
 */
const FIXED: ReadonlyMap<string, string> = new Map([
  ...['sky', 'news', 'howe', 'inning', 'outing', 'canning', 'proceed', 'exceed', 'succeed'].map(
    (word) => [word, word] as const,
  ),
  ...(['inning', 'outing', 'canning'] as const).map((word) => [`${word}s`, word] as const),
  ['skies', 'sky'],
  ['dying', 'die'],
  ['lying', 'lie'],
  ['tying', 'tie'],
]);

/** The letters of a word as c, a consonant, or v, a vowel; y is a consonant at the start and after a vowel. */
function shapeOf(word: string): string {
  let wasVowel = true;
  return word.replaceAll(/[^]/g, (letter) => {
    wasVowel = letter === 'y' ? !wasVowel : 'aeiou'.includes(letter);
    return wasVowel ? 'v' : 'c';
  });
}

/** Number of vowels that a consonant follows: Porter's m. */
function measureOf(stem: string): number {
  return shapeOf(stem).split('vc').length - 1;
}

/** Consonant, vowel, consonant other than w, x, y; or a word that is just vowel, consonant. */
function endsShort(word: string): boolean {
  const shape = shapeOf(word);
  return shape === 'vc' || (shape.endsWith('cvc') && !/[wxy]$/.test(word));
}

function endsDouble(word: string): boolean {
  return /(.)\1$/.test(word) && shapeOf(word).endsWith('c');
}

function cut(word: string, letters: number): string {
  return word.slice(0, word.length - letters);
}

function plural(word: string): string {
  if (word.endsWith('sses')) return cut(word, 2);
  if (word.endsWith('ies')) return cut(word, word.length === 4 ? 1 : 2);
  return word.endsWith('s') && !word.endsWith('ss') ? cut(word, 1) : word;
}

function pastAndProgressive(word: string): string {
  if (word.endsWith('ied')) return cut(word, word.length === 4 ? 1 : 2);
  if (word.endsWith('eed')) return measureOf(cut(word, 3)) > 0 ? cut(word, 1) : word;
  const ending = word.endsWith('ed') ? 2 : word.endsWith('ing') ? 3 : 0;
  const stem = cut(word, ending);
  if (ending === 0 || !shapeOf(stem).includes('v')) return word;
  if (stem.endsWith('at') || stem.endsWith('bl') || stem.endsWith('iz')) return `${stem}e`;
  if (endsDouble(stem)) return 'lsz'.includes(stem.charAt(stem.length - 1)) ? stem : cut(stem, 1);
  return measureOf(stem) === 1 && endsShort(stem) ? `${stem}e` : stem;
}

function finalY(word: string): string {
  return word.length > 2 && word.endsWith('y') && shapeOf(cut(word, 1)).endsWith('c')
    ? `${cut(word, 1)}i`
    : word;
}

/** The first suffix that the word ends with decides: it is replaced if the measure of what stands before it is above zero. */
type Rule = readonly [suffix: string, replacement: string];

const rulesOf = (text: string): Rule[] =>
  [...text.matchAll(/(\w+):(\w*)/g)].map(([, suffix = '', replacement = '']) => [suffix, replacement]);

const DOUBLE_SUFFIXES = rulesOf(`
  ational:ate tional:tion enci:ence anci:ance izer:ize bli:ble entli:ent eli:e ousli:ous ization:ize
  ation:ate ator:ate alism:al iveness:ive fulness:ful ousness:ous aliti:al iviti:ive biliti:ble
  fulli:ful`);

const ENDINGS = rulesOf(`
  icate:ic ative: alize:al iciti:ic ical:ic ful: ness:`);

const RESIDUES: readonly string[] =
  'al ance ence er ic able ible ant ement ment ent sion tion ou ism ate iti ous ive ize'.split(' ');

function replaceSuffix(word: string, rules: readonly Rule[]): string {
  for (const [suffix, replacement] of rules) {
    if (!word.endsWith(suffix)) continue;
    const stem = cut(word, suffix.length);
    return measureOf(stem) > 0 ? stem + replacement : word;
  }
  return word;
}

function doubleSuffix(word: string): string {
  if (word.endsWith('alli'))
    return measureOf(cut(word, 4)) > 0 ? replaceSuffix(cut(word, 2), DOUBLE_SUFFIXES) : word;
  // The l belongs to the stem whose measure counts, so that geo-logi and theo-logi are cut too.
  if (word.endsWith('logi')) return measureOf(cut(word, 3)) > 0 ? cut(word, 1) : word;
  return replaceSuffix(word, DOUBLE_SUFFIXES);
}

function residue(word: string): string {
  for (const suffix of RESIDUES) {
    if (!word.endsWith(suffix)) continue;
    // Of "-sion" and "-tion" only "-ion" is the suffix.
    const stem = cut(word, suffix.endsWith('ion') ? 3 : suffix.length);
    return measureOf(stem) > 1 ? stem : word;
  }
  return word;
}

function finalE(word: string): string {
  if (!word.endsWith('e')) return word;
  const stem = cut(word, 1);
  const measure = measureOf(stem);
  return measure > 1 || (measure === 1 && !endsShort(stem)) ? stem : word;
}

function finalL(word: string): string {
  return word.endsWith('ll') && measureOf(cut(word, 1)) > 1 ? cut(word, 1) : word;
}

/** The stem of a lower-case word. */
export function stem(word: string): string {
  const fixed = FIXED.get(word);
  if (fixed !== undefined) return fixed;
  if (word.length <= 2) return word;
  const singular = finalY(pastAndProgressive(plural(word)));
  return finalL(finalE(residue(replaceSuffix(doubleSuffix(singular), ENDINGS))));
}
