/** Finding the engine's libraries: every platform's real file names, and each way in which a package can be wrong. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import {
  chooseLibrary,
  findLibraries,
  gpuInstallCommand,
  PINNED_PACKAGE_VERSION,
} from '../../src/ggml/find.ts';
import { openFiles } from '../../src/ggml/library.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-engine-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let made = 0;
/** A package folder with empty files of these names. */
function fakePackage(name: string, files: readonly string[], version = PINNED_PACKAGE_VERSION): string {
  const root = join(scratch, String(made++));
  const bins = join(root, 'bins', name);
  mkdirSync(bins, { recursive: true });
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: `@node-llama-cpp/${name}`, version }));
  for (const file of files) writeFileSync(join(bins, file), '');
  return root;
}

const installed = (packages: Readonly<Record<string, string>>) => (packageName: string) =>
  packages[packageName.slice('@node-llama-cpp/'.length)];

const LINUX = ['libggml-base.so', 'libggml-cpu-haswell.so', 'libggml.v0.4.0.so', 'libllama.v0.4.0.so'];

function thrown(action: () => unknown): UserError {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the file names of each platform', () => {
  const platforms: [platform: string, name: string, files: string[], want: [string, string, string]][] = [
    [
      'linux-x64',
      'linux-x64',
      ['_nlcBuildMetadata.json', 'llama-addon.node', 'libllama-common.so', ...LINUX],
      ['libggml-base.so', 'libggml.v0.4.0.so', 'libllama.v0.4.0.so'],
    ],
    ['linux-arm64', 'linux-arm64', LINUX, ['libggml-base.so', 'libggml.v0.4.0.so', 'libllama.v0.4.0.so']],
    [
      'linux-x64',
      'linux-x64-vulkan',
      [
        'libggml-base.so',
        'libggml-cpu-x64.so',
        'libggml-vulkan.so',
        'libggml.vulkan.v0.4.0.so',
        'libllama-common.so',
        'libllama.vulkan.v0.4.0.so',
      ],
      ['libggml-base.so', 'libggml.vulkan.v0.4.0.so', 'libllama.vulkan.v0.4.0.so'],
    ],
    [
      'darwin-arm64',
      'mac-arm64-metal',
      [
        'libggml-base.dylib',
        'libggml-blas.so',
        'libggml-metal.so',
        'libggml.metal.v0.4.0.dylib',
        'libllama-common.dylib',
        'libllama.metal.v0.4.0.dylib',
      ],
      ['libggml-base.dylib', 'libggml.metal.v0.4.0.dylib', 'libllama.metal.v0.4.0.dylib'],
    ],
    [
      'darwin-x64',
      'mac-x64',
      ['libggml-base.dylib', 'libggml-blas.so', 'libggml.v0.4.0.dylib', 'libllama.v0.4.0.dylib'],
      ['libggml-base.dylib', 'libggml.v0.4.0.dylib', 'libllama.v0.4.0.dylib'],
    ],
    [
      'win32-x64',
      'win-x64',
      [
        'ggml-base.dll',
        'ggml-cpu-x64.dll',
        'ggml.v0.4.0.dll',
        'llama-addon.lib',
        'llama-common.dll',
        'llama.v0.4.0.dll',
      ],
      ['ggml-base.dll', 'ggml.v0.4.0.dll', 'llama.v0.4.0.dll'],
    ],
    [
      'win32-x64',
      'win-x64-cuda',
      ['ggml-base.dll', 'ggml-cuda.dll', 'ggml.cuda.v0.4.0.dll', 'llama-common.dll', 'llama.cuda.v0.4.0.dll'],
      ['ggml-base.dll', 'ggml.cuda.v0.4.0.dll', 'llama.cuda.v0.4.0.dll'],
    ],
  ];
  for (const [platform, name, files, want] of platforms) {
    it(`${name} on ${platform}`, () => {
      const found = chooseLibrary(undefined, platform, installed({ [name]: fakePackage(name, files) }));
      expect([found.base, found.registry, found.llama].map((path) => basename(path))).toEqual(want);
      expect(found.packageName).toBe(`@node-llama-cpp/${name}`);
    });
  }
});

