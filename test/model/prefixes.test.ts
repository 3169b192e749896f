/** Beginnings of prompts that are kept, in memory and in files: answers are what they are without, and nothing is computed twice. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { required } from '../../src/base/errors.ts';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { type LiveAnswer, LiveGenerator } from '../../src/model/generate/live.ts';
import { PrefillGraph } from '../../src/model/generate/prefill.ts';
import { readPrefixes, writePrefixes } from '../../src/model/generate/prefixes.ts';
import { argmax } from '../../src/model/generate/sampler.ts';
import { fullLogits } from '../helpers/full-logits.ts';

const scratch = mkdtempSync(join(tmpdir(), 'prefixes-'));
const file = join(scratch, 'kept.prefix');
const device = Device.open('cpu', 1);
/** Of two workers, each with a thread. */
const two = device.another(2);
afterAll(() => {
  two.close();
  device.close();
  rmSync(scratch, { recursive: true, force: true });
});
afterEach(() => void vi.restoreAllMocks());

const MAX = 4;
const joined = (...parts: readonly ArrayLike<number>[]): TokenIds =>
  asTokenIds(parts.flatMap((part) => Array.from(part)));

/** The likeliest tokens, each from a pass over the whole sequence. */
async function greedy(
  { config, parameters }: ReturnType<typeof loadModel>,
  prompt: TokenIds,
): Promise<number[]> {
  const tokens: number[] = [];
  for (let i = 0; i < MAX; i++) {
    const all = await fullLogits(device, config, parameters, joined(prompt, tokens));
    tokens.push(argmax(required(all.at(-1), 'logits')));
  }
  return tokens;
}

/** Tokens that went through a forward pass before something was drawn, those of rows' own rests included. */
function countRead(): () => number {
  const { mock } = vi.spyOn(PrefillGraph.prototype, 'run');
  return () =>
    mock.calls
      .flatMap(([given, , shared = 0]) => given.map((ids) => ids.length - shared))
      .reduce((a, b) => a + b, 0);
}

// A family with attention alone, and one that looks back at columns of the tokens before.
describe.each(['llama', 'lfm2'])('%s', (family) => {
  const model = loadModel(device, fileURLToPath(new URL(`../golden/families/${family}`, import.meta.url)), {
    trainable: false,
  });
  afterAll(() => model.parameters[Symbol.dispose]());
  const rng = Rng.seeded(7);
  const ids = (length: number): TokenIds =>
    asTokenIds(Array.from({ length }, () => rng.below(model.config.vocabSize)));
  const prefix = ids(45);
  const prompts = [3, 1, 20].map((length) => joined(prefix, ids(length)));

  const open = () => new LiveGenerator(two, model.config, model.parameters, { rows: 4 });
  const answer = (live: LiveGenerator, prompt: TokenIds): Promise<LiveAnswer> =>
    live.answer({
      prompt,
      shared: prefix.length,
      generate_max_len: MAX,
      stopIds: [],
      seed: 0,
      temperature: 0,
      top_p: 1,
      top_k: -1,
    });

  it('answers as full passes do, from a prefix that is pinned and from one of a file', async () => {
    const right = await Promise.all(prompts.map((prompt) => greedy(model, prompt)));
    const pinned = open();
    await pinned.pin(prefix);
    const read = countRead();
    for (const [i, prompt] of prompts.entries()) {
      const { tokens, cached } = await answer(pinned, prompt);
      expect([...tokens]).toEqual(right[i]);
      expect(cached).toBe(prefix.length);
    }
    writePrefixes(file, 'model', pinned.kept);
    await pinned.close();
    const again = open();
    for (const one of readPrefixes(file, 'model')) again.keep(one);
    await again.pin(prefix);
    const drawn = await Promise.all(prompts.map((prompt) => answer(again, prompt)));
    expect(drawn.map(({ tokens }) => [...tokens])).toEqual(right);
    expect(drawn.map(({ cached }) => cached)).toEqual(prompts.map(() => prefix.length));
    await again.close();
    // The rests alone, and those of one or two tokens beside others' not even as a pass.
    expect(read()).toBeLessThanOrEqual(2 * (3 + 1 + 20));
  });

  it('keeps what prompts begin with when one needs more room, and after others took its place', async () => {
    const [prompt = ids(1)] = prompts;
    const right = await greedy(model, prompt);
    const live = new LiveGenerator(device, model.config, model.parameters, { rows: 1, families: 1 });
    await live.pin(prefix);
    expect([...(await answer(live, prompt)).tokens]).toEqual(right);
    const read = countRead();
    const wide = { prompt, shared: prefix.length, generate_max_len: 150, stopIds: [], seed: 0 };
    const longer = await live.answer({ ...wide, temperature: 0, top_p: 1, top_k: -1 });
    expect([...longer.tokens].slice(0, MAX)).toEqual(right);
    expect(longer.cached).toBe(prefix.length);
    expect(read()).toBeLessThan(prefix.length);
    await answer(live, ids(30));
    expect(await answer(live, prompt)).toMatchObject({
      cached: prefix.length,
      tokens: longer.tokens.slice(0, MAX),
    });
    await live.close();
  });
});

describe('a file of prefixes', () => {
  it('is left aside where it is not there or of another model, and told where it is damaged', () => {
    const tokens = asTokenIds([1, 2, 3]);
    writePrefixes(file, 'one', [{ tokens, contents: new Map([['0.prompt_keys', Float32Array.of(1.5, 2)]]) }]);
    expect(readPrefixes(file, 'one')).toEqual([
      { tokens, contents: new Map([['0.prompt_keys', Float32Array.of(1.5, 2)]]) },
    ]);
    expect(readPrefixes(file, 'two')).toEqual([]);
    expect(readPrefixes(join(scratch, 'nothing'), 'one')).toEqual([]);
    writeFileSync(file, readFileSync(file).subarray(0, -5));
    expect(() => readPrefixes(file, 'one')).toThrow(/kept\.prefix is not a whole safetensors file/);
  });
});
