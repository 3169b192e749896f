/** Every family against transformers' own models, with all that is odd in it switched on: see test/golden/make-model-families.py. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { LlamaModel } from '../../src/ggml/llama.ts';
import { crossEntropy } from '../../src/losses/all.ts';
import { headWeight } from '../../src/model/arch/forward.ts';
import { families } from '../../src/model/arch/index.ts';
import { loadModel, saveCheckpoint } from '../../src/model/checkpoint/checkpoint.ts';
import { exportGguf } from '../../src/model/checkpoint/gguf.ts';
import { configFromHuggingFace, configToHuggingFace } from '../../src/model/checkpoint/hf-config.ts';
import type { GgufTokenizer } from '../../src/model/checkpoint/gguf-tokenizer.ts';
import { SafetensorsFile } from '../../src/model/checkpoint/safetensors.ts';
import { Generator } from '../../src/model/generate/generation.ts';
import { computeCopies } from '../../src/model/compute-copies.ts';
import { loraWeights } from '../../src/model/lora.ts';
import { treeForward } from '../../src/model/tree/tree.ts';
import { Graph, readF32 } from '../../src/tensor/graph.ts';
import { mulMat } from '../../src/tensor/ops/index.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { rowsFrom } from '../../src/train/examples.ts';
import { Trainer, type TrainerOptions } from '../../src/train/trainer.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import { fullLogits } from '../helpers/full-logits.ts';
import { expected as batch, goldenObjective, goldenRows, goldenTrees } from '../helpers/golden.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const ROOT = fileURLToPath(new URL('../golden/families/', import.meta.url));
const WIDTH = 20;
const device = Device.open('cpu', 1);
const scratch = mkdtempSync(join(tmpdir(), 'tinystar-families-'));
afterAll(() => {
  device.close();
  rmSync(scratch, { recursive: true, force: true });
});

interface Expected {
  readonly losses: Record<string, number>;
  readonly scales: Record<string, number>;
}

/** Tokens without meaning, of which none is part of another. */
const tokenizer: GgufTokenizer = {
  tokens: Array.from({ length: 96 }, (_, i) => String.fromCodePoint(0x100 + i)),
  types: Array.from({ length: 96 }, () => 'normal'),
  merges: [],
  model: 'gpt2',
  pre: 'qwen2',
  eosId: 2,
  padId: 0,
  addBos: false,
  addEos: false,
  addSpacePrefix: false,
  chatTemplate: undefined,
};

it('has a golden of each family but Qwen3, whose is in test/fixtures', () => {
  const types = readdirSync(ROOT).map((name) => {
    const { model_type: type } = JSON.parse(readFileSync(join(ROOT, name, 'config.json'), 'utf8')) as {
      model_type: string;
    };
    return type;
  });
  expect(types.toSorted()).toEqual(
    Object.keys(families)
      .filter((name) => name !== 'qwen3')
      .toSorted(),
  );
});

