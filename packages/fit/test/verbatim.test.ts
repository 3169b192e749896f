/** Values that are words of requests. */
import { expect, test } from 'vitest';
import type { Tool } from '../../../src/chat/messages.ts';
import { standsIn, verbatimOf } from '../src/acceptance/verbatim.ts';

const tool: Tool = {
  name: 'add',
  description: '',
  parameters: {
    type: 'object',
    properties: {
      item: { type: 'string' },
      list: { type: 'string', enum: ['food', 'tools'] },
      note: { type: 'string' },
      count: { type: 'integer' },
      rare: { type: 'string' },
    },
  },
};

test('whole words stand in a request, parts of words and other cases do not', () => {
  const request = 'Add Müller’s oat milk (2 l) to food';
  for (const said of ['oat milk', 'Müller’s', '(2 l)', '2', 'food'])
    expect([said, standsIn(said, request)]).toEqual([said, true]);
  for (const not of ['oat mil', 'at milk', 'Oat milk', '', ' ', 'Müll'])
    expect([not, standsIn(not, request)]).toEqual([not, false]);
  // A word that is also a part of an earlier one.
  expect(standsIn('on', 'second one is on')).toBe(true);
});

test('free texts that are words of nearly all requests are taken from them, others are not', () => {
  const items = Array.from({ length: 200 }, (_, i) => `thing ${i}`);
  const cases = items.map((item, i) => ({
    request: `add ${item} to food, note ${i}`,
    calls: [
      {
        name: 'add',
        arguments: {
          // Two of 200 are worded otherwise: 99 in 100 are as they were said.
          item: i < 2 ? 'something' : item,
          list: 'food',
          note: i < 3 ? 'other' : String(i),
          count: i,
          ...(i < 7 ? { rare: item } : {}),
        },
      },
    ],
  }));
  expect(verbatimOf([tool], cases)).toEqual({ add: ['item'] });
});
