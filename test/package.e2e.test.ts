/** The package as npm packs it: installed into empty projects, its types checked, and every example run. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const examples = join(root, 'examples');
/** Files; folders are projects of fit. */
const programs = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ name }) => name);
/** An empty project: sources in TypeScript, and the JavaScript that is made of them. */
const project = mkdtempSync(join(tmpdir(), 'package-'));
const [sources, built] = [join(project, 'sources'), join(project, 'built')];
afterAll(() => rmSync(project, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command line to its end; the shell finds npm's commands on Windows as well. */
function run(command: string, cwd: string): Promise<Ended> {
  const child = spawn(command, { cwd, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Options of a user's own compiler, as strict as they get; declarations of packages are checked too. */
const tsconfig = (options: object): string =>
  JSON.stringify({
    compilerOptions: {
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      typeRoots: [join(root, 'node_modules', '@types')],
      types: ['node'],
      strict: true,
      ...options,
    },
  });
const tsc = `node "${join(root, 'node_modules', 'typescript', 'bin', 'tsc')}" -p "${sources}"`;

const NETWORK = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/;
let isOffline = false;

beforeAll(async () => {
  const packing = await run(`npm pack --silent --pack-destination "${project}"`, root);
  if (packing.code !== 0) throw new Error(packing.output);
  writeFileSync(join(project, 'package.json'), '{"private": true, "type": "module"}');
  const file = packing.output.trim().split('\n').at(-1) ?? '';
  const flags = '--prefer-offline --no-audit --no-fund --ignore-scripts';
  const { code, output } = await run(`npm install ${flags} "./${file}"`, project);
  isOffline = NETWORK.test(output);
  if (code !== 0 && !isOffline) throw new Error(output);
  mkdirSync(sources);
  for (const program of programs) copyFileSync(join(examples, program), join(sources, program));
}, 300_000);
beforeEach((context) => {
  context.skip(isOffline, 'npm cannot reach its registry, and its cache lacks a dependency');
});

describe('an empty project that installs the packed file', () => {
  test.each([
    ['Node', { module: 'nodenext', outDir: built, rootDir: sources, allowJs: true, checkJs: true }],
    ['a bundler', { module: 'esnext', moduleResolution: 'bundler', noEmit: true }],
  ])(
    'type-checks the examples with the resolution of %s, the types of the package included',
    async (_, options) => {
      writeFileSync(join(sources, 'tsconfig.json'), tsconfig(options));
      expect(await run(tsc, project)).toEqual({ code: 0, output: '' });
    },
    120_000,
  );

  /** A piece of what each example prints. */
  const prints: Readonly<Record<string, RegExp>> = {
    'data.ts': /left out .*climate[\s\S]*"city": "Oslo"/,
    'generate.ts': /-> \[ \{ name: 'set_timer', arguments: \{ minutes: 5 \} \} \]/,
    'own-environment.ts': /\(right: 2\)[\s\S]*must be of type/,
    'own-loss.ts': /step 8: loss 0\.[\s\S]*saved to/,
    'own-reward.ts': /^0\.9[\s\S]*step 2: mean reward/,
    'plain.js': /name: 'set_alarm'[\s\S]*reward 1/,
    'typed-calls.ts':
      /^\d+ tokens are kept[\s\S]*a timer of 5\.0 minutes[\s\S]*call: \{\s+name: 'play_music'|call: \{ name: 'play_music'/,
    'training-events.ts': /learn \(sft\) begins: 4 steps[\s\S]*report: .*report\.html/,
  };

  test.each(programs)(
    'runs %s',
    async (name) => {
      const { code, output } = await run(`node ${name.replace(/\.ts$/, '.js')}`, built);
      expect(output).toMatch(prints[name] ?? 'what is expected of this example is not said');
      expect(code).toBe(0);
    },
    120_000,
  );

  test('has the command', async () => {
    expect(await run('npx --no-install tinystar --version', project)).toMatchObject({ code: 0 });
  });
});
