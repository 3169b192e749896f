/** Families of prompts that are answered in turn: their graphs share memory, and no answer shows it. */
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { LiveGenerator } from '../../src/model/generate/live.ts';

const device = Device.open('cpu', 1);
const model = loadModel(device, fileURLToPath(new URL('../golden/families/llama', import.meta.url)), {
  trainable: false,
});
afterAll(() => {
  model.parameters[Symbol.dispose]();
  device.close();
});

const rng = Rng.seeded(3);
const ids = (length: number): number[] => Array.from({ length }, () => rng.below(model.config.vocabSize));

async function answer(live: LiveGenerator, prompt: TokenIds, shared: number): Promise<number[]> {
  const limits = { generate_max_len: 12, stopIds: [], seed: 0 };
  const { tokens } = await live.answer({
    prompt,
    shared,
    ...limits,
    temperature: 0,
    top_p: 1,
    top_k: -1,
  });
  return Array.from(tokens);
}

describe('families of different lengths', () => {
  const prompts = [40, 90, 60].flatMap((shared) => {
    const prefix = ids(shared);
    return [2, 9].map((rest) => ({ prompt: asTokenIds([...prefix, ...ids(rest)]), shared }));
  });

  it('give at the same time the answers that each gives alone', async () => {
    const live = new LiveGenerator(device, model.config, model.parameters, { rows: 8 });
    const together = await Promise.all(prompts.map(({ prompt, shared }) => answer(live, prompt, shared)));
    await live.close();
    for (const [i, { prompt, shared }] of prompts.entries()) {
      const alone = new LiveGenerator(device, model.config, model.parameters, { rows: 8 });
      expect(await answer(alone, prompt, shared)).toEqual(together[i]);
      await alone.close();
    }
    expect(new Set(together.map(String)).size).toBe(prompts.length);
  });

  it('take no more memory for their graphs than the largest of them', async () => {
    const live = new LiveGenerator(device, model.config, model.parameters, { rows: 8, families: 6 });
    const bytes: number[] = [];
    for (let i = 0; i < 6; i++) {
      await answer(live, asTokenIds(ids(100)), 98);
      bytes.push(live.bytes);
    }
    const [first = 0, second = 0] = bytes;
    await live.close();
    // Only a cache more for each.
    const cache = second - first;
    expect(cache).toBeLessThan(first / 2);
    expect(bytes).toEqual(bytes.map((_, i) => first + i * cache));
  });
});
