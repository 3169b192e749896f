/**
 * A model as a Hugging Face folder: config.json, model.safetensors (or shards with an index) and the tokenizer's
 * files. Weights are read and written one tensor at a time; a folder is saved whole or not at all. A GGUF file is
 * read wherever a folder is.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { required } from '../../base/errors.ts';
import { readBytes, writeAtomic, writeFolderAtomic } from '../../base/files.ts';
import type { Rng } from '../../base/rng.ts';
import type { Device } from '../../ggml/device.ts';
import type { ComputeDType } from '../trained-weights.ts';
import { ParameterSet } from '../../tensor/parameters.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import { parameterSpecs, type ModelConfig } from '../arch/config.ts';
import { familyOf } from '../arch/index.ts';
import { type ReadableWeights, weightBytes, type WeightDType } from './export-tensor.ts';
import { isGguf, refuseAdapter } from './checkpoint-path.ts';
import { ggufConfig, ggufWeights, type WeightPart } from './gguf-checkpoint.ts';
import { configFromHuggingFace, configToHuggingFace, quantisationOf } from './hf-config.ts';
import { SafetensorsFile, writeSafetensors } from './safetensors.ts';
import { outermostFirst, readJson, refuseQuantised, weightPlan } from './weight-files.ts';

export interface SaveOptions {
  /** Type of the weights in the file; f32 by default. */
  readonly dtype?: WeightDType;
  /** The folder that the tokenizer's files are copied from, what it lacks is left out; or what writes them. */
  readonly tokenizerFiles?: string | ((folder: string) => void);
  /** Tokens that end an answer: what runtimes stop at, whatever the generation config that is copied says. */
  readonly stopIds?: readonly number[];
}

/** Files that go with a tokenizer where they exist. A generation config goes with the tokens that it names. */
const COPIED = [
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'special_tokens_map.json',
  'added_tokens.json',
  'generation_config.json',
] as const;

/** Reads the configuration of a folder or a GGUF file. */
export function loadConfig(source: string): ModelConfig {
  if (isGguf(source)) return ggufConfig(source);
  refuseAdapter(source);
  const path = join(source, 'config.json');
  const json = readJson(path);
  refuseQuantised(source, quantisationOf(json));
  return configFromHuggingFace(json, path);
}

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly parameters: ParameterSet;
}

export interface LoadModelOptions {
  /** Tells whether gradients will flow to its weights. */
  readonly trainable: boolean;
  /** Of matrices in memory; f32 by default. */
  readonly dtype?: ComputeDType;
}

/** Elements of a weight that are read at a time. */
const PART = 2 ** 22;

/** A folder's weights in parts, as `ggufWeights` gives a file's. */
function* folderWeights(plan: ReadonlyMap<string, readonly string[]>): Generator<WeightPart> {
  for (const [path, names] of plan) {
    using file = SafetensorsFile.open(path);
    for (const name of names) {
      const [outer = 1, ...inner] = file.tensors.get(name)?.shape ?? [];
      const row = sizeOf(inner);
      const most = Math.max(1, Math.floor(PART / row));
      for (let start = 0; start < outer; start += most) {
        const rows = Math.min(most, outer - start);
        yield [name, start * row, file.readF32(name, { start, rows })];
      }
    }
  }
}

/**
 * Loads a checkpoint's folder or a GGUF file onto a device; beside the model, a part of one weight is in memory at a
 * time. Quantised weights are widened to `dtype`.
 */
export function loadModel(
  device: Device,
  source: string,
  { trainable, dtype }: LoadModelOptions,
): LoadedModel {
  const config = loadConfig(source);
  const parts = isGguf(source) ? ggufWeights(source, PART) : folderWeights(weightPlan(source, config));
  const specs = parameterSpecs(config, dtype);
  const parameters = new ParameterSet(device, specs, trainable ? 'trainable' : 'weights');
  try {
    for (const [name, start, values] of parts) parameters.setPart(name, start, values);
  } catch (thrown) {
    parameters[Symbol.dispose]();
    throw thrown;
  }
  return { config, parameters };
}

