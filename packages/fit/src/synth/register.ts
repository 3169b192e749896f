/** Ways of speaking and writing: politeness, lower case, punctuation, fillers, typos, dropped words. */
import type { Rng } from '../../../../src/base/rng.ts';
import { z } from 'zod';
import { drawText, once, readLexicon } from './lexicon.ts';
import { endsOpen } from './compose.ts';
import { inLowerCase, type Spoken } from './wording.ts';

const registerSchema = z.strictObject({
  /** In front of an imperative; one that ends with `?` makes a question of it. */
  openings: z.array(z.string()),
  /** In front of anything. */
  greetings: z.array(z.string()),
  closings: z.array(z.string()),
  fillers: z.array(z.string()),
  contexts: z.array(z.string()),
  reasons: z.array(z.string()),
  contractions: z.record(z.string(), z.string()),
});
const register = once(() => readLexicon('register', registerSchema));

const POLITE_CLOSINGS = [' please', ', please', ' thanks', ', thanks', ', thank you'];

const lowerFirst = (text: string): string =>
  /^(?:I\b|I'|[A-Z]{2,})/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);

/** Words around a request. */
export function inManner(spoken: Spoken, rng: Rng): Spoken {
  const { openings, greetings, closings, contractions } = register();
  let { text } = spoken;
  let isQuestion =
    /^(?:what|how|is|are|will|when|where|who|which|why|do|does|did|should|has|have|am|what's|who's|how's|where's)\b/i.test(
      text,
    );
  const isOpen = endsOpen(spoken.wording);
  if (rng.chance(0.15))
    for (const [long, short] of rng.shuffled(Object.entries(contractions)))
      text = text.replace(new RegExp(`\\b${long}\\b`, 'gi'), short);
  if (spoken.wording.imperative && rng.chance(0.35)) {
    const opening = rng.pick(openings);
    isQuestion = opening.endsWith('?');
    text = `${opening.replace('?', '')} ${lowerFirst(text)}`;
  } else if (rng.chance(0.08)) text = `${rng.pick(greetings)} ${lowerFirst(text)}`;
  if (!isOpen && spoken.wording.reply === '' && rng.chance(0.18) && !/please|thank/i.test(text))
    text += rng.pick(spoken.wording.imperative ? closings : POLITE_CLOSINGS);
  const said = { ...spoken, text };
  return punctuated(said, rng, isQuestion, isOpen);
}

/** Lower case without marks, as speech recognition has it, or capitals and a full stop, as people write. */
function punctuated(spoken: Spoken, rng: Rng, isQuestion: boolean, isOpen: boolean): Spoken {
  const style = rng.uniform();
  if (style < 0.3) {
    const lower = inLowerCase(spoken);
    return { ...lower, text: lower.text.replaceAll(/[,:](?= )/g, '') };
  }
  if (style < 0.6) return spoken;
  const text = spoken.text.charAt(0).toUpperCase() + spoken.text.slice(1);
  const mark =
    isOpen || style < 0.75 || /[.?!]$/.test(text) ? '' : isQuestion ? '?' : rng.pick(['.', '.', '.', '!']);
  return { ...spoken, text: text + mark };
}

const NEAR: Readonly<Record<string, string>> = {
  a: 'sqz',
  b: 'vn',
  c: 'xv',
  d: 'sf',
  e: 'wr',
  f: 'dg',
  g: 'fh',
  h: 'gj',
  i: 'uo',
  j: 'hk',
  k: 'jl',
  l: 'k',
  m: 'n',
  n: 'bm',
  o: 'ip',
  p: 'o',
  q: 'wa',
  r: 'et',
  s: 'ad',
  t: 'ry',
  u: 'yi',
  v: 'cb',
  w: 'qe',
  x: 'zc',
  y: 'tu',
  z: 'xa',
};

function misspelt(word: string, rng: Rng): string {
  const at = 1 + rng.below(Math.max(1, word.length - 2));
  const [before, char, after] = [word.slice(0, at), word.charAt(at), word.slice(at + 1)];
  switch (rng.below(4)) {
    case 0:
      return before + after;
    case 1:
      return before + char + char + after;
    case 2:
      return before + after.charAt(0) + char + after.slice(1);
    default:
      return before + rng.pick(Array.from(NEAR[char] ?? char)) + after;
  }
}

/** One or two typing errors, never in a value that is copied from the request. */
export function mistyped(spoken: Spoken, rng: Rng): Spoken {
  const words = [...spoken.text.matchAll(/(?<![\p{L}'\uE000-\uE0FF])[a-z]{4,}(?![\p{L}'\uE000-\uE0FF])/gu)];
  let { text } = spoken;
  const chosen = rng.shuffled(words).slice(0, rng.chance(0.75) ? 1 : 2);
  for (const { index, 0: word } of [...chosen].sort((a, b) => b.index - a.index))
    text = text.slice(0, index) + misspelt(word, rng) + text.slice(index + word.length);
  const values = spoken.values.map((value) =>
    !value.copies && /^[a-z ]{5,}$/.test(value.said) && rng.chance(0.3)
      ? { ...value, said: misspelt(value.said, rng) }
      : value,
  );
  return { ...spoken, text, values, wording: { ...spoken.wording, kind: 'hard', made: 'typo' } };
}

/** A request with a reason or a remark beside it. */
export function inContext(spoken: Spoken, rng: Rng): Spoken {
  const { contexts, reasons } = register();
  const { text, wording } = spoken;
  const said = {
    ...spoken,
    wording: { ...wording, imperative: false, kind: 'hard' as const, made: 'context' },
  };
  if (rng.chance(0.5)) {
    const remark = drawText(rng, 'remark');
    const isBehind = rng.chance(0.45) && !endsOpen(wording);
    if (isBehind) return { ...said, text: text + rng.pick([', ', ', ', '. ', ' because ', ' - ']) + remark };
    return {
      ...said,
      text: `${remark}${rng.pick([', ', ', ', '. ', ', so ', ' so ', ' - '])}${lowerFirst(text)}`,
    };
  }
  if (rng.chance(0.3) && !endsOpen(wording)) return { ...said, text: text + rng.pick(reasons) };
  const context = rng.pick(contexts).replace('{room}', drawText(rng, 'room'));
  return { ...said, text: `${context} ${lowerFirst(text)}` };
}

/** Fillers, and articles left out, as in speech and short messages. */
export function loose(spoken: Spoken, rng: Rng): Spoken {
  const { fillers } = register();
  let { text } = spoken;
  if (rng.chance(0.6)) text = text.replaceAll(/\b(?:the|a|an) (?=[a-z\uE000-\uE0FF])/g, '');
  if (rng.chance(0.5)) {
    const gaps = [...text.matchAll(/(?<=[a-z]) (?=[a-z\uE000-\uE0FF])/g)];
    if (gaps.length > 0) {
      const { index } = rng.pick(gaps);
      text = `${text.slice(0, index)} ${rng.pick(fillers)} ${text.slice(index + 1)}`;
    }
  }
  return { ...spoken, text, wording: { ...spoken.wording, made: 'loose' } };
}
