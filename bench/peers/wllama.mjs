/**
 * Answers of llama.cpp to requests inside of a browser: wllama's chat completion on a page. For bench/runtimes.ts.
 * Started with a folder whose node_modules has @wllama/wllama and playwright-core, a GGUF file, a file of requests and the
 * longest answer; prints the completion of each request on a line. $CHROMIUM is the browser, /usr/bin/chromium without it.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, gguf, requests, longest] = process.argv.slice(2);
const { chromium } = createRequire(join(folder, 'index.js'))('playwright-core');
const esm = join(folder, 'node_modules/@wllama/wllama/esm');
const files = {
  '/index.js': join(esm, 'index.js'),
  '/wllama.wasm': join(esm, 'wasm/wllama.wasm'),
  '/model.gguf': gguf,
};
const types = { '/index.js': 'text/javascript', '/wllama.wasm': 'application/wasm' };
const server = createServer((request, response) => {
  const path = files[request.url];
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-embedder-policy', 'require-corp');
  response.setHeader(
    'content-type',
    types[request.url] ?? (path === undefined ? 'text/html' : 'application/octet-stream'),
  );
  if (path === undefined) response.end('<!doctype html><title>wllama</title>');
  else createReadStream(path).pipe(response);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
});
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.evaluate(async () => {
    const { Wllama } = await import('/index.js');
    const wllama = new Wllama({ default: '/wllama.wasm' });
    const blob = await (await fetch('/model.gguf')).blob();
    await wllama.loadModel([blob], { n_ctx: 2048, n_threads: 1 });
    globalThis.wllama = wllama;
  });
  for (const line of readFileSync(requests, 'utf8').trim().split('\n')) {
    const request = { ...JSON.parse(line), temperature: 0, max_tokens: Number(longest) };
    const answer = await page.evaluate((asked) => globalThis.wllama.createChatCompletion(asked), request);
    console.log(JSON.stringify(answer));
  }
} finally {
  await browser.close();
  server.close();
}
