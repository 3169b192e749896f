/** Samples that are given replies: the same as if prompt, sample and reply had been one prompt from the start. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { Generator, type Stopped } from '../../src/model/generate/generation.ts';
import { fullLogits, logSoftmax } from '../helpers/full-logits.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const generator = keep(new Generator(device, goldenConfig, weights));

const rng = Rng.seeded(11);
const ids = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
const prompts = [12, 40, 7, 25].map(ids);
const stopIds = Array.from({ length: 12 }, (_, i) => 8 * i);
/** A reply that depends on who asks, with stop tokens in it. */
const replyTo = ({ prompt, sample, tokens }: Stopped): TokenIds =>
  asTokenIds([8, prompt + 1, sample + 1, tokens.length % goldenConfig.vocabSize, 16]);
const options = { n_samples_per_prompt: 5, generate_max_len: 48, stopIds, seed: 3 };

/** Replies to the first `most` stops of each sample. */
function replier(most: number) {
  const counts = new Map<string, number>();
  return async (stopped: Stopped): Promise<TokenIds | undefined> => {
    const key = `${stopped.prompt}.${stopped.sample}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts.get(key)! <= most ? replyTo(stopped) : undefined;
  };
}

describe('replies', () => {
  it('stand after the stop token, are marked as given, and stop nothing themselves', async () => {
    const results = await generator.generate(prompts, { ...options, reply: replier(2) });
    let replies = 0;
    for (const [prompt, samples] of results.entries()) {
      for (const [sample, { tokens, drawn, finish }] of samples.entries()) {
        const expected = new Uint8Array(tokens.length).fill(1);
        let stops = 0;
        for (let t = 0; t < tokens.length; t++) {
          if (expected[t] === 0 || !stopIds.includes(tokens[t]!)) continue;
          stops += 1;
          if (stops > 2 || t === options.generate_max_len - 1) break;
          const reply = replyTo({ prompt, sample, tokens: asTokenIds(tokens.slice(0, t + 1)) });
          expected.fill(0, t + 1, t + 1 + reply.length);
          const read = tokens.slice(t + 1, t + 1 + reply.length);
          expect([...read]).toEqual([...reply].slice(0, read.length));
          replies += 1;
        }
        expect([...drawn]).toEqual([...expected]);
        expect(finish).toBe(
          stops > 2 || (stopIds.includes(tokens.at(-1)!) && drawn.at(-1) === 1) ? 'stop' : 'length',
        );
      }
    }
    expect(replies).toBeGreaterThan(20);
  });

  it('are part of what the model goes on from: log-probabilities are those of a full forward pass', async () => {
    const results = await generator.generate(prompts, { ...options, reply: replier(3) });
    for (const [i, samples] of results.entries()) {
      for (const { tokens, logprobs } of samples.slice(0, 3)) {
        const sequence = asTokenIds([...prompts[i]!, ...tokens]);
        const logits = await fullLogits(device, goldenConfig, weights, sequence);
        const rows = logits.slice(prompts[i]!.length - 1).map(logSoftmax);
        for (const [t, token] of tokens.entries())
          expect(Math.abs(logprobs[t]! - rows[t]![token]!)).toBeLessThan(1e-4);
      }
    }
  });

  it('do not depend on the batch or on how long they take', async () => {
    const draw = async (batch: number, wait: boolean): Promise<number[][][]> => {
      const reply = replier(2);
      const slow = async (stopped: Stopped): Promise<TokenIds | undefined> => {
        if (wait) await new Promise((resolve) => setTimeout(resolve, stopped.sample));
        return reply(stopped);
      };
      const results = await generator.generate(prompts, { ...options, batch, reply: slow });
      return results.map((samples) => samples.map(({ tokens }) => [...tokens]));
    };
    const first = await draw(4, false);
    expect(await draw(1, true)).toEqual(first);
    expect(await draw(2, false)).toEqual(first);
  });

  it('that fail end the call, and the generator can be used again', async () => {
    const failing = async (): Promise<TokenIds> => {
      throw new Error('no reply');
    };
    await expect(generator.generate(prompts, { ...options, reply: failing })).rejects.toThrow('no reply');
    expect(await generator.generate(prompts, options)).toHaveLength(prompts.length);
  });

  it('that never come change nothing: all tokens are drawn', async () => {
    const plain = await generator.generate(prompts, options);
    const none = await generator.generate(prompts, { ...options, reply: async () => undefined });
    expect(none).toEqual(plain);
    expect(
      plain.flat().every(({ drawn, tokens }) => drawn.length === tokens.length && drawn.every(Boolean)),
    ).toBe(true);
  });
});
