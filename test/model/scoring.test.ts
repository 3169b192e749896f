/** Scores against full forward passes and a softmax on the host. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { Generator } from '../../src/model/generate/generation.ts';
import { type ScoredCompletion, Scorer } from '../../src/model/tree/scoring.ts';
import { ScoringGraph } from '../../src/model/tree/scoring-graph.ts';
import { predictorIndex, type PromptTree } from '../../src/model/tree/tree.ts';
import { fullLogits, logSoftmax } from '../helpers/full-logits.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const scorer = keep(new Scorer(device, goldenConfig, weights));

const rng = Rng.seeded(11);
const ids = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
const tree = (prompt: number, ...completions: number[]): PromptTree => ({
  prompt: ids(prompt),
  completions: completions.map(ids),
});
const trees = [
  tree(9, 4, 1, 7),
  tree(35, 12, 3, 9),
  tree(1, 2),
  tree(20, 0, 5, 6),
  tree(4),
  tree(33, 8),
  tree(2, 16, 1, 1),
];

/** Log-probabilities of the whole vocabulary at each token of a completion. */
async function wanted(prompt: TokenIds, completion: TokenIds): Promise<Float64Array[]> {
  const all = await fullLogits(device, goldenConfig, weights, asTokenIds([...prompt, ...completion]));
  return all.slice(prompt.length - 1, -1).map(logSoftmax);
}

describe('Scorer', () => {
  it('ids of padding are never among the most likely, whatever their probability, and keep their mass', async () => {
    const padding = 40;
    using narrow = new Scorer(device, goldenConfig, weights, padding);
    const [tops, all] = [
      await narrow.score(trees, { topK: 5 }),
      await scorer.score(trees, { topK: goldenConfig.vocabSize }),
    ];
    tops.flat().forEach(({ topIds, topLogprobs }, sequence) => {
      const every = all.flat()[sequence]!;
      const width = goldenConfig.vocabSize;
      for (let t = 0; 5 * t < topIds.length; t++) {
        const row = Array.from({ length: width }, (_, i) => i + t * width);
        const known = row.filter((at) => every.topIds[at]! < padding).slice(0, 5);
        expect([...topIds.subarray(5 * t, 5 * t + 5)]).toEqual(known.map((at) => every.topIds[at]));
        expect([...topLogprobs.subarray(5 * t, 5 * t + 5)]).toEqual(known.map((at) => every.topLogprobs[at]));
      }
    });
  });

  it('log-probabilities, entropies and top-k equal the softmax of full forward passes', async () => {
    const results = await scorer.score(trees, { topK: 5, entropy: true, maxTokens: 160 });
    expect(results.map((r) => r.length)).toEqual(trees.map(({ completions }) => completions.length));
    for (const [i, { prompt, completions }] of trees.entries()) {
      for (const [s, completion] of completions.entries()) {
        const { logprobs, entropies, topIds, topLogprobs } = results[i]![s]!;
        const rows = await wanted(prompt, completion);
        expect(logprobs.length).toBe(completion.length);
        expect(topIds.length).toBe(5 * completion.length);
        rows.forEach((row, t) => {
          expect(Math.abs(logprobs[t]! - row[completion[t]!]!)).toBeLessThan(1e-5);
          const h = -row.reduce((sum, x) => sum + Math.exp(x) * x, 0);
          expect(Math.abs(entropies[t]! - h)).toBeLessThan(1e-5);
          const order = [...row.keys()].sort((a, b) => row[b]! - row[a]!).slice(0, 5);
          expect([...topIds.subarray(t * 5, t * 5 + 5)]).toEqual(order);
          order.forEach((id, rank) =>
            expect(Math.abs(topLogprobs[t * 5 + rank]! - row[id]!)).toBeLessThan(1e-5),
          );
        });
      }
    }
  });

  it('gives only what is asked for', async () => {
    const [[scored]] = (await scorer.score(trees.slice(0, 1))) as [[ScoredCompletion]];
    expect([scored.topIds.length, scored.entropies.length]).toEqual([0, 0]);
  });

  it('does not depend on how trees are batched', async () => {
    const alone = await scorer.score(trees, { maxTokens: 1 });
    const together = await scorer.score(trees, { maxTokens: 10_000 });
    alone.flat().forEach(({ logprobs }, i) => {
      const other = together.flat()[i]!.logprobs;
      logprobs.forEach((x, t) => expect(Math.abs(x - other[t]!)).toBeLessThan(1e-5));
    });
  });

  it('gives the same in two workers as in one', async () => {
    using two = Device.open('cpu', 2);
    using workers = new Scorer(two, goldenConfig, weights);
    const [one, other] = [await scorer.score(trees), await workers.score(trees)];
    one.flat().forEach(({ logprobs }, i) => {
      logprobs.forEach((x, t) => expect(Math.abs(x - other.flat()[i]!.logprobs[t]!)).toBeLessThan(1e-5));
    });
  });

  it('gives the same in chunks of rows as in one', async () => {
    const batch = [tree(9, 4, 8), tree(7, 8, 2)];
    const layout = { prompts: 2, promptTokens: 16, samples: 2, completionTokens: 8 };
    const rows = batch.flatMap((t, b) =>
      t.completions.flatMap((c, s) =>
        [...c].map((id, i) => [predictorIndex(layout, t, b, s, i), id] as const),
      ),
    );
    const run = async (chunkBytes: number) => {
      using graph = new ScoringGraph(
        { device, config: goldenConfig, weights },
        layout,
        24,
        { topK: 3, entropy: true, padding: Infinity },
        { chunkBytes },
      );
      // Awaited here, so that the graph outlives its run.
      return await graph.run(
        batch,
        Int32Array.from(rows, ([p]) => p),
        Int32Array.from(rows, ([, id]) => id),
      );
    };
    const [one, chunked] = [await run(2 ** 20), await run(5 * 4 * goldenConfig.vocabSize)];
    for (const name of ['logprobs', 'entropies', 'topLogprobs'] as const) {
      one[name].forEach((x, i) => expect(Math.abs(x - chunked[name][i]!)).toBeLessThan(1e-5));
    }
  });

  it('agrees with the log-probabilities that a generation kept', async () => {
    using generator = new Generator(device, goldenConfig, weights);
    const prompts = [ids(30), ids(3), ids(12)];
    const drawn = await generator.generate(prompts, {
      n_samples_per_prompt: 4,
      generate_max_len: 24,
      stopIds: [1, 2, 3],
    });
    const scored = await scorer.score(
      prompts.map((prompt, i) => ({ prompt, completions: drawn[i]!.map(({ tokens }) => tokens) })),
    );
    drawn.forEach((samples, i) =>
      samples.forEach(({ logprobs }, s) =>
        logprobs.forEach((x, t) => expect(Math.abs(x - scored[i]![s]!.logprobs[t]!)).toBeLessThan(1e-4)),
      ),
    );
  });

  it('stops between batches when aborted', async () => {
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    await expect(scorer.score(trees, { signal: abort.signal })).rejects.toThrow('enough');
  });
});
