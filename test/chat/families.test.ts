/** Tokenizers of every family against transformers' own: see test/golden/make-tokenizer-vectors.py. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { ggufTokenizer } from '../../src/chat/gguf-tokenizer.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { LlamaModel } from '../../src/ggml/llama.ts';
import { type ModelConfig, parameterSpecs } from '../../src/model/arch/config.ts';
import { initialiseWeights } from '../../src/model/checkpoint/checkpoint.ts';
import { exportGguf } from '../../src/model/checkpoint/gguf.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { goldenText } from '../helpers/golden-files.ts';
import { goldenFolder } from '../helpers/golden-folder.ts';
import { realModels } from '../helpers/real-models.ts';

type Vector = readonly [ids: number[], around: number[], decoded: string];
const texts = JSON.parse(goldenText('tokenizers/texts.json')) as string[];
const vectors = (name: string) => JSON.parse(goldenText(`tokenizers/${name}.json`)) as Vector[];
const kept = (name: string): string =>
  fileURLToPath(new URL(`../golden/tokenizers/${name}`, import.meta.url));

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-tokenizers-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const SMALL = ['granite', 'lfm2', 'falcon3'] as const;
const FOLDERS: Readonly<Record<string, string>> = {
  qwen3: goldenFolder('qwen3-tokenizer'),
  ...Object.fromEntries(SMALL.map((name) => [name, kept(name)])),
  llama3: realModels('llama3'),
  smollm2: realModels('smollm2/safetensors'),
  gemma3: realModels('gemma3/safetensors'),
};
const FILES: Readonly<Record<string, string>> = {
  smollm2: realModels('smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'),
  gemma3: realModels('gemma3/gemma-3-270m-q4_k_m.gguf'),
};

it('there are 500 texts', () => {
  expect(new Set(texts).size).toBe(500);
});

for (const [name, folder] of Object.entries(FOLDERS))
  describe.skipIf(!existsSync(folder))(`the tokenizer of ${name}`, () => {
    it('makes of 500 texts the ids that transformers makes, and the text of them again', () => {
      const tokenizer = Tokenizer.load(folder);
      for (const [i, [ids, around, decoded]] of vectors(name).entries()) {
        expect([...tokenizer.encode(texts[i]!)], JSON.stringify(texts[i])).toEqual(ids);
        expect([...tokenizer.encode(texts[i]!, { addSpecial: true })], JSON.stringify(texts[i])).toEqual(
          around,
        );
        expect(tokenizer.decode(ids)).toBe(decoded);
      }
    });
  });

for (const [name, file] of Object.entries(FILES))
  describe.skipIf(!existsSync(file))(`the tokenizer in the GGUF file of ${name}`, () => {
    it('makes the same ids, here and in llama.cpp', () => {
      const tokenizer = Tokenizer.load(file);
      using llama = LlamaModel.load(file);
      for (const [i, [ids]] of vectors(name).entries()) {
        expect([...tokenizer.encode(texts[i]!)], JSON.stringify(texts[i])).toEqual(ids);
        // SentencePiece's own sign for a space in a text is taken by llama.cpp for one before it finds tokens of spaces.
        if (name === 'gemma3' && texts[i]!.includes('\u2581')) continue;
        expect([...llama.tokenize(texts[i]!)], JSON.stringify(texts[i])).toEqual(ids);
      }
    });
  });

describe.each(SMALL)('the tokenizer of %s in a GGUF file', (name) => {
  it('makes the same ids, here and in llama.cpp', () => {
    using device = Device.open('cpu', 1);
    const tokenizer = Tokenizer.load(kept(name));
    const config: ModelConfig = {
      family: 'llama',
      vocabSize: tokenizer.vocabSize,
      hiddenSize: 32,
      intermediateSize: 32,
      layers: 1,
      heads: 2,
      kvHeads: 1,
      headDim: 16,
      rmsNormEps: 1e-5,
      ropeTheta: 1e4,
      tiedEmbeddings: true,
      contextLength: 2048,
      bosTokenId: null,
      eosTokenId: tokenizer.eosId,
    };
    using parameters = new ParameterSet(device, parameterSpecs(config), 'weights');
    initialiseWeights(config, parameters, Rng.seeded(1));
    const path = join(scratch, `${name}.gguf`);
    exportGguf(path, config, parameters, ggufTokenizer(kept(name)), { dtype: 'f32' });
    const again = Tokenizer.load(path);
    using llama = LlamaModel.load(path);
    for (const [i, [ids]] of vectors(name).entries()) {
      const text = texts[i]!;
      expect([...again.encode(text)], JSON.stringify(text)).toEqual(ids);
      expect([...llama.tokenize(text)], JSON.stringify(text)).toEqual(ids);
    }
  });
});

interface Odd {
  readonly texts: readonly string[];
  readonly cases: Readonly<Record<string, { readonly tokenizer: object; readonly ids: readonly number[][] }>>;
}
const odd = JSON.parse(goldenText('tokenizers/odd.json')) as Odd;

describe('a tokenizer with parts that no family above has', () => {
  it.each(Object.keys(odd.cases))('%s', (name) => {
    const { tokenizer, ids } = odd.cases[name]!;
    const folder = join(scratch, 'odd');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ eos_token: 'a' }));
    const ours = Tokenizer.load(folder);
    expect(odd.texts.map((text) => [...ours.encode(text)])).toEqual(ids);
  });
});