for (const name of readdirSync(ROOT)) {
  const folder = join(ROOT, name);
  const golden = join(folder, 'golden.safetensors');
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected;
  const { config, parameters: weights } = loadModel(device, folder, { trainable: true });
  const gradients = new ParameterSet(device, weights.specs, 'state');
  afterAll(() => {
    gradients[Symbol.dispose]();
    weights[Symbol.dispose]();
  });

  /** The gradients of a loss, with their sizes as they were. */
  const wanted = (loss: string): ((parameter: string) => Float32Array) => {
    using file = SafetensorsFile.open(golden);
    const all = new Map(
      weights.specs.map(({ name: parameter }) => {
        const key = `${loss} ${parameter}`;
        return [parameter, file.readF32(key).map((value) => value * expected.scales[key]!)] as const;
      }),
    );
    return (parameter) => all.get(parameter)!;
  };

  describe(`${name} against transformers`, () => {
    it('gives the reference logits to 1e-4', async () => {
      using g = new Graph(device);
      const { layout, trees } = goldenTrees.flat();
      const tree = treeForward(g, config, weights, layout);
      const logits = g.output(mulMat(g, headWeight(config, weights), tree.hidden));
      g.allocate();
      tree.write(trees);
      await g.compute();
      const got = readF32(device, logits);
      using file = SafetensorsFile.open(golden);
      const want = file.readF32('logits');
      const V = config.vocabSize;
      let worst = 0;
      batch.lengths.forEach((length, i) => {
        for (let at = i * WIDTH * V; at < (i * WIDTH + length) * V; at++)
          worst = Math.max(worst, Math.abs(got[at]! - want[at]!));
      });
      expect(worst).toBeLessThan(TOLERANCES.goldenLogits.absolute);
    });

    for (const kind of ['flat', 'tree'] as const)
      it.each(Object.keys(expected.losses))(
        `%s: loss to 1e-5 and every gradient to 1e-3, ${kind} layout`,
        async (loss) => {
          const objective = goldenObjective(loss);
          const { layout, trees } = goldenTrees[kind]();
          const rows = goldenRows(kind, objective, golden);
          const want = wanted(loss);
          // Gradient checkpointing computes the same.
          for (const recompute of [false, true]) {
            using graph = new TrainingGraph(config, weights, gradients, layout, 48, objective, { recompute });
            gradients.clear();
            const result = await graph.run(trees, rows);
            expectClose([result.loss], [expected.losses[loss]!], TOLERANCES.goldenLoss, 'loss');
            for (const { name: parameter } of weights.specs)
              expectNormClose(
                gradients.read(parameter),
                want(parameter),
                TOLERANCES.goldenGradient,
                parameter,
              );
          }
        },
      );

    it('LoRA leaves the model as it is at first, and every adapter learns', async () => {
      const objective = goldenObjective('sft');
      const { layout, trees } = goldenTrees.tree();
      const { parameters } = loadModel(device, folder, { trainable: false });
      using lora = loraWeights(
        parameters,
        { rank: 2, alpha: 4, target_modules: 'all-linear' },
        Rng.seeded(1),
      );
      using own = new ParameterSet(device, lora.trained.specs, 'state');
      using graph = new TrainingGraph(config, lora, own, layout, 48, objective);
      const { loss } = await graph.run(trees, goldenRows('tree', objective, golden));
      expectClose([loss], [expected.losses['sft']!], TOLERANCES.goldenLoss, 'loss');
      const matrices = weights.specs.filter(
        ({ name: parameter, shape }) => shape.length === 2 && parameter.startsWith('model.layers.'),
      );
      expect(lora.trained.specs.length).toBe(2 * matrices.length);
      for (const { name: parameter } of own.specs.filter(({ name: each }) => each.includes('lora_B')))
        expect(
          own.read(parameter).some((value) => value !== 0),
          parameter,
        ).toBe(true);
    });
  });

  describe(`${name} in training`, () => {
    /** Losses of some steps of SFT on the golden's sequences, from its weights. */
    async function losses(
      options: Pick<Partial<TrainerOptions>, 'optimizer' | 'folder'>,
      dtype?: 'f16' | 'bf16',
    ): Promise<number[]> {
      const { parameters } = loadModel(device, folder, { trainable: true });
      using copies = dtype === undefined ? undefined : computeCopies(parameters, dtype);
      using own = dtype === undefined ? parameters : undefined;
      using trainer = new Trainer(config, own ?? parameters, crossEntropy(), {
        ...options,
        ...(copies === undefined ? {} : { weights: copies }),
        microBatchTokens: 1024,
        micro_train_batch_size: 3,
      });
      const { trees } = goldenTrees.tree();
      const examples = trees.map(({ prompt, completions }) => ({
        prompt,
        completions: completions.map((tokens) => ({ tokens, rows: rowsFrom(tokens), inputs: {} })),
      }));
      const all: number[] = [];
      for (let step = 0; step < 4; step++) all.push((await trainer.step(examples, 5e-3)).loss);
      return all;
    }

    it('learns with every optimiser, and the same from moments in a file', async () => {
      const plain = await losses({});
      expect(plain.at(-1)!).toBeLessThan(plain[0]! - 0.1);
      expect(
        await losses({ optimizer: 'adamw_offloaded', folder: join(scratch, `${name}-moments`) }),
      ).toEqual(plain);
      for (const optimizer of ['adamw_8bit', 'muon'] as const) {
        const others = await losses({ optimizer });
        expect(others[0]).toBe(plain[0]);
        expect(others.at(-1)!, optimizer).toBeLessThan(plain[0]! - 0.1);
      }
    });

    it('learns much the same with copies in half precision', async () => {
      const plain = await losses({});
      for (const [dtype, digits] of [
        ['f16', 0.01],
        ['bf16', 0.08],
      ] as const) {
        const halves = await losses({}, dtype);
        halves.forEach((loss, step) => expect(Math.abs(loss - plain[step]!), dtype).toBeLessThan(digits));
        expect(halves).not.toEqual(plain);
      }
    });
  });

  describe(`${name} as a checkpoint`, () => {
    const ids = (start: number, length: number) =>
      asTokenIds(Int32Array.from({ length }, (_, i) => 3 + ((start + 7 * i * i) % 90)));
    // Two that begin alike, so that what they share is computed once; and shorter ones than a layer looks back.
    const prompts = [ids(1, 30), ids(1, 30), ids(5, 1), ids(9, 2), ids(4, 17)].map((prompt, i) =>
      i === 1 ? asTokenIds(Int32Array.from([...prompt.subarray(0, 24), 50])) : prompt,
    );
    const greedy = { temperature: 0, generate_max_len: 12, stopIds: [] };

    it('generates the tokens that whole sequences say', async () => {
      using generator = new Generator(device, config, weights);
      const all = await generator.generate(prompts, greedy);
      for (const [i, [sample]] of all.entries()) {
        const sequence = asTokenIds(Int32Array.from([...prompts[i]!, ...sample!.tokens]));
        const logits = await fullLogits(device, config, weights, sequence);
        sample!.tokens.forEach((token, t) => {
          const row = logits[prompts[i]!.length + t - 1]!;
          expect(row.indexOf(row.reduce((a, b) => Math.max(a, b))), `prompt ${i}, token ${t}`).toBe(token);
        });
      }
    });

    it('has one configuration in the dialects of transformers 4 and 5', () => {
      const both = configToHuggingFace(config);
      const without = (...keys: string[]) =>
        configFromHuggingFace(
          Object.fromEntries(Object.entries(both).filter(([key]) => !keys.includes(key))),
          'config.json',
        );
      expect(without('rope_parameters', 'dtype')).toEqual(config);
      expect(without('rope_theta', 'rope_scaling', 'rope_local_base_freq', 'torch_dtype')).toEqual(config);
    });

    it('is written and read as it is', () => {
      const copy = join(scratch, name);
      saveCheckpoint(copy, config, weights);
      const loaded = loadModel(device, copy, { trainable: false });
      using again = loaded.parameters;
      expect(loaded.config).toEqual(config);
      for (const { name: parameter } of weights.specs)
        expect(again.read(parameter), parameter).toEqual(weights.read(parameter));
    });

    it('is exported as GGUF, read from there, and continued by llama.cpp with the same tokens', async () => {
      // llama.cpp takes the factor of Gemma's scores from the length of its heads.
      const { attentionScale: _, ...plain } = config;
      const exported = name === 'gemma3' ? plain : config;
      const path = join(scratch, `${name}.gguf`);
      exportGguf(path, exported, weights, tokenizer, { dtype: 'f32' });
      const loaded = loadModel(device, path, { trainable: false });
      using again = loaded.parameters;
      using ours = new Generator(device, exported, weights);
      using theirs = new Generator(device, loaded.config, again);
      const want = await ours.generate(prompts, greedy);
      expect(await theirs.generate(prompts, greedy)).toEqual(want);
      using llama = LlamaModel.load(path, { threads: 1 });
      for (const [i, prompt] of prompts.entries()) {
        const tokens = await llama.continueGreedily(prompt, 12);
        expect([...tokens], `prompt ${i}`).toEqual([...want[i]![0]!.tokens]);
      }
    });
  });
}
