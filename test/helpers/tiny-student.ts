/** A random model of a few thousand weights with a tokenizer of its own, whose distributions are neither flat nor sharp. */
import { join } from 'node:path';
import { Rng } from '../../src/base/rng.ts';
import { DEFAULT_TEMPLATE } from '../../src/chat/default-template.ts';
import { ggufTokenizer } from '../../src/chat/gguf-tokenizer.ts';
import type { Tokenizer } from '../../src/chat/tokenizer.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { Device } from '../../src/ggml/device.ts';
import { initialiseWeights, saveCheckpoint } from '../../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs } from '../../src/model/arch/config.ts';
import { exportGguf } from '../../src/model/checkpoint/gguf.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';

export interface TinyStudent {
  readonly checkpoint: string;
  readonly gguf: string;
  readonly tokenizer: Tokenizer;
}

/** Writes one into `folder`, as a checkpoint and as a GGUF file. */
export function makeTinyStudent(folder: string): TinyStudent {
  const tokenizer = trainVocabulary({ seed: 3, size: 400, groups: 8 }).withChatTemplate(DEFAULT_TEMPLATE);
  const checkpoint = join(folder, 'student');
  const gguf = join(folder, 'student.gguf');
  const files = join(folder, 'tokenizer');
  tokenizer.save(files);
  const config = {
    vocabSize: tokenizer.vocabSize,
    hiddenSize: 32,
    intermediateSize: 64,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    rmsNormEps: 1e-6,
    ropeTheta: 1e6,
    tiedEmbeddings: true,
    family: 'qwen3',
    contextLength: 2048,
    bosTokenId: null,
    eosTokenId: tokenizer.eosId,
  };
  using device = Device.open('cpu', 1);
  using parameters = new ParameterSet(device, parameterSpecs(config), 'weights');
  initialiseWeights(config, parameters, Rng.seeded(5), 0.3);
  saveCheckpoint(checkpoint, config, parameters, { tokenizerFiles: files });
  exportGguf(gguf, config, parameters, ggufTokenizer(checkpoint), { dtype: 'f32', name: 'student' });
  return { checkpoint, gguf, tokenizer };
}
