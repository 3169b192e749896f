/**
 * Answers that are held to the functions beside free ones, of bases/fit-student: greedy, where the model mostly says what it
 * may, and at a temperature of 1.5, where it mostly may not. Tokens a second; answers end where they end, so the tokens differ.
 * Run: npx tsx bench/constrained.ts
 */
import { join } from 'node:path';
import { loadModel } from '../packages/api/src/model.ts';
import { PACKAGE_ROOT } from '../src/base/package-root.ts';
import { compare } from './compare.ts';

const tools = [
  {
    name: 'set_timer',
    description: 'Starts a timer.',
    parameters: {
      type: 'object',
      properties: {
        minutes: { type: 'integer', minimum: 1, maximum: 59 },
        label: { type: 'string', maxLength: 12 },
        day: { type: 'string', format: 'date' },
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
const inputs = Array.from({ length: 32 }, (_, i) => ({
  messages: [
    {
      role: 'user' as const,
      content: i % 2 === 0 ? `set a timer for ${i + 1} minutes` : 'lamp in the bath on',
    },
  ],
  tools,
}));

using model = loadModel(join(PACKAGE_ROOT, 'bases', 'fit-student'), { thinking: 'off' });

/** Answers all requests; seconds as if it had written a thousand tokens. */
async function answered(constrained: boolean, temperature: number): Promise<number> {
  const start = performance.now();
  let tokens = 0;
  const options = { temperature, generate_max_len: 96, seed: 1, constrained };
  for await (const answer of model.generate(inputs, options)) tokens += answer.tokens;
  return performance.now() / tokens - start / tokens;
}

for (const temperature of [0, 1.5])
  await compare(
    `${inputs.length} requests, temperature ${temperature}`,
    [true, false].map((constrained) => ({
      name: constrained ? 'held to the functions' : 'free',
      work: 1000,
      unit: 'tokens/s',
      run: () => answered(constrained, temperature),
    })),
  );
