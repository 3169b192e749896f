/** Students by pruning: layers as they are, the rest untouched, and what a family says of its layers with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { parameterSpecs } from '../../src/model/arch/config.ts';
import { loadConfig, loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { keptLayers, pruneCheckpoint, prunedConfig, removeLayers } from '../../src/model/prune.ts';
import { Scorer } from '../../src/model/tree/scoring.ts';
import { parseRecipe } from '../../src/recipe/load.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'tinystar-prune-'));
const device = Device.open('cpu', 1);
afterAll(() => {
  device.close();
  rmSync(scratch, { recursive: true, force: true });
});

describe('the layers that are kept', () => {
  it.each([
    [30, 15, [0, 2, 4, 6, 8, 10, 12, 15, 17, 19, 21, 23, 25, 27, 29]],
    [4, 4, [0, 1, 2, 3]],
    [4, 2, [0, 3]],
    [5, 3, [0, 2, 4]],
    [6, 1, [0]],
    [6, [1, 3, 5], [1, 3, 5]],
  ] as const)('of %j, for %j, are %j', (layers, kept, want) => {
    expect(keptLayers(layers, kept)).toEqual(want);
  });

  it.each([
    [4, 5],
    [4, 0],
    [4, []],
    [4, [0, 4]],
    [4, [2, 1]],
    [4, [1, 1]],
  ] as const)('of %j cannot be %j', (layers, kept) => {
    expect(() => keptLayers(layers, kept)).toThrow(UserError);
  });
});

it('a pruned checkpoint has the weights of these layers, the embeddings, the last norm and the tokenizer', () => {
  const source = path('bases/student');
  const folder = join(scratch, 'student');
  pruneCheckpoint(device, source, folder, [0, 3], { tokenizerFiles: source });
  const [whole, pruned] = [source, folder].map((each) => loadModel(device, each, { trainable: false }));
  using a = whole!.parameters;
  using b = pruned!.parameters;
  expect(pruned!.config).toEqual({ ...whole!.config, layers: 2 });
  for (const { name } of parameterSpecs(pruned!.config))
    expect(b.read(name), name).toEqual(a.read(name.replace('layers.1.', 'layers.3.')));
  expect(Tokenizer.load(folder).fingerprint()).toBe(Tokenizer.load(source).fingerprint());
});

it('layers go one by one, each time the one whose checkpoint without it finds the answers likeliest', async () => {
  const source = path('bases/student');
  const model = loadModel(device, source, { trainable: false });
  using parameters = model.parameters;
  const tree = {
    prompt: asTokenIds(Int32Array.of(5, 300, 17, 80)),
    completions: [asTokenIds(Int32Array.of(90, 12, 400)), asTokenIds(Int32Array.of(7))],
  };
  const lossOf = async (layers: readonly number[]): Promise<number> => {
    const folder = join(scratch, `without-${layers.join('-')}`);
    pruneCheckpoint(device, source, folder, layers);
    const { config, parameters: few } = loadModel(device, folder, { trainable: false });
    using weights = few;
    using scorer = new Scorer(device, config, weights);
    const [scored = []] = await scorer.score([tree]);
    const logprobs = scored.flatMap((one) => [...one.logprobs]);
    return -logprobs.reduce((sum, each) => sum + each, 0) / 4;
  };
  const removals: { layer: number; loss: number }[] = [];
  for await (const removal of removeLayers(device, { ...model, parameters }, [tree], 2))
    removals.push(removal);
  let left = Array.from({ length: model.config.layers }, (_, layer) => layer);
  expect(removals).toHaveLength(left.length - 2);
  for (const { layer, loss } of removals) {
    const without = (one: number): number[] => left.filter((each) => each !== one);
    const losses: number[] = [];
    for (const one of left) losses.push(await lossOf(without(one)));
    expect(loss).toBeCloseTo(Math.min(...losses), 5);
    expect(losses[left.indexOf(layer)]).toBeCloseTo(loss, 5);
    left = without(layer);
  }
});

it('layers that see all tokens, and those of attention, are counted anew', () => {
  const gemma = loadConfig(path('test/golden/families/gemma3'));
  const lfm2 = loadConfig(path('test/golden/families/lfm2'));
  expect(prunedConfig(gemma, [1])).toMatchObject({ layers: 1, fullLayers: [0] });
  expect(prunedConfig(gemma, [0])).toMatchObject({ layers: 1, fullLayers: [] });
  expect(prunedConfig(lfm2, [1])).toMatchObject({ layers: 1, attentionLayers: [0] });
});

it('a recipe takes them from a model of its own that is a checkpoint, and from nothing else', () => {
  const recipe = (from: string): string =>
    `name: x\nmodels: { big: b, small: { from: ${from}, layers: 2 } }\nstages: [{ name: s, kind: sft, model: small }]\n`;
  const parse = (from: string) => parseRecipe(recipe(from), join(scratch, 'r.yaml'));
  expect(parse('big').models['small']).toEqual({ from: 'big', layers: 2 });
  expect(() => parse('small')).toThrow(
    'models.small.from is small, of which no checkpoint is there before the run; name a model that is one.',
  );
  expect(() => parse('bog')).toThrow('models.small.from is bog, of which no checkpoint is there');
});