/** A folder's weights, read from its files one at a time; throws a UserError where they do not fit the configuration. */
export function weightsIn(source: string, config: ModelConfig): Pick<ReadableWeights, 'read'> {
  const homes = new Map(
    [...weightPlan(source, config)].flatMap(([path, names]) => names.map((name) => [name, path] as const)),
  );
  return {
    read(name) {
      using file = SafetensorsFile.open(required(homes.get(name), `the file of ${name}`));
      return file.readF32(name);
    },
  };
}

const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Saves a model as a Hugging Face folder, replacing an older one; a reader never sees half of it. */
export function saveCheckpoint(
  dir: string,
  config: ModelConfig,
  parameters: Pick<ReadableWeights, 'read'>,
  { dtype = 'f32', tokenizerFiles, stopIds }: SaveOptions = {},
): void {
  writeFolderAtomic(dir, (folder) => {
    const tensors = parameterSpecs(config).map(({ name, shape }) => ({
      name,
      shape: outermostFirst(shape),
      dtype: dtype === 'f16' ? ('F16' as const) : ('F32' as const),
      data: () => weightBytes(name, parameters.read(name), dtype),
    }));
    writeSafetensors(join(folder, 'model.safetensors'), tensors);
    const json = configToHuggingFace(config, dtype === 'f16' ? 'float16' : 'float32');
    writeAtomic(join(folder, 'config.json'), pretty(json));
    const generation = { bos_token_id: config.bosTokenId, eos_token_id: config.eosTokenId };
    writeAtomic(join(folder, 'generation_config.json'), pretty(generation));
    if (typeof tokenizerFiles === 'function') tokenizerFiles(folder);
    else if (tokenizerFiles !== undefined) copyTokenizer(tokenizerFiles, folder);
    if (stopIds !== undefined) nameStops(join(folder, 'generation_config.json'), stopIds);
  });
}

function copyTokenizer(source: string, folder: string): void {
  for (const name of COPIED) {
    const from = join(source, name);
    if (existsSync(from)) writeAtomic(join(folder, name), readBytes(from));
  }
}

/** Sets what a generation config says of stop tokens. */
function nameStops(path: string, stopIds: readonly number[]): void {
  const generation = z.record(z.string(), z.unknown()).parse(readJson(path));
  const eos = stopIds.length === 1 ? stopIds[0] : stopIds;
  writeAtomic(path, pretty({ ...generation, eos_token_id: eos }));
}

/** Projections that write into the residual stream, of every family. */
const RESIDUAL = /\.(o_proj|out_proj|down_proj|output_linear|w2)\.weight$/;
/** Standard deviation of fresh weights, as transformers initialises models. */
const INITIALIZER_RANGE = 0.02;

/**
 * Fills a model with fresh weights: norms of one, biases of zero, normal draws of standard deviation `range` for matrices. The projections that write into
 * the residual stream are scaled by 1 / sqrt(2 * layers), as in GPT-2, so that its variance does not grow with
 * depth. The same generator state gives the same weights.
 */
export function initialiseWeights(
  config: ModelConfig,
  parameters: ParameterSet,
  rng: Rng,
  range = INITIALIZER_RANGE,
): void {
  const residual = range / Math.sqrt(2 * config.layers);
  for (const { name, shape } of parameterSpecs(config)) {
    const values = new Float32Array(sizeOf(shape));
    if (name.endsWith('.bias')) {
      values.fill(0);
    } else if (shape.length === 1) {
      values.fill(1 - (familyOf(config).normOffset ?? 0));
    } else {
      const deviation = RESIDUAL.test(name) ? residual : range;
      for (let i = 0; i < values.length; i++) values[i] = deviation * rng.normal();
    }
    parameters.set(name, values);
  }
}
