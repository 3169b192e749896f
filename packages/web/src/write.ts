/** The folder of a page that runs a student in a browser: static files, for any server. */
import { cpSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import { writeAtomic, writeFolderAtomic } from '../../../src/base/files.ts';
import { optionalPackage } from '../../../src/base/optional-package.ts';
import { PACKAGE_ROOT } from '../../../src/base/package-root.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { ENTRY, pageModules } from './modules.ts';
import type { StudentFacts } from './page/facts.ts';
import { studentFacts } from './student-facts.ts';

const WLLAMA = '@wllama/wllama';
const [ALONE, THREADS] = ['single-thread/wllama.wasm', 'multi-thread/wllama.wasm'];

const README = `A student of tinystar in a browser. Any server of static files shows the page:

  npx http-server .          or          python3 -m http.server

A page of yours imports the module:

  import { load } from './student.js';
  const student = await load();
  const { calls } = await student.call('lights off');

The functions and the prompt are fixed: student.json has them, and student.gguf the weights. Nothing is sent anywhere.
load({ threads: 4 }) computes in several threads, which takes a server that sends the headers
"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp"; one thread needs neither.
wllama/ is llama.cpp as WebAssembly, by the package @wllama/wllama; its licence lies beside it.
`;

/** Folder of wllama's modules. Version 3 has no logits, and other files. Throws a UserError where version 2 is not installed. */
function wllamaFolder(): string {
  const found = optionalPackage(`${WLLAMA}/esm/${ALONE}`);
  if (found !== undefined) return dirname(dirname(found));
  throw new UserError(
    'WLLAMA',
    `A page runs its model by ${WLLAMA} 2, which is not installed; run "npm install ${WLLAMA}@2".`,
  );
}

export interface WebPageOptions {
  /** GGUF file that the page runs. */
  readonly gguf: string;
  readonly name: string;
  readonly tools: readonly Tool[];
  /** Folder of wllama's modules; that of the installed package unless told. */
  readonly wllama?: string;
  /** Folder of tinystar's compiled modules; that of the package unless told. */
  readonly built?: string;
}

/** Writes the page's folder, replacing an older one; returns the sizes of what a browser loads, in bytes. */
export function writeWebPage(
  folder: string,
  { gguf, name, tools, wllama = wllamaFolder(), built = join(PACKAGE_ROOT, 'dist') }: WebPageOptions,
): StudentFacts['bytes'] & { readonly code: number } {
  const modules = pageModules(built);
  const size = (path: string): number => statSync(path).size;
  const bytes = { weights: size(gguf), engine: size(join(wllama, ALONE)) };
  const facts: StudentFacts = { ...studentFacts(gguf, name, tools), bytes };
  const page = readFileSync(new URL('./page/index.html', import.meta.url), 'utf8');
  const preloads = [...modules.keys()]
    .map((path) => `<link rel="modulepreload" href="./modules/${path}" />`)
    .join('\n    ');
  const student = `/** See README.txt. */\nimport { loadFrom } from './modules/${ENTRY}';\n\nexport const load = (options) => loadFrom(new URL('./', import.meta.url), options);\n`;
  let code = 0;
  writeFolderAtomic(folder, (temporary) => {
    const text = (path: string, content: string): void => writeAtomic(join(temporary, path), content);
    const copy = (from: string, path: string): void => cpSync(from, join(temporary, path));
    text('index.html', page.replace('<!-- modules -->', preloads));
    text('student.js', student);
    text('student.json', JSON.stringify(facts));
    text('README.txt', README);
    copy(gguf, 'student.gguf');
    for (const [path, content] of modules) text(`modules/${path}`, content);
    copy(join(wllama, 'index.min.js'), 'wllama/index.js');
    for (const path of [ALONE, THREADS]) copy(join(wllama, path), `wllama/${path}`);
    copy(join(wllama, '..', 'LICENCE'), 'wllama/LICENCE');
    const loaded = ['index.html', 'student.js', 'student.json', 'wllama/index.js'];
    code = [...loaded, ...Array.from(modules.keys(), (path) => `modules/${path}`)]
      .map((path) => size(join(temporary, path)))
      .reduce((sum, one) => sum + one, 0);
  });
  return { ...bytes, code };
}
