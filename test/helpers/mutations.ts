/** Random damage to generations, the same for the same seed: what a model in training may write at its worst. */
import type { Rng } from '../../src/base/rng.ts';

const PIECES = [
  '<think>',
  '</think>',
  '<tool_call>',
  '</tool_call>',
  '<|im_end|>',
  '<|im_start|>assistant\n',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ':',
  ',',
  '\n',
  ' ',
  '0',
  '-',
  '.',
  'e9',
  'NaN',
  'null',
  'true',
  'Ann',
  '{"name": ',
  '"arguments": ',
  '__proto__',
  '\\ud800',
  '\ud800',
  '\0',
  'é',
  '中',
  '😀',
  '9007199254740993',
];

/** Part of a text, at most `limit` long. */
function piece(rng: Rng, text: string, limit: number): string {
  const at = rng.below(text.length + 1);
  return text.slice(at, at + rng.below(limit));
}

/** One change: something is cut out, put in, doubled, exchanged for a part of another text, or repeated many times. */
function mutateOnce(rng: Rng, text: string, other: string): string {
  const at = rng.below(text.length + 1);
  const [before, after] = [text.slice(0, at), text.slice(at)];
  switch (rng.below(7)) {
    case 0:
      return before + after.slice(rng.below(20));
    case 1:
      return before + rng.pick(PIECES) + after;
    case 2:
      return before + piece(rng, text, 200) + after;
    case 3:
      return before + piece(rng, other, 200) + after.slice(rng.below(200));
    case 4:
      return before + String.fromCharCode(rng.below(0x10000)) + after.slice(1);
    case 5:
      return rng.chance(0.05)
        ? before + rng.pick(PIECES).repeat(rng.below(2000)) + after
        : before + after.slice(1);
    default:
      return rng.chance(0.3) ? before : text;
  }
}

/** A text after zero to five changes; `other` lends it parts. */
export function mutated(rng: Rng, text: string, other: string): string {
  let result = text;
  for (let n = rng.below(6); n > 0; n--) result = mutateOnce(rng, result, other);
  return result;
}
