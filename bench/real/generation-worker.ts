/**
 * Generation in a process of its own: takes a checkpoint, a file {prompts, samples, length}, a number of threads and what the
 * weights are held in; answers "step" on standard input with one line of JSON.
 */
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { readText } from '../../src/base/files.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { Generator } from '../../src/model/generate/generation.ts';

const batchSchema = z.object({
  prompts: z.array(z.array(z.number())),
  samples: z.number(),
  length: z.number(),
});

const [checkpoint = '', file = '', threads = '1', dtype] = process.argv.slice(2);
const { prompts, samples, length } = batchSchema.parse(JSON.parse(readText(file)));
const device = Device.open('cpu', Number(threads));
const { config, parameters } = loadModel(device, checkpoint, {
  trainable: false,
  dtype: z.enum(['f32', 'f16', 'bf16']).parse(dtype),
});
const generator = new Generator(device, config, parameters);
const ids = prompts.map((prompt) => asTokenIds(Int32Array.from(prompt)));

console.log(JSON.stringify({ version: device.title }));
let seed = 0;
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== 'step') break;
  const start = performance.now();
  seed += 1;
  const groups = await generator.generate(ids, {
    n_samples_per_prompt: samples,
    generate_max_len: length,
    stopIds: [],
    seed,
    batch: prompts.length,
  });
  const rollout = (performance.now() - start) / 1000;
  const tokens = groups.flat().reduce((n, sample) => n + sample.tokens.length, 0);
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ phases: { rollout }, loss: 0, tokens, peak }));
}
