/** The vocabulary trainer: against a naive implementation, Hugging Face's encoder, and itself. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer as Oracle } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { trainTokenizer } from '../../src/chat/bpe-trainer.ts';
import { cutAt, QWEN_PATTERN, splitWords } from '../../src/chat/pretokenize.ts';
import type { Tokenizer } from '../../src/chat/tokenizer.ts';

const scratch = mkdtempSync(join(tmpdir(), 'trainer-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const ADDED = 11;
const verbs = ['set', 'cancel', 'play', 'call', 'find', 'open', 'send', 'navigate', 'remind', 'translate'];
const nouns = [
  'timer',
  'alarm',
  'music',
  'lights',
  'message',
  'calendar',
  'restaurant',
  'thermostat',
  'Straße',
  '音楽',
];
const texts = verbs.flatMap((verb, i) =>
  nouns.map(
    (noun, j) =>
      `<|im_start|>user\nPlease ${verb} the ${noun} for ${i * 7 + j} minutes!<|im_end|>\n<tool_call>\n` +
      `{"name": "${verb}_${noun}", "arguments": {"minutes": ${i * 7 + j}, "label": "${noun}s"}}\n</tool_call>`,
  ),
);
const trained = trainTokenizer(texts, { size: 400 });

function merges(tokenizer: Tokenizer): string[] {
  const folder = join(scratch, 'merges');
  tokenizer.save(folder);
  return readFileSync(join(folder, 'merges.txt'), 'utf8').trimEnd().split('\n').slice(1);
}

/** The textbook algorithm: count all pairs anew for each merge; of equal counts the lowest ids. */
function naiveMerges(words: readonly string[], alphabet: readonly string[], limit: number): string[] {
  const ids = new Map(alphabet.map((token, id) => [token, id]));
  let sequences = words.map((word) => Array.from(word));
  const result: string[] = [];
  while (result.length < limit) {
    const counts = new Map<string, number>();
    for (const tokens of sequences) {
      for (let i = 1; i < tokens.length; i++) {
        const pair = `${tokens[i - 1]} ${tokens[i]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const order = (pair: string): number[] => pair.split(' ').map((token) => ids.get(token)!);
    const [best] = [...counts].sort(
      ([a, n], [b, m]) => m - n || order(a)[0]! - order(b)[0]! || order(a)[1]! - order(b)[1]!,
    );
    const [left, right] = best![0].split(' ');
    ids.set(`${left}${right}`, ids.size);
    result.push(best![0]);
    sequences = sequences.map((tokens) => {
      const out: string[] = [];
      for (let i = 0; i < tokens.length; i++) {
        if (tokens[i] === left && tokens[i + 1] === right) out.push(`${left}${tokens[++i]}`);
        else out.push(tokens[i]!);
      }
      return out;
    });
  }
  return result;
}

describe('trainTokenizer', () => {
  it('has exactly the size that was asked for, with the added tokens at its end', () => {
    expect(trained.vocabSize).toBe(400);
    expect(trained.idOf('<|endoftext|>')).toBe(400 - ADDED);
    expect(trained.tokenText(399)).toBe('</think>');
    expect(trained.specialIds()).toEqual([389, 390, 391]);
    expect(trained.tokenText(trained.eosId)).toBe('<|im_end|>');
    expect(trained.tokenText(trained.padId)).toBe('<|endoftext|>');
  });

  it('learns the merges of the textbook algorithm', () => {
    const ascii = 'aaab aaaa abab banana bandana aab ab b aaaaaaa nab';
    const tokenizer = trainTokenizer([ascii], { size: 256 + ADDED + 14 });
    const words = splitWords(ascii, cutAt(QWEN_PATTERN)).map((word) => word.replace(' ', 'Ġ'));
    const alphabet = Array.from({ length: 256 }, (_, id) =>
      Buffer.from(tokenizer.tokenBytes(id)).toString('latin1'),
    );
    const naive = naiveMerges(
      words,
      alphabet.map((char) => (char === ' ' ? 'Ġ' : char)),
      14,
    );
    expect(merges(tokenizer)).toEqual(naive);
  });

  it('gives the same vocabulary for the same texts', () => {
    expect(merges(trainTokenizer(texts, { size: 400 }))).toEqual(merges(trained));
  });

  it('never merges across a word, nor into an added token', () => {
    for (let id = 256; id < 400 - ADDED; id++) {
      const text = trained.tokenText(id);
      expect(text).not.toMatch(/\S\s+\S|im_start|[0-9]/);
    }
  });

  it('gives a word the same tokens after any mark when words are kept apart', () => {
    const apart = trainTokenizer(texts, { size: 360, wordsApart: true });
    for (const word of [...verbs, ...nouns]) {
      const own = [...apart.encode(word)];
      for (const mark of [' ', '_', '(', '{"', ': "', '\n', '<think>\n', ', ']) {
        const ids = [...apart.encode(`the${mark}${word}`)];
        expect(ids.slice(-own.length), `${mark}${word}`).toEqual(own);
        expect(apart.decode(apart.encode(`the${mark}${word}`))).toBe(`the${mark}${word}`);
      }
    }
  });

  it('round-trips any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(trained.decode(trained.encode(text))).toBe(text.normalize('NFC'));
        expect(trained.decode(trained.encode(text, { allowSpecial: false }))).toBe(text.normalize('NFC'));
      }),
      { numRuns: 1000 },
    );
  });

  it('writes files that give the same ids in @huggingface/tokenizers', () => {
    const folder = join(scratch, 'files');
    trained.save(folder);
    const read = (name: string): object => JSON.parse(readFileSync(join(folder, name), 'utf8')) as object;
    const oracle = new Oracle(read('tokenizer.json'), read('tokenizer_config.json'));
    for (const text of texts) expect([...trained.encode(text)]).toEqual(oracle.encode(text).ids);
    const pieces = fc.constantFrom(...verbs, ...nouns, ' ', '\n', '<think>', '😀', '"}');
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        expect([...trained.encode(parts.join(''))]).toEqual(oracle.encode(parts.join('')).ids);
      }),
    );
  });

  it('says so when the size is out of range or the texts are too few', () => {
    expect(() => trainTokenizer(texts, { size: 100 })).toThrow(
      'A vocabulary needs 267 to 65535 entries, got 100',
    );
    expect(() => trainTokenizer(['ab'], { size: 300 })).toThrow('vocabulary of only 268 entries, not 300');
  });
});
