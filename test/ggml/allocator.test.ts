import { expect, it } from 'vitest';
import { mapLargeBlocks } from '../../src/ggml/allocator.ts';
import { Device } from '../../src/ggml/device.ts';
import { Graph } from '../../src/tensor/graph.ts';

const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
const glibc = header.glibcVersionRuntime !== undefined;

it.runIf(glibc)('graphs that are freed give their memory back', () => {
  expect(mapLargeBlocks()).toBe(true);
  const device = Device.open('cpu', 1);
  const megabytes = (): number => process.memoryUsage().rss / 2 ** 20;
  // After the first that is freed glibc would take its size for usual, and serve the next ones from the heap.
  new Graph(device)[Symbol.dispose]();
  // Freed in the order in which they were made: a heap could not shrink below the last of them.
  const graphs = Array.from({ length: 40 }, () => new Graph(device));
  for (const g of graphs) for (let i = 0; i < 6000; i++) g.ggml.ggml_new_tensor_4d(g.context, 0, 1, 1, 1, 1);
  const full = megabytes();
  const kept = graphs.pop();
  for (const g of graphs) g[Symbol.dispose]();
  expect(full - megabytes()).toBeGreaterThan(40);
  kept?.[Symbol.dispose]();
  device.close();
});
