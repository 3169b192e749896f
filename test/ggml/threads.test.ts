/** A device's threads, as the operating system lists them. */
import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { SampleProduct } from '../../src/tensor/product.ts';

const threads = (): string[] => readdirSync('/proc/self/task');

afterEach(() => {
  vi.unstubAllEnvs();
});

test.skipIf(process.platform !== 'linux').each([
  ['alone', 'off', 1],
  // ggml's, JavaScript's that computes, with one of its own, and the other library's.
  ['beside another library', '', 4],
])(
  'a device keeps its threads from graph to graph, and ends them when it is closed: %s',
  async (_, setting, most) => {
    vi.stubEnv('TINYSTAR_BLAS', setting);
    // Node's own threads, on which graphs run, are there before.
    using warm = Device.open('cpu', 1);
    {
      using first = new SampleProduct(warm);
      await Promise.all(Array.from({ length: 8 }, () => first.milliseconds(4)));
    }
    const before = threads();
    const started = (): string[] => threads().filter((thread) => !before.includes(thread));
    const device = Device.open('cpu', 2);
    {
      using product = new SampleProduct(device);
      await product.milliseconds();
      const own = started();
      expect(own.length).toBeGreaterThan(0);
      expect(own.length).toBeLessThanOrEqual(most);
      await product.milliseconds(5);
      expect(started()).toEqual(own);
    }
    device.close();
    for (let i = 0; i < 100 && started().length > 0; i++) await setTimeout(10);
    expect(started()).toEqual([]);
  },
);
