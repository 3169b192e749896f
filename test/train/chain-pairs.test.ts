/** Pairs from chains of calls: over whole chains, and at the first step at which a wrong chain leaves a right one. */
import { describe, expect, test } from 'vitest';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { OWN_TEMPLATE } from '../../src/chat/template.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { Speech } from '../../packages/environments/src/speech.ts';
import { type CHAIN_PAIRINGS, chooseChainPairs } from '../../src/train/chain-pairs.ts';
import { countedRows, type PreferencePair } from '../../src/train/pairs.ts';
import type { StoredTrajectories, Trajectory } from '../../src/train/trajectory-store.ts';

const tokenizer = trainVocabulary({ seed: 7, size: 400, groups: 6 });
const speech = new Speech(tokenizer, OWN_TEMPLATE);
const PROMPT = tokenizer.encode('<|im_start|>user\nWhat is it?<|im_end|>\n<|im_start|>assistant\n');

type Step = readonly [name: string, given: object, result?: string];

const turn = ([name, given]: Step, thought: string): string =>
  `<think>\n${thought}\n</think>\n\n<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call><|im_end|>`;

/** A chain of steps; each but the last is followed by its result. */
function chain(steps: readonly Step[], correct: boolean, thought = 'so'): Trajectory {
  const tokens: number[] = [];
  const rows: number[] = [];
  for (const step of steps) {
    for (const id of tokenizer.encode(turn(step, thought))) {
      rows.push(tokens.length);
      tokens.push(id);
    }
    const [, , result] = step;
    if (result !== undefined) tokens.push(...speech.results([result]));
  }
  return { tokens: asTokenIds(tokens), rows, correct };
}

const ADD: Step = ['add', { a: 2, b: 3 }, '5'];
const DOUBLE: Step = ['multiply', { a: 5, b: 2 }, '10'];
const RIGHT = chain([ADD, DOUBLE, ['stop', { answer: '10' }]], true);

function problem(id: string, ...samples: readonly Trajectory[]): StoredTrajectories {
  return { id, prompt: PROMPT, samples };
}

const choose = (
  pairing: (typeof CHAIN_PAIRINGS)[number],
  problems: readonly StoredTrajectories[],
  pairs_per_problem = 4,
) => chooseChainPairs(problems, speech, { pairing, pairs_per_problem });

const text = (ids: TokenIds): string => tokenizer.decode(ids);

/** The first call of some text. */
const callIn = (words: string): unknown =>
  JSON.parse(words.split('<tool_call>')[1]!.split('</tool_call>')[0]!);

function expectOne(pairs: readonly PreferencePair[]): PreferencePair {
  expect(pairs).toHaveLength(1);
  return pairs[0]!;
}

