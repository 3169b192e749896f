/** Calls that a model is held to: a model that has learned nothing writes valid ones, one that has says what it said. */
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { loadModel } from '../../api/src/model.ts';
import { PACKAGE_ROOT } from '../../../src/base/package-root.ts';
import type { Tool } from '../../../src/chat/messages.ts';

const tools: readonly Tool[] = [
  {
    name: 'set_timer',
    description: 'Starts a timer.',
    parameters: {
      type: 'object',
      properties: {
        minutes: { type: 'integer', minimum: 1, maximum: 59 },
        label: { type: 'string', maxLength: 12 },
      },
      required: ['minutes'],
    },
  },
  {
    name: 'set_lamp',
    description: 'Switches a lamp.',
    parameters: {
      type: 'object',
      properties: { on: { type: 'boolean' }, room: { type: 'string', enum: ['kitchen', 'bath'] } },
      required: ['on', 'room'],
    },
  },
];

const requests = ['set a timer for 5 minutes', 'lamp in the attic on', '99 minutes for eggs', 'good morning'];
const inputs = requests.map((content) => ({ messages: [{ role: 'user' as const, content }], tools }));

test('hot samples of a small model are calls that an independent validator finds right, or words', async () => {
  using model = loadModel(join(PACKAGE_ROOT, 'bases', 'student'), { thinking: 'off' });
  const ajv = new Ajv2020({ strict: false });
  const judges = new Map(tools.map(({ name, parameters }) => [name, ajv.compile(parameters)]));
  let calls = 0;
  const options = {
    temperature: 1.5,
    n_samples_per_prompt: 12,
    generate_max_len: 200,
    seed: 4,
    constrained: true,
  };
  for await (const { message, finish } of model.generate(inputs, options)) {
    if (finish === 'length') continue;
    for (const call of message.toolCalls ?? []) {
      calls += 1;
      expect([call, judges.get(call.name)?.(call.arguments)]).toEqual([call, true]);
    }
  }
  expect(calls).toBeGreaterThan(10);
});

test('a right answer is the same with and without a constraint', async () => {
  using model = loadModel(join(PACKAGE_ROOT, 'bases', 'teacher'));
  const [input] = inputs;
  if (input === undefined) throw new Error('no request');
  const free = await model.answer(input);
  const held = await model.answer(input, { constrained: true });
  expect(free.message.toolCalls?.map(({ name }) => name)).toEqual(['set_timer']);
  expect(held.text).toBe(free.text);
});
