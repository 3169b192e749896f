/** What a large model takes is worked out from small parts of it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { type Qwen3Config, weightCount } from '../../src/model/config.ts';
import { publishedConfig } from '../../src/model/published.ts';
import { inParts, wholeOf } from '../../src/recipe/estimate/parts.ts';
import { measureRates } from '../../src/recipe/estimate/storage.ts';
import { goldenConfig } from '../helpers/golden.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-parts-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a large model in parts', () => {
  it.each(['Qwen3-0.6B', 'Qwen3-1.7B', 'Qwen3-4B', 'Qwen3-8B'])(
    'gives of %s what is in proportion to layers and vocabulary',
    async (name) => {
      const config = publishedConfig(name)!;
      const parts: Qwen3Config[] = [];
      const seconds = await wholeOf(config, (part) => {
        parts.push(part);
        return Promise.resolve(3 + 0.5 * part.layers + 1e-4 * part.vocabSize);
      });
      expect(seconds).toBeCloseTo(3 + 0.5 * config.layers + 1e-4 * config.vocabSize, 6);
      expect(parts).toHaveLength(3);
      // None takes what the whole would, nor is so small that it would be computed as small models are.
      for (const part of parts) {
        expect(weightCount(part)).toBeLessThan(weightCount(config) / 3);
        expect(weightCount(part)).toBeLessThan(4.5e8);
        expect(weightCount(part)).toBeGreaterThan(1e7);
        expect(part).toMatchObject({ hiddenSize: config.hiddenSize, heads: config.heads });
      }
    },
  );

  it('never gives less than a part, however measurements vary', async () => {
    const taken = [5, 4, 3];
    expect(await wholeOf(publishedConfig('Qwen3-0.6B')!, () => Promise.resolve(taken.shift()!))).toBe(5);
  });

  it('is the whole of a small one', async () => {
    expect(inParts(goldenConfig)).toBe(false);
    expect(await wholeOf(goldenConfig, (config) => Promise.resolve(config === goldenConfig ? 7 : 0))).toBe(7);
  });
});

describe('the rates of a machine', () => {
  it('are measured and leave nothing behind', () => {
    using device = Device.open('cpu', 1);
    const rates = measureRates(device, folder, goldenConfig);
    for (const rate of Object.values(rates)) {
      expect(rate).toBeGreaterThan(0);
      expect(rate).toBeLessThan(1e-3);
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});
