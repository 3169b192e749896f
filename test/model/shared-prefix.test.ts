/** Prompts that begin alike in generation: what they share is computed once, and nothing else changes. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { Generator, prefixGroups } from '../../src/model/generate/generation.ts';
import { PrefillGraph } from '../../src/model/generate/prefill.ts';
import { argmax } from '../../src/model/generate/sampler.ts';
import { fullLogits, logSoftmax } from '../helpers/full-logits.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const generator = keep(new Generator(device, goldenConfig, weights));

afterEach(() => void vi.restoreAllMocks());

const rng = Rng.seeded(11);
const ids = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
const join = (...parts: readonly ArrayLike<number>[]): TokenIds =>
  asTokenIds(parts.flatMap((part) => Array.from(part)));
const logits = (sequence: TokenIds) => fullLogits(device, goldenConfig, weights, sequence);
const numbers = (samples: readonly { tokens: TokenIds }[][]): number[][][] =>
  samples.map((of) => of.map(({ tokens }) => [...tokens]));

/** Two tool sets with several requests each, of odd lengths, and prompts that are like no other. */
const [one, other] = [ids(45), ids(71)];
const prompts = [
  ...[3, 17, 1, 9, 40].map((length) => join(one, ids(length))),
  ids(60),
  ...[12, 5, 2].map((length) => join(other, ids(length))),
  ids(4),
];

/** Number of tokens that went through prefill, padding included. */
function countPrefill(): { whole: () => number; remainders: () => number } {
  const { mock } = vi.spyOn(PrefillGraph.prototype, 'run');
  const count = (isWhole: boolean) => () =>
    mock.calls.flatMap(([given, , shared = 0]) => ((shared === 0) === isWhole ? given : [])).length;
  return { whole: count(true), remainders: count(false) };
}

const grouped = (given: readonly TokenIds[], most: number) =>
  prefixGroups(given, most).map((group) => ({
    members: group.map(({ index }) => index),
    shared: group[0]?.sharedPrefix?.length ?? 0,
  }));

describe('prefixGroups', () => {
  it('finds neighbours that begin alike, and leaves each a token of its own', () => {
    expect(grouped(prompts, 64)).toEqual([
      { members: [0, 1, 2, 3, 4], shared: 45 },
      { members: [5], shared: 0 },
      { members: [6, 7, 8], shared: 71 },
      { members: [9], shared: 0 },
    ]);
    expect(grouped([one, join(one, [1])], 64)).toEqual([{ members: [0, 1], shared: 44 }]);
    expect(grouped([one, one], 64)).toEqual([{ members: [0, 1], shared: 44 }]);
  });

  it('has at most so many members', () => {
    const sizes = grouped(prompts, 2).map(({ members }) => members.length);
    expect(sizes).toEqual([2, 2, 1, 1, 2, 1, 1]);
  });
});

describe('generation from prompts that begin alike', () => {
  it.each([1, 3, 16])('greedy: equals repeated full forward passes, %d prompts at a time', async (batch) => {
    const counted = countPrefill();
    const results = await generator.generate(prompts, {
      temperature: 0,
      generate_max_len: 12,
      stopIds: [],
      batch,
    });
    for (const [i, given] of prompts.entries()) {
      let sequence = given;
      for (let t = 0; t < 12; t++) sequence = join(sequence, [argmax((await logits(sequence)).at(-1)!)]);
      expect([...results[i]![0]!.tokens]).toEqual([...sequence.subarray(given.length)]);
    }
    // Both beginnings and the two prompts that stand alone. Of the others, three have short rests, which are read token by
    // token; five are remainders.
    expect([counted.whole(), counted.remainders()]).toEqual([4, 5]);
  });

  it('samples: log-probabilities are those of full forward passes, while samples end and are compacted', async () => {
    const stopIds = Array.from({ length: 12 }, (_, i) => 8 * i);
    const options = { n_samples_per_prompt: 5, generate_max_len: 30, stopIds, seed: 4 };
    const results = await generator.generate(prompts, { ...options, batch: 4 });
    for (const [i, samples] of results.entries()) {
      for (const { tokens, logprobs } of samples) {
        const rows = (await logits(join(prompts[i]!, tokens))).slice(prompts[i]!.length - 1).map(logSoftmax);
        const worst = Math.max(...Array.from(tokens, (id, t) => Math.abs(logprobs[t]! - rows[t]![id]!)));
        expect(worst).toBeLessThan(1e-4);
      }
    }
    expect(numbers(await generator.generate(prompts, { ...options, batch: 16 }))).toEqual(numbers(results));
  });

  it('goes on after replies as after any other prompt', async () => {
    const reply = async ({ tokens }: { tokens: TokenIds }): Promise<TokenIds | undefined> =>
      tokens.length < 12 ? asTokenIds(Int32Array.of(3, 4)) : undefined;
    const stopIds = Array.from({ length: 64 }, (_, i) => 2 * i);
    const options = { n_samples_per_prompt: 2, generate_max_len: 30, stopIds, seed: 9, reply };
    const together = await generator.generate(prompts, options);
    for (const [i, samples] of together.entries()) {
      for (const { tokens, logprobs } of samples) {
        const rows = (await logits(join(prompts[i]!, tokens))).slice(prompts[i]!.length - 1).map(logSoftmax);
        const worst = Math.max(...Array.from(tokens, (id, t) => Math.abs(logprobs[t]! - rows[t]![id]!)));
        expect(worst).toBeLessThan(1e-4);
      }
    }
  });

  it('in two workers each computes a shared prefix at most once, and draws the same', async () => {
    using two = Device.open('cpu', 2);
    using workers = new Generator(two, goldenConfig, weights);
    const many = Array.from({ length: 24 }, () => join(one, ids(7)));
    const options = { n_samples_per_prompt: 2, generate_max_len: 8, stopIds: [2, 9], seed: 6 };
    const wanted = numbers(await generator.generate(many, options));
    const counted = countPrefill();
    expect(numbers(await workers.generate(many, options))).toEqual(wanted);
    expect([counted.whole(), counted.remainders()]).toEqual([2, 0]);
  });
});
