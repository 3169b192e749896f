/** Generation of `npm run bench -- --real`: prompt trees here beside batched decoding of the same weights in llama.cpp. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Device } from '../../src/ggml/device.ts';
import type { ModelConfig } from '../../src/model/arch/config.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { exportGguf } from '../../src/model/checkpoint/gguf.ts';
import type { GgufTokenizer } from '../../src/model/checkpoint/gguf-tokenizer.ts';
import { pythonWith } from '../peers/pytorch.ts';
import type { Candidate } from './measure.ts';
import { ckdTrees, type GENERATION } from './shapes.ts';

/** A tokenizer that is only there because a server wants one: prompts are ids, and nobody reads the text. */
function anyTokenizer({ vocabSize }: ModelConfig): GgufTokenizer {
  return {
    model: 'gpt2',
    pre: 'gpt-2',
    tokens: Array.from({ length: vocabSize }, (_, id) => `t${id}`),
    types: Array.from({ length: vocabSize }, () => 'normal'),
    merges: ['t 0'],
    eosId: 0,
    padId: 0,
    addBos: false,
    addEos: false,
    addSpacePrefix: false,
    chatTemplate: undefined,
  };
}

interface Place {
  /** Folder of the checkpoint in f32. */
  readonly checkpoint: string;
  readonly scratch: string;
  readonly threads: number;
  readonly blas: boolean;
}

/** Generation by this engine in f32 and f16, and by llama.cpp's server from GGUF files of both, if this machine has it. */
export function generationCandidates(
  config: ModelConfig,
  { checkpoint, scratch, threads, blas }: Place,
  { prompts: count, samples, length }: typeof GENERATION,
): Candidate[] {
  const prompts = ckdTrees(count, config.vocabSize).map(({ prompt }) => [...prompt]);
  const batch = join(scratch, `generation-${length}.json`);
  writeFileSync(batch, JSON.stringify({ prompts, samples, length }));
  const own = (name: string, dtype: 'f32' | 'f16', env?: Record<string, string>): Candidate => ({
    name,
    program: process.execPath,
    args: [
      ...process.execArgv,
      join(import.meta.dirname, 'generation-worker.ts'),
      checkpoint,
      batch,
      String(threads),
      dtype,
    ],
    ...(env === undefined ? {} : { env }),
  });
  const noBlas = { TINYSTAR_BLAS: 'off' };
  const candidates = [
    own('prompt trees, f32', 'f32'),
    ...(blas ? [own('prompt trees, f32, without BLAS', 'f32', noBlas)] : []),
    own('prompt trees, f16, without BLAS', 'f16', noBlas),
  ];
  const python = pythonWith('xllamacpp');
  if (python === undefined) {
    console.log('no Python with xllamacpp here (set PYTHON): llama.cpp is left out of generation');
    return candidates;
  }
  using device = Device.open('cpu', threads);
  const { parameters } = loadModel(device, checkpoint, { trainable: false });
  using weights = parameters;
  const peer = join(import.meta.dirname, '..', 'peers', 'llamacpp_generation.py');
  const peers = (['f32', 'f16'] as const).map((dtype): Candidate => {
    const gguf = join(scratch, `${dtype}.gguf`);
    exportGguf(gguf, config, weights, anyTokenizer(config), { dtype });
    return {
      name: `llama.cpp's server, ${dtype}`,
      program: python,
      args: [peer, gguf, batch, String(threads)],
    };
  });
  return [...candidates, ...peers];
}
