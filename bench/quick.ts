/**
 * `npm run bench -- --quick`: what is compared elsewhere at length, in three minutes, beside bench/baseline.json's ratios of
 * an earlier day; `--save` puts today's in their place. Ratios hold for one processor and with the same peers; where a
 * ratio is less than LEAST of what it was, the exit status is 1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Device } from '../src/ggml/device.ts';
import { table } from '../packages/report/src/table.ts';
import type { Ratio } from './compare.ts';
import { products, SHAPES } from './products.ts';
import { real } from './real/main.ts';
import { generation, tinyTitle, training } from './tiny.ts';

const FILE = join(import.meta.dirname, 'baseline.json');
/** Part of an earlier ratio below which something has become slower, and not the machine noisier. */
const LEAST = 0.8;

const baselineSchema = z.object({
  date: z.string(),
  processor: z.string(),
  products: z.string(),
  ratios: z.record(z.string(), z.number()),
});

/** Runs it; returns the exit status. */
export async function quick(device: Device, args: readonly string[]): Promise<number> {
  console.log(tinyTitle());
  const gates = SHAPES.filter(({ of }) => /^(tiny|SmolLM2).*gate$/.test(of));
  const ratios: Ratio[] = [
    ...(await products(device, gates, ['f32'])),
    ...(await training(device, [48])),
    ...(await generation(device)),
    ...(await real(
      '--model smollm2 --layers 4 --only ckd --candidates tree,PyTorch --repetitions 3 --together'.split(' '),
    )),
  ];
  const processor = cpus()[0]?.model ?? 'unknown';
  if (args.includes('--save')) {
    const today = {
      date: new Date().toISOString().slice(0, 10),
      processor,
      products: device.title,
      ratios: Object.fromEntries(ratios.map(({ name, ratio }) => [name, Number(ratio.toFixed(2))])),
    };
    writeFileSync(FILE, `${JSON.stringify(baselineSchema.parse(today), null, 2)}\n`);
  }
  const baseline = baselineSchema.parse(JSON.parse(readFileSync(FILE, 'utf8')));
  const rows = ratios.map(({ name, ratio }) => {
    const before = baseline.ratios[name];
    const slower = before !== undefined && ratio < LEAST * before;
    return { slower, cells: [name, ratio.toFixed(2), before?.toFixed(2) ?? '', slower ? 'slower' : ''] };
  });
  const head = ['times as fast', 'now', baseline.date, ''];
  console.log(
    `\n${table([head, ...rows.map(({ cells }) => cells)], ['left', 'right', 'right', 'left']).trimEnd()}`,
  );
  if (baseline.processor !== processor || baseline.products !== device.title)
    console.log(`The earlier ratios are those of ${baseline.processor}, ${baseline.products}.`);
  return rows.some(({ slower }) => slower) ? 1 : 0;
}
