/** Chromium by playwright-core, both of which a person has to have installed, and a server of files for its pages. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorText } from '../../../src/base/errors.ts';
import { optionalPackage } from '../../../src/base/optional-package.ts';

/** The parts of playwright-core that are used. */
export interface Page {
  goto(url: string): Promise<unknown>;
  evaluate<T>(program: string): Promise<T>;
  fill(selector: string, text: string): Promise<void>;
  click(selector: string): Promise<void>;
  textContent(selector: string): Promise<string | null>;
  waitForSelector(selector: string): Promise<unknown>;
}
interface Browser {
  newPage(): Promise<Page>;
  version(): string;
  close(): Promise<void>;
}
interface Playwright {
  readonly chromium: {
    launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<Browser>;
  };
}

interface Chromium {
  readonly browser: Browser;
  readonly version: string;
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;

type Environment = Readonly<Partial<Record<string, string>>>;

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The program that CHROMIUM names, there or not, or the first one in PATH. */
function programOf(env: Environment): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter);
  const known = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return env['CHROMIUM'] ?? known.find((path) => existsSync(path));
}

/** Starts Chromium, of CHROMIUM or PATH; answers with what is missing where it cannot be started. */
export async function startChromium(env: Environment): Promise<Chromium | string> {
  const program = programOf(env);
  if (program === undefined) return 'Chromium is neither CHROMIUM nor in PATH';
  if (!existsSync(program)) return `CHROMIUM names ${program}, which is not there`;
  const place = optionalPackage('playwright-core');
  if (place === undefined) return 'playwright-core is not installed; run npm install playwright-core';
  const loaded = (await import(pathToFileURL(place).href)) as Playwright | { readonly default: Playwright };
  const { chromium } = 'default' in loaded ? loaded.default : loaded;
  try {
    const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
    return { browser, version: browser.version() };
  } catch (thrown) {
    return `${program} does not start as Chromium: ${firstLine(errorText(thrown))}`;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** A file for a path of an address; undefined where there is none. */
type FileAt = (path: string) => string | undefined;

/** Serves files and no more, to this machine alone. */
export async function serveFiles(fileAt: FileAt): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const path = fileAt(new URL(request.url ?? '/', 'http://x').pathname);
    if (path === undefined || !existsSync(path)) response.writeHead(404).end();
    else
      response
        .writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' })
        .end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => server.close() };
}