describe('choosing among packages', () => {
  const both = installed({
    'linux-x64': fakePackage('linux-x64', LINUX),
    'linux-x64-vulkan': fakePackage('linux-x64-vulkan', LINUX),
  });

  it('prefers the one with a GPU backend', () => {
    expect(chooseLibrary(undefined, 'linux-x64', both).packageName).toBe('@node-llama-cpp/linux-x64-vulkan');
    expect(findLibraries('linux-x64', both).map((files) => files.packageName)).toEqual([
      '@node-llama-cpp/linux-x64-vulkan',
      '@node-llama-cpp/linux-x64',
    ]);
  });

  it('takes the one that TINYSTAR_ENGINE names', () => {
    expect(chooseLibrary('linux-x64', 'linux-x64', both).packageName).toBe('@node-llama-cpp/linux-x64');
  });

  it('passes over one of another version, which another program of the project has brought', () => {
    const packages = installed({
      'linux-x64': fakePackage('linux-x64', LINUX),
      'linux-x64-cuda': fakePackage('linux-x64-cuda', LINUX, '3.22.1'),
    });
    expect(chooseLibrary(undefined, 'linux-x64', packages).packageName).toBe('@node-llama-cpp/linux-x64');
    expect(thrown(() => chooseLibrary('linux-x64-cuda', 'linux-x64', packages)).code).toBe('ENGINE_VERSION');
  });

  it('does not mind a broken package that was not asked for', () => {
    const packages = installed({
      'linux-x64': fakePackage('linux-x64', LINUX),
      'linux-x64-vulkan': fakePackage('linux-x64-vulkan', []),
    });
    expect(chooseLibrary('linux-x64', 'linux-x64', packages).packageName).toBe('@node-llama-cpp/linux-x64');
  });

  it('knows how GPUs are opted into, where they can be', () => {
    expect(gpuInstallCommand('linux-x64')).toBe(
      `npm install --no-save @node-llama-cpp/linux-x64-vulkan@${PINNED_PACKAGE_VERSION}`,
    );
    expect(gpuInstallCommand('darwin-arm64')).toBeUndefined();
  });
});

describe('what can be wrong', () => {
  const nothing = installed({});

  it('nothing is installed: says what to install', () => {
    const error = thrown(() => chooseLibrary(undefined, 'linux-x64', nothing));
    expect(error.code).toBe('ENGINE_MISSING');
    expect(error.message).toMatchInlineSnapshot(
      `"The engine library is not installed; run: npm install --no-save @node-llama-cpp/linux-x64@3.21.1 (and do not install with --omit=optional)."`,
    );
  });

  it('the wanted package is not installed: names that one', () => {
    const error = thrown(() => chooseLibrary('linux-x64-cuda', 'linux-x64', nothing));
    expect(error.message).toContain(`@node-llama-cpp/linux-x64-cuda@${PINNED_PACKAGE_VERSION}`);
  });

  it('TINYSTAR_ENGINE names no engine of this platform', () => {
    const error = thrown(() => chooseLibrary('mac-x64', 'linux-x64', nothing));
    expect(error.message).toMatchInlineSnapshot(
      `"TINYSTAR_ENGINE is "mac-x64", and the engines for linux-x64 are linux-x64, linux-x64-cuda, linux-x64-vulkan."`,
    );
  });

  it('the platform has no engine', () => {
    const error = thrown(() => chooseLibrary(undefined, 'sunos-x64', nothing));
    expect(error.code).toBe('ENGINE_PLATFORM');
    expect(error.message).toMatchInlineSnapshot(
      `"No engine library exists for sunos-x64; tinystar runs on linux-x64, linux-arm64, darwin-arm64, darwin-x64, win32-x64."`,
    );
  });

  it('the version is another one', () => {
    const root = fakePackage('linux-x64', LINUX, '3.22.0');
    const error = thrown(() => chooseLibrary(undefined, 'linux-x64', installed({ 'linux-x64': root })));
    expect(error.code).toBe('ENGINE_VERSION');
    expect(error.message).toMatchInlineSnapshot(
      `"@node-llama-cpp/linux-x64 is version 3.22.0, and tinystar needs 3.21.1; run: npm install --no-save @node-llama-cpp/linux-x64@3.21.1."`,
    );
  });

  it('a library is missing from the package', () => {
    const root = fakePackage('linux-x64', ['libggml-base.so', 'libllama.v0.4.0.so']);
    const error = thrown(() => chooseLibrary(undefined, 'linux-x64', installed({ 'linux-x64': root })));
    expect(error.code).toBe('ENGINE_BROKEN');
    expect(error.message.replace(root, '<root>')).toMatchInlineSnapshot(
      `"@node-llama-cpp/linux-x64 in <root> is not whole: bins/linux-x64 holds no ggml library; run: npm install --no-save @node-llama-cpp/linux-x64@3.21.1."`,
    );
  });

  it('the package has no package.json', () => {
    const root = fakePackage('linux-x64', LINUX);
    rmSync(join(root, 'package.json'));
    const error = thrown(() => chooseLibrary(undefined, 'linux-x64', installed({ 'linux-x64': root })));
    expect(error.code).toBe('ENGINE_BROKEN');
  });

  it('a library is not one', () => {
    const files = chooseLibrary(
      undefined,
      'linux-x64',
      installed({ 'linux-x64': fakePackage('linux-x64', LINUX) }),
    );
    const error = thrown(() => openFiles(files));
    expect(error.code).toBe('ENGINE_LOAD');
    expect(error.message).toContain('libggml-base.so cannot be loaded');
  });

  it('a library lacks functions', () => {
    // The base library where the registry is expected: it has no ggml_backend_load_all_from_path.
    const real = chooseLibrary(process.env['TINYSTAR_ENGINE']);
    const error = thrown(() => openFiles({ ...real, registry: real.base }));
    expect(error.code).toBe('ENGINE_SYMBOLS');
    expect(error.message).toContain(`get version ${PINNED_PACKAGE_VERSION} of @node-llama-cpp`);
  });
});