describe('at the first difference', () => {
  test('a pair is two versions of one step, after what the chains have in common', () => {
    const wrong = chain([ADD, ['add', { a: 5, b: 2 }, '7'], ['stop', { answer: '7' }]], false);
    const pair = expectOne(choose('first_difference', [problem('p', RIGHT, wrong)]).pairs);
    expect(callIn(pair.chosen.text)).toEqual({ name: 'multiply', arguments: { a: 5, b: 2 } });
    expect(callIn(pair.rejected.text)).toEqual({ name: 'add', arguments: { a: 5, b: 2 } });
    expect(pair.prompt).toBe(text(pair.promptIds));
    expect(pair.prompt).toBe(text(asTokenIds([...PROMPT, ...chain([ADD], true).tokens])));
    expect(
      pair.prompt.endsWith('<tool_response>\n5\n</tool_response><|im_end|>\n<|im_start|>assistant\n'),
    ).toBe(true);
    // A step is the model's own from its first to its last token.
    expect(countedRows(pair.chosen)).toHaveLength(pair.chosen.tokens.length);
    expect(pair.chosen.text.endsWith('<|im_end|>')).toBe(true);
    expect([pair.chosen.reward, pair.rejected.reward]).toEqual([1, 0]);
  });

  test('calls are compared, not the thoughts before them, nor the order of arguments', () => {
    const same = chain([['add', { b: 3, a: 2 }, '5'], DOUBLE, ['stop', { answer: '9' }]], false, 'or else');
    const pair = expectOne(choose('first_difference', [problem('p', RIGHT, same)]).pairs);
    expect(callIn(pair.chosen.text)).toEqual({ name: 'stop', arguments: { answer: '10' } });
    expect(callIn(pair.rejected.text)).toEqual({ name: 'stop', arguments: { answer: '9' } });
    expect(pair.prompt).not.toContain('or else');
  });

  test('a wrong chain is compared with the right one that it follows for longest', () => {
    const other = chain([['add', { a: 3, b: 2 }, '5'], DOUBLE, ['stop', { answer: '10' }]], true);
    const wrong = chain(
      [
        ['add', { a: 3, b: 2 }, '5'],
        ['stop', { answer: '5' }],
      ],
      false,
    );
    const pair = expectOne(choose('first_difference', [problem('p', RIGHT, other, wrong)]).pairs);
    expect(callIn(pair.chosen.text)).toEqual({ name: 'multiply', arguments: { a: 5, b: 2 } });
    expect(callIn(pair.rejected.text)).toEqual({ name: 'stop', arguments: { answer: '5' } });
  });

  test('the first step may be the one', () => {
    const wrong = chain([['stop', { answer: '5' }]], false);
    const pair = expectOne(choose('first_difference', [problem('p', RIGHT, wrong)]).pairs);
    expect(pair.promptIds).toEqual(PROMPT);
    expect(callIn(pair.chosen.text)).toMatchObject({ name: 'add' });
  });

  test('a chain that was cut before it did anything wrong gives no pair, and is counted', () => {
    const [double, given] = DOUBLE;
    // Cut after its last result, or before it.
    for (const cut of [chain([ADD, DOUBLE], false), chain([ADD, [double, given]], false)]) {
      expect(choose('first_difference', [problem('p', RIGHT, cut)])).toEqual({
        pairs: [],
        dropped: { right: 0, wrong: 0, same: 1 },
      });
    }
  });

  test('a mistake that comes again is one pair', () => {
    const wrong = chain([ADD, ['stop', { answer: '5' }]], false);
    const longer = chain([ADD, ['stop', { answer: '5' }]], false, 'so');
    expectOne(choose('first_difference', [problem('p', RIGHT, wrong, longer)]).pairs);
  });
});

describe('whole chains', () => {
  const wrong = chain([ADD, ['add', { a: 5, b: 2 }, '7'], ['stop', { answer: '7' }]], false);

  test('stand against each other after the prompt; results do not count', () => {
    const pair = expectOne(choose('whole', [problem('p', wrong, RIGHT)]).pairs);
    expect(pair.promptIds).toEqual(PROMPT);
    expect(pair.chosen.tokens).toEqual(RIGHT.tokens);
    expect(pair.rejected.tokens).toEqual(wrong.tokens);
    const counted = countedRows(pair.chosen).map((row) => pair.chosen.tokens[row]!);
    expect(text(asTokenIds(counted))).not.toContain('<tool_response>');
    expect(text(asTokenIds(counted)).match(/<tool_call>/g)).toHaveLength(3);
  });

  test('are dealt out: every wrong chain once, right ones in turn, and no more than asked for', () => {
    const rights = [RIGHT, chain([DOUBLE, ['stop', { answer: '10' }]], true)];
    const wrongs = ['1', '2', '3'].map((answer) => chain([['stop', { answer }]], false));
    const { pairs } = choose('whole', [problem('p', ...rights, ...wrongs)]);
    expect(pairs.map(({ chosen }) => chosen.tokens.length)).toEqual(
      [0, 1, 0].map((i) => rights[i]!.tokens.length),
    );
    expect(pairs.map(({ rejected }) => callIn(rejected.text))).toEqual(
      ['1', '2', '3'].map((answer) => ({ name: 'stop', arguments: { answer } })),
    );
    expect(choose('whole', [problem('p', ...rights, ...wrongs)], 2).pairs).toHaveLength(2);
  });

  test('problems that are always or never solved give none, and are counted', () => {
    const problems = [problem('a', RIGHT, RIGHT), problem('b', wrong), problem('c', RIGHT, wrong)];
    const { pairs, dropped } = choose('whole', problems);
    expect(pairs.map(({ id }) => id)).toEqual(['c']);
    expect(dropped).toEqual({ right: 1, wrong: 1, same: 0 });
  });
});
