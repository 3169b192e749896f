/** llama.cpp's library, which tinystar's engine package brings: its tokenizer and forward pass, on prompts of tinystar's. */
import { errorText } from '../../../../src/base/errors.ts';
import { asTokenIds } from '../../../../src/base/token-ids.ts';
import { LlamaModel } from '../../../../src/ggml/llama.ts';
import { PINNED_PACKAGE_VERSION } from '../../../../src/ggml/find.ts';
import { isGguf } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import type { Runtime } from '../runtime.ts';

export const llamaLibrary: Runtime = {
  name: "llama.cpp's library",
  async find({ model: path, contextTokens, maxTokens, threads }) {
    if (!isGguf(path)) return 'it runs GGUF files; export the checkpoint with tinystar export';
    let model: LlamaModel;
    try {
      model = LlamaModel.load(path, { contextTokens, threads });
    } catch (thrown) {
      return errorText(thrown);
    }
    return {
      about: `@node-llama-cpp ${PINNED_PACKAGE_VERSION}`,
      async answer({ prompt }, signal) {
        const ids = model.tokenize(prompt);
        const made = await model.continueGreedily(ids, maxTokens, { stopAtEnd: true, signal });
        const said = asTokenIds(made.filter((id) => !model.isEnd(id)));
        return { tokens: [...ids], written: model.detokenize(said, true) };
      },
      async [Symbol.asyncDispose]() {
        model[Symbol.dispose]();
      },
    };
  },
};
