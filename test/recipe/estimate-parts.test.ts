/** What a large model takes is worked out from small parts of it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { type Qwen3Config, weightCount } from '../../src/model/arch/config.ts';
import { publishedConfig } from '../../src/model/checkpoint/published.ts';
import { Pace } from '../../src/estimate/pace.ts';
import { inParts, type Part, wholeOf } from '../../src/estimate/parts.ts';
import { measureRates } from '../../src/estimate/storage.ts';
import { goldenConfig } from '../helpers/golden.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-parts-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A part whose pieces take what `measure` says, and that notes in `open` whether it is in use. */
function part(measure: () => readonly number[], open: Set<Part>): Part {
  const made: Part = {
    measure: () => Promise.resolve(measure()),
    [Symbol.dispose]: () => void open.delete(made),
  };
  open.add(made);
  return made;
}

const inProportion = ({ layers, vocabSize }: Qwen3Config): number[] => [
  3 + 0.5 * layers + 1e-4 * vocabSize,
  0.1 * layers,
];

describe('a large model in parts', () => {
  it.each(['Qwen3-0.6B', 'Qwen3-1.7B', 'Qwen3-4B', 'Qwen3-8B'])(
    'gives of %s what is in proportion to layers and vocabulary, piece by piece',
    async (name) => {
      const config = publishedConfig(name)!;
      const shapes: Qwen3Config[] = [];
      const open = new Set<Part>();
      const seconds = await wholeOf(config, (shape) => {
        shapes.push(shape);
        return part(() => inProportion(shape), open);
      });
      expect(seconds).toHaveLength(2);
      for (const [piece, wanted] of inProportion(config).entries())
        expect(seconds[piece]).toBeCloseTo(wanted, 6);
      expect(shapes).toHaveLength(3);
      expect(open.size).toBe(0);
      // None takes what the whole would, nor is so small that it would be computed as small models are.
      for (const shape of shapes) {
        expect(weightCount(shape)).toBeLessThan(weightCount(config) / 3);
        expect(weightCount(shape)).toBeLessThan(4.5e8);
        expect(weightCount(shape)).toBeGreaterThan(1e7);
        expect(shape).toMatchObject({ hiddenSize: config.hiddenSize, heads: config.heads });
      }
    },
  );

  it('is not misled by a machine whose pace changes, nor by a moment that the pace does not see', async () => {
    const config = publishedConfig('Qwen3-0.6B')!;
    const slowness = (look: number): number => 1 + (look % 4) / 3;
    let looks = 0;
    let turns = 0;
    const open = (shape: Qwen3Config) =>
      part(() => {
        turns += 1;
        const meanwhile = (slowness(looks - 1) + slowness(looks)) / 2;
        return inProportion(shape).map((s) => s * (turns === 8 ? 5 : meanwhile));
      }, new Set());
    const seconds = await wholeOf(config, open, () => Promise.resolve(slowness(looks++)));
    for (const [piece, wanted] of inProportion(config).entries())
      expect(seconds[piece]).toBeCloseTo(wanted, 6);
  });

  it('never gives less than a part, however measurements vary', async () => {
    let next = 5;
    const [seconds] = await wholeOf(publishedConfig('Qwen3-0.6B')!, () => {
      const taken = next--;
      return part(() => [taken], new Set());
    });
    expect(seconds).toBe(5);
  });

  it('closes its parts when one fails', async () => {
    const open = new Set<Part>();
    const failing = wholeOf(publishedConfig('Qwen3-0.6B')!, () =>
      part(() => {
        throw new Error('no room');
      }, open),
    );
    await expect(failing).rejects.toThrow('no room');
    expect(open.size).toBe(0);
  });

  it('is the whole of a small one', async () => {
    expect(inParts(goldenConfig)).toBe(false);
    const seconds = await wholeOf(goldenConfig, (config) =>
      part(() => [config === goldenConfig ? 7 : 0], new Set()),
    );
    expect(seconds).toEqual([7]);
  });
});

describe('the pace of a machine', () => {
  it('is what a product takes, now and on average', async () => {
    using device = Device.open('cpu', 1);
    using pace = new Pace(device);
    expect(pace.mean).toBe(0);
    const first = await pace.sample();
    expect(first).toBeGreaterThan(0);
    expect(pace.mean).toBe(first);
    const samples = [first, await pace.sample(), await pace.sample()];
    expect(pace.mean).toBeGreaterThanOrEqual(Math.min(...samples));
    expect(pace.mean).toBeLessThanOrEqual(Math.max(...samples));
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
