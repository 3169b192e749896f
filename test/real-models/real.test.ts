/**
 * Real pretrained models: what is computed from them is what llama.cpp and transformers compute. They are fetched by
 * fetch.py; without them, or without one of its parts, the tests are skipped. `npm run test:real` runs them (minutes).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { ggufTokenizer } from '../../src/chat/gguf-tokenizer.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { LlamaModel } from '../../src/ggml/llama.ts';
import { crossEntropy, distillation, policyGradient } from '../../src/losses/all.ts';
import type { Objective } from '../../src/losses/objective.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { exportGguf, type GgufDType } from '../../src/model/checkpoint/gguf.ts';
import { Generator } from '../../src/model/generate/generation.ts';
import { Scorer } from '../../src/model/tree/scoring.ts';
import { rowsFrom } from '../../src/train/examples.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { logSoftmax } from '../helpers/full-logits.ts';
import { realModels } from '../helpers/real-models.ts';

const MODELS = [
  { name: 'smollm2', file: 'SmolLM2-135M-Instruct.Q4_1.gguf', bos: [] },
  { name: 'gemma3', file: 'gemma-3-270m-q4_k_m.gguf', bos: [2] },
] as const;
const COUNT = 16;

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-real-'));
const device = Device.open('cpu', 2);
afterAll(() => {
  device.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** Tokens without much sense. */
const ids = (length: number, start: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, (_, i) => 300 + start + ((7 * i * i) % 2000)));

