/** Opens whoever a command names: a folder, a file or an address. */
import type { Engine } from './gguf.ts';
import type { Sampler } from './sampler.ts';
import type { ServerOptions } from './served/open.ts';

export interface OpenOptions extends ServerOptions {
  readonly device: string;
  readonly engine?: Engine;
}

/**
 * Opens a checkpoint folder, a GGUF file (*.gguf), or a server by its http(s) address such as http://localhost:8080/v1;
 * throws a UserError if it cannot.
 *
 * @example
 * using sampler = await openSampler('http://localhost:8080/v1', { device: 'cpu', parallel: 8 });
 * const prompts = [{ messages: [{ role: 'user', content: 'Hello' }] }];
 * for await (const { index, samples } of sampler.sample(prompts, { temperature: 0, generate_max_len: 64 }))
 *   console.log(index, samples[0]?.text);
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
