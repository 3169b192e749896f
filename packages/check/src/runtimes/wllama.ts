/** wllama: llama.cpp as WebAssembly, in Chromium. It renders no conversations with tools, so its prompt is tinystar's. */
import { dirname, join } from 'node:path';
import { errorText } from '../../../../src/base/errors.ts';
import { optionalPackage } from '../../../../src/base/optional-package.ts';
import { isGguf } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { serveFiles, startChromium } from '../browser.ts';
import type { Runtime, Told } from '../runtime.ts';

const WASM = 'single-thread/wllama.wasm';

/** Program in the page: opens the model once, and then makes tokens of a prompt and goes on with the likeliest ones. */
const OPEN = `async (contextTokens) => {
  const { Wllama } = await import('/wllama.js');
  const engine = new Wllama({ '${WASM}': '/wllama.wasm' }, { suppressNativeLog: true });
  const weights = await (await fetch('/model.gguf')).blob();
  await engine.loadModel([weights], { n_ctx: contextTokens, n_threads: 1 });
  globalThis.engine = engine;
}`;
const ANSWER = `async (prompt, maxTokens) => {
  const { engine } = globalThis;
  const tokens = await engine.tokenize(prompt, true);
  await engine.kvClear();
  const written = [];
  for (let next = tokens; written.length < maxTokens; next = [written.at(-1)]) {
    await engine.decode(next, {});
    const [{ token }] = await engine.getLogits(1);
    if (engine.isTokenEOG(token)) break;
    written.push(token);
  }
  return { tokens: Array.from(tokens), written: new TextDecoder().decode(await engine.detokenize(written)) };
}`;

export const wllama: Runtime = {
  name: 'wllama',
  async find({ model, contextTokens, maxTokens, env }) {
    if (!isGguf(model)) return 'it runs GGUF files; export the checkpoint with tinystar export';
    const wasm = optionalPackage(`@wllama/wllama/esm/${WASM}`);
    if (wasm === undefined) return 'it is not installed; run npm install @wllama/wllama@2';
    const chromium = await startChromium(env);
    if (typeof chromium === 'string') return chromium;
    const { browser, version } = chromium;
    const files = new Map([
      ['/', join(dirname(wasm), '..', '..', 'package.json')],
      ['/wllama.js', join(dirname(dirname(wasm)), 'index.min.js')],
      ['/wllama.wasm', wasm],
      ['/model.gguf', model],
    ]);
    const server = await serveFiles((path) => files.get(path));
    const close = async (): Promise<void> => {
      await browser.close();
      server.close();
    };
    const page = await browser.newPage();
    try {
      await page.goto(server.url);
      await page.evaluate(`(${OPEN})(${contextTokens})`);
    } catch (thrown) {
      await close();
      return `the model does not load in Chromium ${version}: ${errorText(thrown)}`;
    }
    return {
      about: `Chromium ${version}`,
      answer: ({ prompt }) => page.evaluate<Told>(`(${ANSWER})(${JSON.stringify(prompt)}, ${maxTokens})`),
      [Symbol.asyncDispose]: close,
    };
  },
};
