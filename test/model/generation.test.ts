/** Generation against repeated full forward passes, and what sampling promises. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { Generator } from '../../src/model/generate/generation.ts';
import { argmax } from '../../src/model/generate/sampler.ts';
import { fullLogits, logSoftmax } from '../helpers/full-logits.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const generator = keep(new Generator(device, goldenConfig, weights));

const rng = Rng.seeded(7);
const prompt = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
const prompts = [3, 40, 17, 1, 33, 8, 64, 5, 21].map(prompt);
const join = (a: TokenIds, b: ArrayLike<number>): TokenIds => asTokenIds([...a, ...Array.from(b)]);
const logits = (sequence: TokenIds) => fullLogits(device, goldenConfig, weights, sequence);
const numbers = (samples: readonly { tokens: TokenIds }[][]): number[][][] =>
  samples.map((of) => of.map(({ tokens }) => [...tokens]));

describe('Generator', () => {
  it('greedy: equals the argmax of repeated full forward passes, ragged prompts', async () => {
    const results = await generator.generate(prompts, {
      temperature: 0,
      generate_max_len: 20,
      stopIds: [],
      batch: 4,
    });
    for (const [i, given] of prompts.entries()) {
      let sequence = given;
      for (let t = 0; t < 20; t++) sequence = join(sequence, [argmax((await logits(sequence)).at(-1)!)]);
      expect([...results[i]![0]!.tokens]).toEqual([...sequence.subarray(given.length)]);
      expect(results[i]![0]!.finish).toBe('length');
    }
  });

  it('log-probabilities are those of the full softmax at temperature 1, whatever the sampling', async () => {
    for (const temperature of [0, 0.7, 1, 1.6]) {
      const results = await generator.generate(prompts.slice(0, 3), {
        n_samples_per_prompt: 3,
        temperature,
        top_p: 0.95,
        generate_max_len: 12,
        stopIds: [5],
      });
      for (const [i, samples] of results.entries()) {
        for (const { tokens, logprobs } of samples) {
          const rows = (await logits(join(prompts[i]!, tokens)))
            .slice(prompts[i]!.length - 1)
            .map(logSoftmax);
          for (const [t, token] of tokens.entries()) {
            expect(Math.abs(logprobs[t]! - rows[t]![token]!)).toBeLessThan(1e-4);
          }
        }
      }
    }
  });

  it('stays right while samples end at different times and the others close ranks', async () => {
    const stopIds = Array.from({ length: 12 }, (_, i) => 8 * i);
    const results = await generator.generate(prompts, {
      n_samples_per_prompt: 6,
      generate_max_len: 40,
      stopIds,
      batch: 4,
      seed: 4,
    });
    const lengths = new Set(results.flat().map(({ tokens }) => tokens.length));
    expect(lengths.size).toBeGreaterThan(8);
    for (const [i, samples] of results.entries()) {
      for (const { tokens, logprobs } of samples) {
        const rows = (await logits(join(prompts[i]!, tokens))).slice(prompts[i]!.length - 1).map(logSoftmax);
        const worst = Math.max(...Array.from(tokens, (id, t) => Math.abs(logprobs[t]! - rows[t]![id]!)));
        expect(worst).toBeLessThan(1e-4);
      }
    }
  });

  it('repeats itself from a seed, whatever the batch, and changes with it', async () => {
    const draws = async (seed: number, batch: number) =>
      numbers(
        await generator.generate(prompts, {
          n_samples_per_prompt: 5,
          generate_max_len: 40,
          stopIds: [2, 9],
          seed,
          batch,
        }),
      );
    const first = await draws(1, 3);
    expect(await draws(1, 3)).toEqual(first);
    expect(await draws(1, 9)).toEqual(first);
    expect(await draws(1, 1)).toEqual(first);
    expect(await draws(2, 3)).not.toEqual(first);
  });

  it('top_k 1 and a tiny top_p are greedy', async () => {
    const options = { n_samples_per_prompt: 2, generate_max_len: 10, stopIds: [] };
    const greedy = numbers(await generator.generate(prompts, { ...options, temperature: 0 }));
    expect(numbers(await generator.generate(prompts, { ...options, top_k: 1 }))).toEqual(greedy);
    expect(numbers(await generator.generate(prompts, { ...options, top_p: 1e-6 }))).toEqual(greedy);
  });

  it('draws first tokens as often as the softmax says (chi-square)', async () => {
    const given = prompts[1]!;
    const p = logSoftmax((await logits(given)).at(-1)!).map(Math.exp);
    const draws = 4000;
    const [samples] = await generator.generate([given], {
      n_samples_per_prompt: draws,
      generate_max_len: 1,
      stopIds: [],
      seed: 3,
    });
    const counts = new Float64Array(p.length);
    for (const { tokens } of samples!) counts[tokens[0]!]! += 1;
    // Rare tokens share one cell, so that every cell expects at least five.
    let [rareSeen, rareExpected, statistic, cells] = [0, 0, 0, 0];
    p.forEach((share, id) => {
      if (share * draws < 5) {
        rareSeen += counts[id]!;
        rareExpected += share * draws;
        return;
      }
      statistic += (counts[id]! - share * draws) ** 2 / (share * draws);
      cells += 1;
    });
    if (rareExpected > 0) statistic += (rareSeen - rareExpected) ** 2 / rareExpected;
    // The 99.9th percentile, by Wilson and Hilferty's approximation.
    const limit = cells * (1 - 2 / (9 * cells) + 3.09 * Math.sqrt(2 / (9 * cells))) ** 3;
    expect(statistic).toBeLessThan(limit);
  });

  it('ends at a stop token, which it keeps, or at the last allowed one', async () => {
    const stopIds = [...Array(30).keys()];
    const results = await generator.generate(prompts, {
      n_samples_per_prompt: 4,
      generate_max_len: 6,
      stopIds,
    });
    const all = results.flat();
    for (const { tokens, logprobs, finish } of all) {
      const stop = tokens.findIndex((id) => stopIds.includes(id));
      expect(finish).toBe(stop === -1 ? 'length' : 'stop');
      expect(tokens.length).toBe(stop === -1 ? 6 : stop + 1);
      expect(logprobs.length).toBe(tokens.length);
    }
    expect(new Set(all.map(({ finish }) => finish))).toEqual(new Set(['stop', 'length']));
  });

  it('follows the weights when they change', async () => {
    const name = 'model.norm.weight';
    const before = weights.read(name);
    const options = { temperature: 0, generate_max_len: 8, stopIds: [] };
    const first = numbers(await generator.generate(prompts, options));
    weights.set(
      name,
      before.map((x, i) => (i % 2 === 0 ? x : -x)),
    );
    const changed = numbers(await generator.generate(prompts, options));
    weights.set(name, before);
    expect(changed).not.toEqual(first);
    expect(numbers(await generator.generate(prompts, options))).toEqual(first);
  });

  it('streams prompts as they finish and tells how many are done', async () => {
    const seen: number[] = [];
    const finished: number[] = [];
    const options = {
      generate_max_len: 30,
      stopIds: [...Array(20).keys()],
      batch: 2,
      onProgress: (done: number) => void seen.push(done),
    };
    for await (const { prompt: index } of generator.stream(prompts, options)) finished.push(index);
    expect(seen).toEqual(prompts.map((_, i) => i + 1));
    expect(finished.sort((a, b) => a - b)).toEqual([...prompts.keys()]);
  });

  it('draws the same in two workers as in one', async () => {
    using two = Device.open('cpu', 2);
    using workers = new Generator(two, goldenConfig, weights);
    const options = { n_samples_per_prompt: 3, generate_max_len: 20, stopIds: [2, 9], seed: 6 };
    const wanted = numbers(await generator.generate(prompts, options));
    expect(numbers(await workers.generate(prompts, options))).toEqual(wanted);
    expect(numbers(await workers.generate(prompts.slice(0, 1), options))).toEqual(wanted.slice(0, 1));
  });

  it('frees what it took, and may be left in the middle of a stream', async () => {
    const taken = new Generator(device, goldenConfig, weights);
    const options = { generate_max_len: 30, stopIds: [...Array(20).keys()], batch: 3 };
    for await (const { samples } of taken.stream(prompts, options)) {
      expect(samples).toHaveLength(1);
      expect(() => taken[Symbol.dispose]()).toThrow('in the middle of a call');
      break;
    }
    const bytes = taken.bytes;
    expect(bytes).toBeGreaterThan(0);
    await taken.generate(prompts, options);
    expect(taken.bytes).toBeLessThan(2 * bytes);
    taken[Symbol.dispose]();
    expect(taken.bytes).toBe(0);
  });

  it('throws the reason of an abort, and works again afterwards', async () => {
    const abort = new AbortController();
    const options = { generate_max_len: 200, stopIds: [], batch: 2 };
    const running = generator.generate(prompts.slice(0, 2), { ...options, signal: abort.signal });
    setImmediate(() => abort.abort(new Error('enough')));
    await expect(running).rejects.toThrow('enough');
    await expect(
      generator.generate(prompts.slice(0, 2), { ...options, generate_max_len: 2 }),
    ).resolves.toHaveLength(2);
  });

  it('ends at the last position of the model, and refuses a prompt without room for an answer', async () => {
    const short = { ...goldenConfig, contextLength: 12 };
    using small = new Generator(device, short, weights);
    const [samples] = await small.generate([prompt(8)], { generate_max_len: 10, stopIds: [] });
    expect(samples![0]!.tokens.length).toBe(4);
    await expect(small.generate([prompt(12)], { generate_max_len: 1, stopIds: [] })).rejects.toThrow(
      'has 12 tokens',
    );
  });

  it('refuses values that mean nothing', async () => {
    const go = (options: object) =>
      generator.generate(prompts, { generate_max_len: 1, stopIds: [], ...options });
    await expect(go({ top_p: 0 })).rejects.toThrow('top_p must be above 0');
    await expect(go({ top_k: 0 })).rejects.toThrow('top_k must be');
    await expect(go({ temperature: -1 })).rejects.toThrow('temperature must be');
    await expect(go({ generate_max_len: 0 })).rejects.toThrow('generate_max_len must be');
  });
});
