/** Opens whoever a command names: a folder, a file or an address. */
import type { AnsweringModel, ModelOptions } from './answering.ts';

/** Opens a checkpoint folder, a GGUF file (*.gguf), or a server by its http(s) address such as http://localhost:8080/v1; throws a UserError if it cannot. */
export async function openAnsweringModel(model: string, options: ModelOptions): Promise<AnsweringModel> {
  if (/^https?:\/\//.test(model)) {
    const { ServedModel } = await import('./served-model.ts');
    return ServedModel.open(model, options);
  }
  if (model.endsWith('.gguf')) {
    const { GgufModel } = await import('./gguf-model.ts');
    return GgufModel.open(model, options.threads);
  }
  const { LocalModel } = await import('./local-model.ts');
  return LocalModel.open(model, options.device);
}
