/** Opens whoever a command names: a folder, a file or an address. */
import type { Engine } from './gguf.ts';
import type { Sampler } from './sampler.ts';
import type { ServerOptions } from './served/open.ts';

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
    const { openGguf } = await import('./gguf.ts');
    return openGguf(model);
  }
  if (isAddress) {
    const { openServer } = await import('./served/open.ts');
    return openServer(model, options);
  }
  const { Local } = await import('./local.ts');
  return Local.open(model, options.device);
}
