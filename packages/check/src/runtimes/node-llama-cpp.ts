/** node-llama-cpp: llama.cpp behind chat wrappers and a reader of calls of its own, in a process of its own. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isGguf } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { startProgram } from '../child.ts';
import type { Runtime } from '../runtime.ts';

const PACKAGE = 'node-llama-cpp';

const SOURCE = `import { createInterface } from 'node:readline';
const { place, model: modelPath, contextTokens, maxTokens, threads } = JSON.parse(process.argv[2]);
const { getLlama, LlamaChat, getModuleVersion } = await import(place);
const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: 'error' });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: contextTokens, threads });
const chat = new LlamaChat({ contextSequence: context.getSequence() });
const tell = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
tell({ about: (await getModuleVersion()) + ', ' + chat.chatWrapper.wrapperName });
for await (const line of createInterface({ input: process.stdin })) {
  const { request, tools } = JSON.parse(line);
  const told = {};
  try {
    const functions = Object.fromEntries(
      tools.map(({ name, description, parameters }) => [name, { description, params: parameters }]),
    );
    const history = [{ type: 'user', text: request }, { type: 'model', response: [] }];
    const asked = { chatHistory: history, availableFunctions: functions, documentFunctionParams: true };
    const tokens = chat.chatWrapper.generateContextState(asked).contextText.tokenize(model.tokenizer);
    Object.assign(told, { tokens, prompt: model.detokenize(tokens, true) });
    const answer = { functions, documentFunctionParams: true, temperature: 0, maxTokens };
    const { response, functionCalls = [] } = await chat.generateResponse(history, answer);
    const calls = functionCalls.map(({ functionName, params }) => ({ name: functionName, arguments: params ?? {} }));
    tell({ ...told, parsed: { calls, words: response } });
  } catch (thrown) {
    tell({ ...told, parsed: { calls: [], words: '' }, fault: String(thrown?.message ?? thrown) });
  }
}
process.exit(0);
`;

/** Module of the package, beside a program in that folder. */
function placeOf(folder: string): string | undefined {
  try {
    const require = createRequire(join(folder, 'package.json'));
    return pathToFileURL(require.resolve(PACKAGE)).href;
  } catch {
    return undefined;
  }
}

export const nodeLlamaCpp: Runtime = {
  name: PACKAGE,
  async find({ model, contextTokens, maxTokens, threads, folder, signal }) {
    if (!isGguf(model)) return 'it runs GGUF files; export the checkpoint with tinystar export';
    const place = placeOf(folder);
    if (place === undefined) return `it is not installed in this folder; run npm install ${PACKAGE}`;
    const given = { place, model, contextTokens, maxTokens, threads };
    return startProgram({ ending: 'mjs', source: SOURCE, interpreter: process.execPath, given }, signal);
  },
};
