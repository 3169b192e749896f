/**
 * `npm run build-blas`: compiles ggml's BLAS backend against OpenBLAS and puts it beside the installed engine, which
 * then computes large matrix products with it. An opt-in, as it needs a C++ compiler, git and OpenBLAS's headers
 * (Debian: g++ git libopenblas-dev); `npm ci` takes it away again. The source is that of the engine's own version,
 * from the npm package of the same project, which carries it as a git bundle.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findLibraries, PINNED_PACKAGE_VERSION } from '../src/ggml/library.ts';

const SOURCE_PACKAGE = `node-llama-cpp@${PINNED_PACKAGE_VERSION}`;
/** ggml's switches of a backend that is loaded at run time. */
const DEFINES = ['GGML_BACKEND_DL', 'GGML_BACKEND_BUILD', 'GGML_BACKEND_SHARED', 'GGML_SHARED'];

class Failure extends Error {}

/** Runs a program and answers what it printed; throws a Failure that says what is missing. */
function run(program: string, args: readonly string[], missing: string, cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw new Failure(`${program} could not be started; ${missing}.`);
  if (status !== 0) throw new Failure(`${program} failed; ${missing}.\n${stderr.trim().slice(-2000)}`);
  return stdout;
}

/** The folder of ggml's source. */
function fetchSource(scratch: string): string {
  const online = 'check that the npm registry is reached';
  run('npm', ['pack', SOURCE_PACKAGE, '--silent', '--pack-destination', scratch], online);
  const archive = join(scratch, `${SOURCE_PACKAGE.replace('@', '-')}.tgz`);
  run('tar', ['xzf', archive, '-C', scratch], 'check that there is room for 100 MB of temporary files');
  const bundle = join(scratch, 'package', 'llama', 'gitRelease.bundle');
  const source = join(scratch, 'source');
  run('git', ['clone', '--quiet', '--depth', '1', bundle, source], 'install git (Debian: git)');
  return join(source, 'ggml');
}

/** Compiler and linker flags of OpenBLAS. */
function openBlasFlags(): { compile: string[]; link: string[] } {
  const ask = (what: string): string[] =>
    run('pkg-config', [what, 'openblas'], 'install OpenBLAS (Debian: pkg-config libopenblas-dev)')
      .trim()
      .split(/\s+/)
      .filter((flag) => flag !== '');
  return { compile: ask('--cflags'), link: ask('--libs') };
}

function build(): string {
  const [engine] = findLibraries();
  if (engine === undefined) throw new Failure('The engine is not installed; run npm ci first.');
  if (process.platform !== 'linux')
    throw new Failure('Only Linux needs this build: on a Mac the engine has a BLAS already.');
  const flags = openBlasFlags();
  const scratch = mkdtempSync(join(tmpdir(), 'tinystar-blas-'));
  try {
    const ggml = fetchSource(scratch);
    const library = basename(engine.base).replace(/^lib|\.so$/g, '');
    const made = join(engine.folder, 'libggml-blas.so.new');
    run(
      process.env['CXX'] ?? 'c++',
      [
        '-O3',
        '-std=c++17',
        '-shared',
        '-fPIC',
        ...[...DEFINES, 'GGML_BLAS_USE_OPENBLAS'].map((name) => `-D${name}`),
        `-I${join(ggml, 'include')}`,
        `-I${join(ggml, 'src')}`,
        ...flags.compile,
        join(ggml, 'src', 'ggml-blas', 'ggml-blas.cpp'),
        '-o',
        made,
        `-L${engine.folder}`,
        `-l${library}`,
        ...flags.link,
        '-Wl,-rpath,$ORIGIN',
      ],
      'install a C++ compiler (Debian: g++)',
    );
    const target = join(engine.folder, 'libggml-blas.so');
    renameSync(made, target);
    return target;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  console.log(`made ${build()}; npx tinystar doctor shows its speed, TINYSTAR_BLAS=off leaves it unused`);
} catch (thrown) {
  if (!(thrown instanceof Failure)) throw thrown;
  console.error(thrown.message);
  process.exitCode = 1;
}
