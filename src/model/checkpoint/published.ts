/** The shapes of the published Qwen3 models, for what is asked before their checkpoints are there. */
import { basename } from 'node:path';
import type { ModelConfig } from '../arch/config.ts';

type Published = Pick<
  ModelConfig,
  'hiddenSize' | 'intermediateSize' | 'layers' | 'heads' | 'kvHeads' | 'tiedEmbeddings'
>;

/** From the config.json of Qwen/Qwen3-* on the Hugging Face hub. */
const PUBLISHED: Readonly<Record<string, Published>> = {
  '0.6b': {
    hiddenSize: 1024,
    intermediateSize: 3072,
    layers: 28,
    heads: 16,
    kvHeads: 8,
    tiedEmbeddings: true,
  },
  '1.7b': {
    hiddenSize: 2048,
    intermediateSize: 6144,
    layers: 28,
    heads: 16,
    kvHeads: 8,
    tiedEmbeddings: true,
  },
  '4b': { hiddenSize: 2560, intermediateSize: 9728, layers: 36, heads: 32, kvHeads: 8, tiedEmbeddings: true },
  '8b': {
    hiddenSize: 4096,
    intermediateSize: 12_288,
    layers: 36,
    heads: 32,
    kvHeads: 8,
    tiedEmbeddings: false,
  },
};

/**
 * The configuration of the published Qwen3, or of star-lab's Teacher-8B made from one, that a folder is named after,
 * or a GGUF file (Qwen3-8B-Q4_K_M.gguf); undefined for any other name.
 */
export function publishedConfig(path: string): ModelConfig | undefined {
  const name = basename(path)
    .toLowerCase()
    .replace(/(?:[-.](?:[bf]+\d+|i?q\d\w*))?\.gguf$/, '');
  const [, size = ''] = /^(?:qwen3|teacher)-(\d+(?:\.\d+)?b)$/.exec(name) ?? [];
  const shape = PUBLISHED[size];
  if (shape === undefined) return undefined;
  const common = {
    vocabSize: 151_936,
    headDim: 128,
    rmsNormEps: 1e-6,
    ropeTheta: 1e6,
    contextLength: 40_960,
  };
  return { ...shape, ...common, bosTokenId: 151_643, eosTokenId: 151_645 };
}