/** Beginnings of texts of many kinds. */
const texts = readFileSync(new URL('prompts.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

for (const { name, file, bos } of MODELS) {
  const gguf = realModels(join(name, file));
  const folder = realModels(join(name, 'safetensors'));

  describe.skipIf(!existsSync(gguf))(`${file}`, () => {
    const { config, parameters } = loadModel(device, gguf, { trainable: false });
    afterAll(() => parameters[Symbol.dispose]());
    const withBos = (ids: TokenIds): TokenIds => asTokenIds(Int32Array.from([...bos, ...ids]));
    const prompts = (llama: LlamaModel): TokenIds[] => texts.map((text) => withBos(llama.tokenize(text)));

    it('is tokenized as by llama.cpp', () => {
      using llama = LlamaModel.load(gguf);
      const tokenizer = Tokenizer.load(gguf);
      for (const text of texts) expect([...tokenizer.encode(text)], text).toEqual([...llama.tokenize(text)]);
    });

    it.skipIf(!existsSync(folder))(
      'has the weights and the configuration that transformers reads from it',
      () => {
        const theirs = loadModel(device, folder, { trainable: false });
        using weights = theirs.parameters;
        expect({ ...theirs.config, rmsNormEps: Math.fround(theirs.config.rmsNormEps) }).toEqual({
          ...config,
          rmsNormEps: Math.fround(config.rmsNormEps),
        });
        for (const { name: weight } of parameters.specs) {
          const [ours, other] = [parameters.read(weight), weights.read(weight)];
          const worst = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0);
          expect(worst, weight).toBeLessThan(1e-6);
        }
      },
    );

    it('continues 50 prompts with the same tokens as llama.cpp, in f32; from the file itself up to the rounding of its products', async () => {
      const path = join(scratch, `${name}.f32.gguf`);
      exportGguf(path, config, parameters, ggufTokenizer(gguf), { dtype: 'f32' });
      using generator = new Generator(device, config, parameters);
      using exact = LlamaModel.load(path);
      const all = prompts(exact);
      const ours = await generator.generate(all, {
        temperature: 0,
        generate_max_len: COUNT,
        stopIds: [],
      });
      for (const [i, prompt] of all.entries())
        expect([...(await exact.continueGreedily(prompt, COUNT))], texts[i]).toEqual([
          ...ours[i]![0]!.tokens,
        ]);
      // llama.cpp rounds what it multiplies quantised weights with to eight bits: where it takes another token, the two are close.
      using rounded = LlamaModel.load(gguf);
      let same = 0;
      const margins: number[] = [];
      for (const [i, prompt] of all.entries()) {
        const own = ours[i]![0]!.tokens;
        const theirs = await rounded.continueGreedily(prompt, COUNT);
        const at = theirs.findIndex((token, t) => token !== own[t]);
        if (at < 0) {
          same += 1;
          continue;
        }
        const context = asTokenIds(Int32Array.from([...prompt, ...own.subarray(0, at)]));
        const logits = await rounded.logitsAfter(context);
        margins.push(logits[theirs[at]!]! - logits[own[at]!]!);
      }
      console.log(`${file}: ${same} of ${all.length} alike from the quantised file`);
      expect(Math.max(...margins)).toBeLessThan(1);
      expect(same).toBeGreaterThan(all.length / 2);
    }, 1_200_000);

    it('has the perplexity that llama.cpp finds in f32, and from the file itself to 1%', async () => {
      const path = join(scratch, `${name}.perplexity.gguf`);
      exportGguf(path, config, parameters, ggufTokenizer(gguf), { dtype: 'f32' });
      const source = readFileSync(new URL('text.txt', import.meta.url), 'utf8');
      let text = withBos(asTokenIds(new Int32Array()));
      const byLlama: number[] = [];
      for (const each of [path, gguf]) {
        using llama = LlamaModel.load(each);
        text = withBos(llama.tokenize(source)).slice(0, 512) as TokenIds;
        const [first, rest] = [asTokenIds(text.slice(0, 1)), asTokenIds(text.slice(1))];
        const rows = await llama.logitsAlong(first, rest);
        const total = [...rest].reduce((sum, token, i) => sum + logSoftmax(rows[i]!)[token]!, 0);
        byLlama.push(Math.exp(-total / rest.length));
      }
      using scorer = new Scorer(device, config, parameters);
      const tree = { prompt: asTokenIds(text.slice(0, 1)), completions: [asTokenIds(text.slice(1))] };
      const [scored] = await scorer.score([tree]);
      const ours = Math.exp(-scored![0]!.logprobs.reduce((a, b) => a + b, 0) / (text.length - 1));
      const [exact = NaN, rounded = NaN] = byLlama;
      console.log(
        `${file}: perplexity ${[ours, exact, rounded].map((value) => value.toFixed(3)).join(', ')}`,
      );
      expect(Math.abs(ours / exact - 1)).toBeLessThan(0.001);
      // llama.cpp rounds what it multiplies quantised weights with to eight bits.
      expect(Math.abs(ours / rounded - 1)).toBeLessThan(0.01);
      rmSync(path);
    }, 600_000);

    it.each<[string, Objective, Record<string, Float32Array | Int32Array>]>([
      ['SFT', crossEntropy(), {}],
      [
        'CKD',
        distillation({ kd_topk: 2, kd_student_topm: 4, kd_kl_l1_coef: 10, kd_kl_type: 'fkl', kd_ratio: 1 }),
        {
          teacher_ids: Int32Array.from({ length: 16 }, (_, i) => 100 + i),
          teacher_logprobs: new Float32Array(16).fill(Math.log(0.45)),
        },
      ],
      [
        'Sim-RL',
        policyGradient({ eps_clip: 0.2, init_kl_coef: 0, kl_estimator: 'k2', entropy_coef: 0 }),
        { advantages: new Float32Array(8).fill(1), ref_logprobs: new Float32Array(8) },
      ],
    ])(
      'takes steps of %s, each better than the one before',
      async (method, objective, given) => {
        const trained = loadModel(device, gguf, { trainable: true });
        using weights = trained.parameters;
        using trainer = new Trainer(config, weights, objective, { microBatchTokens: 1024 });
        const [prompt, tokens] = [ids(20, 0), ids(8, 40)] as const;
        const tree = { prompt, completions: [tokens] };
        using scorer = new Scorer(device, config, weights);
        const likelihood = async (): Promise<Float32Array> => (await scorer.score([tree]))[0]![0]!.logprobs;
        const old_logprobs = await likelihood();
        const inputs = method === 'Sim-RL' ? { ...given, old_logprobs } : given;
        const example = { prompt, completions: [{ tokens, rows: rowsFrom(tokens), inputs }] };
        const losses: number[] = [];
        for (let step = 0; step < 3; step++) losses.push((await trainer.step([example], 1e-5)).loss);
        expect(losses.toSorted((a, b) => b - a)).toEqual(losses);
        expect(losses[1]!).toBeLessThan(losses[0]!);
      },
      600_000,
    );

    it.each<[GgufDType]>([['f16'], ['q8_0'], ['q4_k_m']])(
      'is exported as %s, which llama.cpp continues',
      async (dtype) => {
        const path = join(scratch, `${name}.${dtype}.gguf`);
        exportGguf(path, config, parameters, ggufTokenizer(gguf), { dtype });
        using theirs = LlamaModel.load(path);
        const loaded = loadModel(device, path, { trainable: false });
        using weights = loaded.parameters;
        using generator = new Generator(device, loaded.config, weights);
        const some = prompts(theirs).slice(0, 5);
        const ours = await generator.generate(some, { temperature: 0, generate_max_len: COUNT, stopIds: [] });
        let same = 0;
        for (const [i, prompt] of some.entries()) {
          const tokens = await theirs.continueGreedily(prompt, COUNT);
          expect(tokens[0], texts[i]).toBe(ours[i]![0]!.tokens[0]);
          if (tokens.every((token, t) => token === ours[i]![0]!.tokens[t])) same += 1;
        }
        console.log(`${file} as ${dtype}: ${same} of ${some.length} alike`);
        rmSync(path);
      },
      600_000,
    );
  });
}
