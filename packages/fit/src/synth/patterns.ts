/** Texts that a simple regular expression describes, such as `^[A-Z]{2}-\d{4}$`; others are left to examples. */
import type { Rng } from '../../../../src/base/rng.ts';

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LOWER = UPPER.toLowerCase();
const DIGITS = '0123456789';
const CLASSES: Readonly<Record<string, string>> = { d: DIGITS, w: LOWER + DIGITS, s: ' ' };

type Piece = (rng: Rng) => string;

/** Characters of a class such as `A-Z0-9_`. */
function members(body: string): string | undefined {
  if (body.startsWith('^')) return undefined;
  let found = '';
  for (let i = 0; i < body.length; i++) {
    const char = body.charAt(i);
    if (char === '\\') {
      found += CLASSES[body.charAt(i + 1)] ?? body.charAt(i + 1);
      i++;
    } else if (body.charAt(i + 1) === '-' && i + 2 < body.length) {
      for (let code = body.charCodeAt(i); code <= body.charCodeAt(i + 2); code++)
        found += String.fromCharCode(code);
      i += 2;
    } else found += char;
  }
  return found === '' ? undefined : found;
}

const ATOM =
  /^(?:\[((?:\\.|[^\]\\])+)\]|\\([dws])|\\([^a-zA-Z0-9])|\(\?:([^()]*)\)|\(([^()?][^()]*)\)|([^\\[\](){}*+?.|^$]))(?:\{(\d+)(?:(,)(\d*))?\}|([?*+]))?/;

function pieces(pattern: string): Piece[] | undefined {
  const found: Piece[] = [];
  for (let rest = pattern; rest !== '';) {
    const match = ATOM.exec(rest);
    if (match === null) return undefined;
    const [whole, set, letter, escaped, group, captured, literal, least, comma, most, sign] = match;
    const inner = group ?? captured;
    let one: Piece | undefined;
    if (inner !== undefined) {
      const options = inner.split('|').map(pieces);
      const all = options.filter((option) => option !== undefined);
      if (all.length === options.length)
        one = (rng) =>
          rng
            .pick(all)
            .map((piece) => piece(rng))
            .join('');
    } else {
      const chars = set !== undefined ? members(set) : (CLASSES[letter ?? ''] ?? escaped ?? literal);
      if (chars !== undefined) one = (rng) => rng.pick(Array.from(chars));
    }
    if (one === undefined) return undefined;
    const draw = one;
    const low = sign === '?' || sign === '*' ? 0 : Number(least ?? 1);
    const high =
      sign === '?'
        ? 1
        : sign !== undefined
          ? low + 4
          : comma === undefined
            ? low
            : Number(most === '' || most === undefined ? low + 4 : most);
    found.push((rng) => Array.from({ length: low + rng.below(high - low + 1) }, () => draw(rng)).join(''));
    rest = rest.slice(whole.length);
  }
  return found;
}

/** A source of texts that match; undefined where the pattern is not a simple one. */
export function sampleOf(pattern: string): Piece | undefined {
  const parts = pieces(pattern.replace(/^\^/, '').replace(/\$$/, ''));
  if (parts === undefined) return undefined;
  return (rng) => parts.map((part) => part(rng)).join('');
}
