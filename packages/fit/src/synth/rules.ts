/** Other words for a wording, by rules of spoken English in `lexicons/rules.yaml`. */
import { z } from 'zod';
import type { Rng } from '../../../../src/base/rng.ts';
import { once, readLexicon } from './lexicon.ts';
import { isImperative } from './slots.ts';
import { SLOT, tidy, type Wording } from './wording.ts';

/**
 * Equivalent patterns: `{x}` is some words, `{s}` a value, `{on}` on or off, or a value that is one. A pattern that begins with `>` is
 * only written, never looked for; one that begins with `^` or ends with `$` is looked for at that end of a request.
 */
const rulesSchema = z.array(z.array(z.string()).min(2));

interface Pattern {
  readonly regex: RegExp | undefined;
  readonly text: string;
}

const VARIABLES: Readonly<Record<string, string>> = {
  x: String.raw`(?<NAME>[^,;:.!?]+?)`,
  w: String.raw`(?<NAME>[^\s,;:.!?]+)`,
  s: '(?<NAME>[\uE000-\uE0FF])',
  on: '(?<NAME>on|off|[\uE000-\uE0FF])',
};

const GREEDY = String.raw`(?<NAME>[^,;:.!?]+)`;

function compile(pattern: string): Pattern {
  const isTarget = pattern.startsWith('>');
  const text = pattern.replace(/^>/, '').replace(/^\^/, '').replace(/\$$/, '').trim();
  if (isTarget) return { regex: undefined, text };
  const source = text
    .split(/(\{\w+\})/)
    .map((piece, i, all) => {
      const [, name] = /^\{([a-z]+)\d*\}$/.exec(piece) ?? [];
      // Words at a pattern's end go on as far as they do.
      if (name === 'x' && i >= all.length - 2) return GREEDY.replace('NAME', piece.slice(1, -1));
      if (name === undefined)
        return piece.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(' ', String.raw`\s+`);
      return (VARIABLES[name] ?? '').replace('NAME', piece.slice(1, -1));
    })
    .join('');
  const start = pattern.startsWith('^') ? '^' : String.raw`(?<![\p{L}\p{N}'])`;
  const end = pattern.endsWith('$') ? '$' : String.raw`(?![\p{L}\p{N}'])`;
  return { regex: new RegExp(start + source + end, 'iu'), text };
}

const rules = once(() => readLexicon('rules', rulesSchema).map((rule) => rule.map(compile)));

const marksOf = (text: string): string => (text.match(SLOT) ?? []).sort().join('');

/** One rewriting; undefined where no rule fits. */
function rewritten(wording: Wording, rng: Rng): string | undefined {
  const { text, slots } = wording;
  for (const rule of rng.shuffled(rules()).slice(0, 40)) {
    const found = rng.shuffled(rule).find(({ regex }) => regex?.test(text) === true);
    const match = found?.regex?.exec(text);
    if (found === undefined || match === null || match === undefined) continue;
    const groups = match.groups ?? {};
    const isState = Object.entries(groups).every(
      ([name, value]) =>
        !name.startsWith('on') ||
        !/[\uE000-\uE0FF]/.test(value) ||
        slots[value.charCodeAt(0) - 0xe000]?.kind.sort === 'switch',
    );
    if (!isState) continue;
    const other = rng.pick(rule.filter((pattern) => pattern !== found));
    const filled = other.text.replaceAll(/\{(\w+)\}/g, (_, name: string) => groups[name] ?? '');
    const made = tidy(text.slice(0, match.index) + filled + text.slice(match.index + match[0].length));
    if (marksOf(made) === marksOf(text) && made !== text) return made;
  }
  return undefined;
}

/** The same request in other words, where a rule knows some. */
export function paraphrased(wording: Wording, rng: Rng): Wording {
  let now = wording;
  for (let times = 1 + rng.below(2); times > 0; times--) {
    const text = rewritten(now, rng);
    if (text === undefined) break;
    now = { ...now, text, made: 'paraphrase', imperative: isImperative(text) };
  }
  return now;
}
