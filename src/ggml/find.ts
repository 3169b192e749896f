/**
 * Finding the engine: the shared libraries in the npm packages `@node-llama-cpp/<platform>`. The version is
 * pinned, since function signatures and enum values are those of that version.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { errorText, UserError } from '../base/errors.ts';

/** The version of `@node-llama-cpp/*` that the signatures were written against. */
export const PINNED_PACKAGE_VERSION = '3.21.1';
/** Version that the libraries of that package report. */
export const PINNED_GGML_VERSION = '0.23.0';

const CPU_PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
  'win32-x64': 'win-x64',
};

/**
 * Opt-in packages with GPU backends, preferred in this order when one is installed. They carry the CPU backends
 * too. The CUDA ones need the CUDA 13 runtime on the machine, the Vulkan ones the graphics driver alone.
 */
const GPU_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['linux-x64-cuda', 'linux-x64-vulkan'],
  'win32-x64': ['win-x64-cuda', 'win-x64-vulkan'],
};

export interface LibraryFiles {
  /** npm package that the files came from. */
  readonly packageName: string;
  readonly packageVersion: string;
  readonly folder: string;
  readonly base: string;
  readonly registry: string;
  readonly llama: string;
}

/** The root folder of an installed package, or undefined. */
export type PackageFinder = (packageName: string) => string | undefined;

const require = createRequire(import.meta.url);

function installedPackage(packageName: string): string | undefined {
  try {
    return dirname(dirname(require.resolve(packageName)));
  } catch {
    return undefined;
  }
}

const here = `${process.platform}-${process.arch}`;

/** Names of this platform's packages, the preferred one first. Throws a UserError for an unknown platform. */
function packageNames(platform: string): { cpu: string; gpu: readonly string[] } {
  const cpu = CPU_PACKAGES[platform];
  if (cpu === undefined) {
    const known = Object.keys(CPU_PACKAGES).join(', ');
    throw new UserError(
      'ENGINE_PLATFORM',
      `No engine library exists for ${platform}; tinystar runs on ${known}.`,
    );
  }
  return { cpu, gpu: GPU_PACKAGES[platform] ?? [] };
}

function install(name: string): string {
  return `npm install --no-save @node-llama-cpp/${name}@${PINNED_PACKAGE_VERSION}`;
}

/** The opt-in that would add GPUs on this platform, as a command; undefined where there is none. */
export function gpuInstallCommand(platform = here): string | undefined {
  const names = GPU_PACKAGES[platform] ?? [];
  const name = names.find((candidate) => candidate.endsWith('-vulkan')) ?? names[0];
  return name === undefined ? undefined : install(name);
}

function versionOf(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version?: unknown };
  return String(version);
}

/** Tells whether a package is of another version, as other programs (node-llama-cpp itself) bring one with them. */
function isOther(root: string): boolean {
  try {
    return versionOf(root) !== PINNED_PACKAGE_VERSION;
  } catch {
    return false;
  }
}

/**
 * The files of a package: `libggml-base.so`, `libggml[.variant].v0.4.0.so`, `libllama[.variant].v0.4.0.so`, with
 * the platform's prefix and ending; the variant is `metal`, `vulkan` or `cuda`.
 */
function libraryFiles(name: string, root: string): LibraryFiles {
  const packageName = `@node-llama-cpp/${name}`;
  const broken = (why: string): UserError =>
    new UserError('ENGINE_BROKEN', `${packageName} in ${root} is not whole: ${why}; run: ${install(name)}.`);
  let packageVersion: string;
  try {
    packageVersion = versionOf(root);
  } catch (thrown) {
    throw broken(`its package.json cannot be read (${errorText(thrown)})`);
  }
  const folder = join(root, 'bins', name);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const find = (stem: string, version: string): string => {
    const pattern = new RegExp(`^(lib)?${stem}${version}\\.(so|dylib|dll)$`);
    const file = files.find((candidate) => pattern.test(candidate));
    if (file === undefined) throw broken(`${join('bins', name)} holds no ${stem} library`);
    return join(folder, file);
  };
  const versioned = '(\\.[a-z]+)?(\\.v[\\d.]+)?';
  return {
    packageName,
    packageVersion,
    folder,
    base: find('ggml-base', ''),
    registry: find('ggml', versioned),
    llama: find('llama', versioned),
  };
}

/** Every engine package of a platform that is installed, the preferred one first. */
export function findLibraries(platform = here, find: PackageFinder = installedPackage): LibraryFiles[] {
  const { cpu, gpu } = packageNames(platform);
  return installed([...gpu, cpu], find).map(({ name, root }) => libraryFiles(name, root));
}

/** Those packages that are installed, and where. */
function installed(names: readonly string[], find: PackageFinder): { name: string; root: string }[] {
  return names.flatMap((name) => {
    const root = find(`@node-llama-cpp/${name}`);
    return root === undefined ? [] : [{ name, root }];
  });
}

/**
 * The package to load: the one called `wanted` (for example `linux-x64`), else the first of the pinned version.
 * Throws a UserError that says what to install when there is none, or when none has that version.
 */
export function chooseLibrary(
  wanted: string | undefined,
  platform = here,
  find: PackageFinder = installedPackage,
): LibraryFiles {
  const { cpu, gpu } = packageNames(platform);
  if (wanted !== undefined && ![cpu, ...gpu].includes(wanted)) {
    throw new UserError(
      'ENGINE_MISSING',
      `TINYSTAR_ENGINE is "${wanted}", and the engines for ${platform} are ${[cpu, ...gpu].join(', ')}.`,
    );
  }
  const found = installed(wanted === undefined ? [...gpu, cpu] : [wanted], find);
  const chosen = found.find(({ root }) => !isOther(root)) ?? found[0];
  if (chosen === undefined) {
    throw new UserError(
      'ENGINE_MISSING',
      `The engine library is not installed; run: ${install(wanted ?? cpu)} (and do not install with --omit=optional).`,
    );
  }
  const { name, root } = chosen;
  const files = libraryFiles(name, root);
  if (files.packageVersion !== PINNED_PACKAGE_VERSION) {
    throw new UserError(
      'ENGINE_VERSION',
      `${files.packageName} is version ${files.packageVersion}, and tinystar needs ${PINNED_PACKAGE_VERSION}; run: ${install(name)}.`,
    );
  }
  return files;
}
