/** Opens whoever a command names: a folder, a file or an address. */
import { UserError } from '../base/errors.ts';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import type { Sampler } from './sampler.ts';
import type { ServerOptions } from './served/open.ts';

/** Engines that GGUF files can be run by: this program's own, or llama.cpp's. */
export const ENGINES = ['tinystar', 'llama.cpp'] as const;
export type Engine = (typeof ENGINES)[number];

export interface OpenOptions extends ServerOptions {
  /** Device of a local model. */
  readonly device: string;
  readonly engine?: Engine;
}

/**
 * Opens a checkpoint folder, a GGUF file (*.gguf), or a server by its http(s) address such as http://localhost:8080/v1;
 * throws a UserError if it cannot.
 */
export async function openSampler(model: string, options: OpenOptions): Promise<Sampler> {
  const isAddress = /^https?:\/\//.test(model);
  if (options.engine === 'llama.cpp') {
    if (isAddress || !isGguf(model))
      throw new UserError(
        'ENGINE',
        `llama.cpp's engine runs GGUF files, and ${model} is none; export it with \`tinystar export\`, or leave out --engine.`,
      );
    const { Gguf } = await import('./gguf.ts');
    return new Gguf(model);
  }
  if (isAddress) {
    const { openServer } = await import('./served/open.ts');
    return openServer(model, options);
  }
  const { Local } = await import('./local.ts');
  return Local.open(model, options.device);
}
