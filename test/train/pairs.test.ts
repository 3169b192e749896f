/** Answers that become a pair, and the reference's log-probabilities of them. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { Scorer } from '../../src/model/tree/scoring.ts';
import { writeSafetensors } from '../../src/model/checkpoint/safetensors.ts';
import { type AnsweredPrompt, choosePairs, pairExample, type PreferencePair } from '../../src/train/pairs.ts';
import { ReferenceCache } from '../../src/train/reference-cache.ts';
import { epochOrder } from '../../src/train/supervised.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';

const ids = (...values: number[]): TokenIds => asTokenIds(Int32Array.from(values));

/** A prompt whose answers earned these rewards; an answer's text says which it is. */
function answered(id: string, rewards: readonly number[]): AnsweredPrompt {
  const samples = rewards.map((reward, i) => ({ text: `${id}${i}`, tokens: ids(i + 1), reward }));
  return { id, prompt: `prompt of ${id}`, promptIds: ids(7), samples };
}

const texts = (pairs: readonly PreferencePair[]): string[] =>
  pairs.map(({ chosen, rejected }) => `${chosen.text} over ${rejected.text}`);

describe('pairs', () => {
  test('are the best answer against the worst, of equals the first', () => {
    const { pairs } = choosePairs([answered('a', [0.2, 1, -1, 1, -1, 0.5]), answered('b', [0, 0.6])], {
      reward_margin: 0.5,
    });
    expect(texts(pairs)).toEqual(['a1 over a2', 'b1 over b0']);
    expect(pairs[0]).toMatchObject({ id: 'a', prompt: 'prompt of a', promptIds: ids(7) });
  });

  test('need two answers, a margin, and a good enough best one; what is dropped is counted', () => {
    const { pairs, dropped } = choosePairs(
      [
        answered('none', []),
        answered('alone', [1]),
        answered('alike', [1, 1, 1]),
        answered('near', [1, 0.75]),
        answered('margin', [1, 0.5]),
        answered('poor', [0.4, -1]),
      ],
      { reward_margin: 0.5, reward_threshold: 0.5 },
    );
    expect(texts(pairs)).toEqual(['margin0 over margin1']);
    expect(dropped).toEqual({ alone: 2, alike: 2, poor: 1 });
  });

  test('as a tree, count only what the model wrote, with the reference at those tokens', () => {
    const [pair] = choosePairs([answered('a', [1, 0])], { reward_margin: 0.5 }).pairs;
    const tools = { ...pair!, chosen: { ...pair!.chosen, tokens: ids(1, 2, 3, 4), rows: [0, 3] } };
    const example = pairExample(tools, {
      chosen: Float32Array.of(-1, -2, -3, -4),
      rejected: Float32Array.of(-5),
    });
    expect(example.completions.map(({ rows }) => rows)).toEqual([[0, 3], [0]]);
    expect(example.completions.map(({ inputs }) => inputs)).toEqual([
      { pair_signs: Float32Array.of(1, 1), ref_logprobs: Float32Array.of(-1, -4) },
      { pair_signs: Float32Array.of(-1), ref_logprobs: Float32Array.of(-5) },
    ]);
  });
});

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));

/** Pairs of random tokens under the reference model. */
function randomPairs(count: number): PreferencePair[] {
  const rng = Rng.seeded(9);
  const some = (): TokenIds =>
    asTokenIds(Int32Array.from({ length: 2 + rng.below(9) }, () => rng.below(goldenConfig.vocabSize)));
  return Array.from({ length: count }, (_, i) => ({
    id: String(i),
    prompt: '',
    promptIds: some(),
    chosen: { text: '', tokens: some(), reward: 1 },
    rejected: { text: '', tokens: some(), reward: 0 },
  }));
}

const never = new AbortController().signal;

describe('reference log-probabilities', () => {
  const pairs = randomPairs(7);

  function cacheIn(folder: string): { cache: ReferenceCache; counts: { opened: number; closed: number } } {
    const counts = { opened: 0, closed: 0 };
    const cache = new ReferenceCache({
      folder,
      pairs,
      order: epochOrder(pairs.length, 3),
      group: 3,
      open(held) {
        counts.opened += 1;
        held.add({ [Symbol.dispose]: () => void (counts.closed += 1) });
        return held.add(new Scorer(device, goldenConfig, weights));
      },
    });
    onTestFinished(() => cache[Symbol.dispose]());
    return { cache, counts };
  }

  function scratch(): string {
    const folder = mkdtempSync(join(tmpdir(), 'tinystar-pairs-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  test('are those of the model, pair by pair', async () => {
    const { cache } = cacheIn(scratch());
    using scorer = new Scorer(device, goldenConfig, weights);
    for (const [index, { promptIds, chosen, rejected }] of pairs.entries()) {
      const got = await cache.of(index, never);
      const [want] = await scorer.score([
        { prompt: promptIds, completions: [chosen.tokens, rejected.tokens] },
      ]);
      [got.chosen, got.rejected].forEach((logprobs, i) => {
        const wanted = want![i]!.logprobs;
        expect(logprobs).toHaveLength(wanted.length);
        logprobs.forEach((logprob, t) => expect(logprob).toBeCloseTo(wanted[t]!, 4));
      });
    }
  });

  test('are computed once, and the model that gives them goes when all are there', async () => {
    const folder = scratch();
    const { cache, counts } = cacheIn(folder);
    const first = epochOrder(pairs.length, 3)(0);
    await cache.of(first, never);
    expect(readdirSync(folder)).toEqual(['group-000000.safetensors']);
    expect(counts).toEqual({ opened: 1, closed: 0 });
    for (const index of pairs.keys()) await cache.of(index, never);
    expect(readdirSync(folder)).toHaveLength(3);
    expect(counts).toEqual({ opened: 1, closed: 1 });
    const again = cacheIn(folder);
    for (const index of pairs.keys()) await again.cache.of(index, never);
    expect(again.counts).toEqual({ opened: 0, closed: 0 });
  });

  test('are the same to the bit whatever was asked for first', async () => {
    const first = cacheIn(scratch()).cache;
    const forward = new Map<number, unknown>();
    for (const index of pairs.keys()) forward.set(index, await first.of(index, never));
    const { cache } = cacheIn(scratch());
    for (const index of [6, 2, 5, 0, 4, 3, 1])
      expect(await cache.of(index, never)).toEqual(forward.get(index));
  });

  test('stop when asked, and leave nothing half done', async () => {
    const folder = scratch();
    const { cache } = cacheIn(folder);
    const stopped = AbortSignal.abort(new Error('stop'));
    await expect(cache.of(0, stopped)).rejects.toThrow('stop');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a damaged file is told by its name', async () => {
    const folder = scratch();
    const { cache } = cacheIn(folder);
    const path = join(folder, 'group-000000.safetensors');
    const short = Float32Array.of(-1, -2);
    writeSafetensors(path, [{ name: 'logprobs', shape: [2], data: short, dtype: 'F32' }]);
    const first = epochOrder(pairs.length, 3)(0);
    await expect(cache.of(first, never)).rejects.toThrow(/group-000000.safetensors is damaged; remove it/);
    writeFileSync(path, 'no numbers');
    await expect(cache.of(first, never)).rejects.toThrow(/group-000000.safetensors/);
  });
});
