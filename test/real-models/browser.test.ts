/**
 * A student in Chromium: the page of `export --web` makes the calls that the engine of tinystar makes. It takes Chromium (on
 * the PATH, or CHROMIUM), and the packages @wllama/wllama 2 and playwright-core (installed, or in a folder of NODE_PATH); without
 * them it is skipped. WEB_STUDENT is a folder of tinystar fit, whose student and test cases are then taken. Run by
 * `npm run test:real`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateAssistant } from '../../packages/assistant/src/index.ts';
import { type Page, serveFiles, startChromium } from '../../packages/check/src/browser.ts';
import { type Reply, ServedModel } from '../../packages/serve/src/model.ts';
import type { WebAnswer } from '../../packages/web/src/page/student.ts';
import { writeWebPage } from '../../packages/web/src/write.ts';
import { optionalPackage } from '../../src/base/optional-package.ts';
import type { Tool } from '../../src/chat/messages.ts';
import { toTools } from '../../src/chat/tool-documents.ts';
import { readTools } from '../../src/data/tools-file.ts';
import { bases, loadModel } from '../../src/index.ts';
import { buildPageModules } from '../helpers/page-modules.ts';

const COUNT = 20;
const wllama = optionalPackage('@wllama/wllama/esm/single-thread/wllama.wasm');
const chromium =
  wllama === undefined ? '@wllama/wllama 2 is not installed' : await startChromium(process.env);

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-browser-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Asked {
  readonly gguf: string;
  readonly tools: readonly Tool[];
  readonly requests: readonly string[];
}

/** A student of tinystar fit with its test cases. */
function ofFit(folder: string): Asked {
  const lines = readFileSync(join(folder, 'cases', 'test.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  return {
    gguf: join(folder, 'student.gguf'),
    tools: toTools(readTools(join(folder, 'functions.json'))),
    requests: lines.map((line) => (JSON.parse(line) as { readonly request: string }).request),
  };
}

/** The teacher that comes along, with requests of the assistant and the functions of all of them. */
function ofAssistant(): Asked {
  const gguf = join(scratch, 'teacher.gguf');
  using model = loadModel(bases.teacher);
  model.exportGguf(gguf);
  const dialogues = Array.from(generateAssistant({ seed: 7, split: 'test', groups: 4 }));
  const tools = new Map(dialogues.flatMap((one) => one.tools.map((tool) => [tool.name, tool] as const)));
  return {
    gguf,
    tools: [...tools.values()],
    requests: dialogues.map(({ messages }) => messages[0]?.content ?? ''),
  };
}

/** Program in the page; a text, as imports of functions here are rewritten for tests. */
const inPage = `async (requests) => {
  const began = performance.now();
  const { load } = await import('/student.js');
  const student = await load();
  const loaded = performance.now() - began;
  const answers = [];
  for (const request of requests) answers.push(await student.call(request));
  await student.close();
  return { loaded, answers };
}`;

if (typeof chromium === 'string') console.log(`browser: skipped, as ${chromium}`);

describe.skipIf(typeof chromium === 'string')('a student in Chromium', () => {
  let [page, url] = [undefined as Page | undefined, ''];
  let asked: Asked = { gguf: '', tools: [], requests: [] };
  const closing: (() => unknown)[] = [];
  afterAll(async () => {
    for (const close of closing) await close();
  });

  beforeAll(async () => {
    const fitted = process.env['WEB_STUDENT'];
    asked = fitted === undefined ? ofAssistant() : ofFit(fitted);
    const folder = join(scratch, 'page');
    const { weights, engine, code } = writeWebPage(folder, {
      ...asked,
      name: 'student',
      built: buildPageModules(scratch),
    });
    const [w, e, c] = [weights, engine, code].map((bytes) => (bytes / 1e6).toFixed(1));
    console.log(`browser: ${w} MB of weights, ${e} MB of engine, ${c} MB of code`);
    const files = await serveFiles((path) => join(folder, path.replace(/\/$/, '/index.html')));
    closing.push(files.close);
    url = files.url;
    if (typeof chromium === 'string') return;
    closing.unshift(() => chromium.browser.close());
    page = await chromium.browser.newPage();
  }, 300_000);

  it('makes the calls of the CPU engine', async () => {
    const requests = asked.requests.slice(0, COUNT);
    expect(requests).toHaveLength(COUNT);
    // A file of the folder that runs nothing, so that all that is loaded is counted.
    await page?.goto(`${url}student.json`);
    const answered = await page?.evaluate<{ loaded: number; answers: WebAnswer[] }>(
      `(${inPage})(${JSON.stringify(requests)})`,
    );
    const answers = answered?.answers ?? [];
    const times = answers.map(({ ms }) => ms);
    const [first = 0, ...later] = times;
    const median = later.toSorted((a, b) => a - b)[later.length >> 1] ?? 0;
    console.log(
      `browser: loaded in ${answered?.loaded.toFixed(0)} ms, first call ${first.toFixed(0)} ms, later ones ${median.toFixed(0)} ms (median)`,
    );
    const model = new ServedModel(asked.gguf);
    closing.push(() => model.close());
    const own = [];
    for (const request of requests)
      own.push(await model.ask({ messages: [{ role: 'user', content: request }], tools: asked.tools }));
    const compared = ({ text, calls, promptTokens }: WebAnswer | Reply): object => ({
      text,
      calls,
      promptTokens,
    });
    expect(answers.map(compared)).toEqual(own.map(compared));
    // The teacher has far more functions here than it was trained with, and answers some requests in words.
    expect(answers.filter(({ calls }) => calls.length > 0).length).toBeGreaterThanOrEqual(COUNT / 4);
  }, 600_000);

  it('shows calls on its page', async () => {
    await page?.goto(url);
    await page?.waitForSelector('button:enabled');
    await page?.fill('#request', asked.requests.find((one) => one.length > 0) ?? '');
    await page?.click('button');
    await page?.waitForSelector('button:enabled');
    expect(await page?.textContent('#facts')).toMatch(/^\d+ ms, \d+ tokens after \d+ \(\d+ kept\)$/);
    expect(await page?.textContent('#answer')).not.toBe('');
  }, 120_000);
});
