/** Model families by their model_type in config.json, which is their architecture in GGUF files as well. */
import { basename } from 'node:path';
import { InternalError } from '../../base/errors.ts';
import * as all from './all.ts';
import type { Family, ModelConfig } from './family.ts';

export const families: Record<string, Family> = { ...all };

/** Family of models that a recipe makes anew. */
export const NEW_MODEL_FAMILY = 'qwen3';

export function familyOf({ family }: Pick<ModelConfig, 'family'>): Family {
  const found = families[family];
  if (found === undefined) throw new InternalError(`there is no model family ${family}`);
  return found;
}

/**
 * The configuration of the published model that a folder or a GGUF file (Qwen3-8B-Q4_K_M.gguf) is named after, for
 * what is asked before its checkpoint is there; undefined for any other name.
 */
export function publishedConfig(path: string): ModelConfig | undefined {
  const name = basename(path)
    .toLowerCase()
    .replace(/(?:[-.](?:[bf]+\d+|i?q\d\w*))?\.gguf$/, '');
  for (const [family, entry] of Object.entries(families)) {
    const config = entry.published?.(name);
    if (config !== undefined) return { family, ...config };
  }
  return undefined;
}
