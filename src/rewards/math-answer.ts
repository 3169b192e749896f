/**
 * Tells whether two final answers are the same. MENTOR asks a computer algebra system; here numbers are compared by value
 * (integers, decimals, fractions in either notation, powers of ten, thousands separators) to six decimals, and
 * everything else as text without LaTeX's dressing. Roots, pi and expressions with letters are only text.
 */

const BOX = '\\boxed{';

/** Content of the last \boxed{} of a text; undefined if there is none, or it is never closed. */
export function lastBoxed(text: string): string | undefined {
  const start = text.lastIndexOf(BOX);
  if (start < 0) return undefined;
  let depth = 1;
  for (let at = start + BOX.length; at < text.length; at++) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}' && --depth === 0) return text.slice(start + BOX.length, at);
  }
  return undefined;
}

/** Marks of layout and units, which say nothing about the value. */
const DRESSING = /\$|\\(?:left|right|displaystyle|[,!;:% ])|\^?\{?\\circ\}?|%|\s+/g;
const WRAPPED = /\\(?:text|mathrm|mathbf|textbf|mbox)\{([^{}]*)\}/g;
const FRACTION = /\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}/g;
const TIMES_POWER = /(?:\\times|\\cdot|\*)10\^\{?(-?\d+)\}?$/;

/** An answer without its dressing: "\frac{1}{2}" is "(1)/(2)", "1,000 \text{km}" is "1000km". */
function plainAnswer(answer: string): string {
  return answer
    .replace(WRAPPED, '$1')
    .replace(FRACTION, '($1)/($2)')
    .replace(DRESSING, '')
    .replace(TIMES_POWER, 'e$1')
    .replace(/(\d),(?=\d{3}(?:\D|$))/g, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}

const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/;
const QUOTIENT = /^([-+]?)\(?([-+]?[\d.]+)\)?\/\(?([-+]?[\d.]+)\)?$/;

function valueOf(plain: string): number | undefined {
  if (DECIMAL.test(plain)) return Number(plain);
  const [, sign, above, below] = QUOTIENT.exec(plain) ?? [];
  if (above === undefined || below === undefined || !DECIMAL.test(above) || !DECIMAL.test(below))
    return undefined;
  return ((sign === '-' ? -1 : 1) * Number(above)) / Number(below);
}

/** Tells whether `given` is the answer `gold`. Never throws. */
export function sameAnswer(gold: string, given: string): boolean {
  const [a, b] = [plainAnswer(gold), plainAnswer(given)];
  if (a === b) return a !== '';
  const [x, y] = [valueOf(a), valueOf(b)];
  return x !== undefined && y !== undefined && Math.abs(x - y) <= 5e-7 * Math.max(1, Math.abs(x));
}
