/**
 * Finding, loading and checking ggml's prebuilt libraries. This floor is the only place that knows koffi.
 * The libraries come from the npm packages `@node-llama-cpp/<platform>`, whose version is pinned: function
 * signatures and enum values are those of that version, so another one is refused at start.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { errorText, UserError } from '../base/errors.ts';
import {
  BASE_FUNCTIONS,
  type Bound,
  type Ggml,
  type Kind,
  KINDS,
  type Pointer,
  REGISTRY_FUNCTIONS,
} from './signatures.ts';

/** The version of `@node-llama-cpp/*` that the signatures were written against. */
export const PINNED_PACKAGE_VERSION = '3.21.1';

const CPU_PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
  'win32-x64': 'win-x64',
};

/** Opt-in packages with GPU backends, preferred in this order when one is installed. */
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

export interface Library {
  readonly files: LibraryFiles;
  /** ggml's own version string. */
  readonly version: string;
  readonly symbolCount: number;
  readonly ggml: Ggml;
  /** Runs a built graph off the event loop; resolves to ggml's status, 0 for success. */
  computeAsync(backend: Pointer, graph: Pointer): Promise<number>;
  /** Sets the thread count of a CPU backend; false where the backend has none. */
  setThreads(backend: Pointer, threads: number): boolean;
  /** Runs `action` with ggml's own log messages dropped (they name every library that it loads). */
  quietly(action: () => void): void;
}

const require = createRequire(import.meta.url);

function locate(name: string): LibraryFiles | undefined {
  const packageName = `@node-llama-cpp/${name}`;
  let entry: string;
  try {
    entry = require.resolve(packageName);
  } catch {
    return undefined;
  }
  const root = dirname(dirname(entry));
  const { version } = require(join(root, 'package.json')) as { version: string };
  const folder = join(root, 'bins', name);
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder);
  const find = (pattern: RegExp): string | undefined => files.find((file) => pattern.test(file));
  const base = find(/^(lib)?ggml-base(\.[\w.]+)?\.(so|dylib|dll)$|^(lib)?ggml-base\.(so|dylib|dll)$/);
  const registry = find(/^(lib)?ggml(\.v?[\d.]+)?\.(so|dylib|dll)$/);
  const llama = find(/^(lib)?llama(\.v?[\d.]+)?\.(so|dylib|dll)$/);
  if (base === undefined || registry === undefined || llama === undefined) return undefined;
  const at = (file: string): string => join(folder, file);
  return {
    packageName,
    packageVersion: version,
    folder,
    base: at(base),
    registry: at(registry),
    llama: at(llama),
  };
}

/** Every engine package of this platform that is installed, the preferred one first. */
export function findLibraries(platform = `${process.platform}-${process.arch}`): readonly LibraryFiles[] {
  const cpu = CPU_PACKAGES[platform];
  if (cpu === undefined) {
    const known = Object.keys(CPU_PACKAGES).join(', ');
    throw new UserError(
      'ENGINE_PLATFORM',
      `No engine library exists for ${platform}; tinystar runs on ${known}.`,
    );
  }
  const names = [...(GPU_PACKAGES[platform] ?? []), cpu];
  return names.map(locate).filter((files) => files !== undefined);
}

const isInteger: Readonly<Partial<Record<Kind, true>>> = { i32: true, u32: true, i64: true, usize: true };

function bind<T extends Readonly<Record<string, readonly [Kind, readonly Kind[]]>>>(
  library: LibraryHandle,
  functions: T,
  where: string,
): Bound<T> {
  const bound: Record<string, unknown> = {};
  const missing: string[] = [];
  for (const [name, [returns, takes]] of Object.entries(functions)) {
    try {
      const native = library.func(
        name,
        KINDS[returns],
        takes.map((kind) => KINDS[kind]),
      );
      bound[name] = checked(name, returns, takes, native);
    } catch {
      missing.push(name);
    }
  }
  if (missing.length > 0) {
    throw new UserError(
      'ENGINE_SYMBOLS',
      `The engine library ${where} lacks ${missing.slice(0, 5).join(', ')}; reinstall with npm ci to get ` +
        `version ${PINNED_PACKAGE_VERSION} of @node-llama-cpp.`,
    );
  }
  return bound as Bound<T>;
}

/** koffi truncates 1.5 to 1 and 2^40 to 0 without a word, so integers are checked here; null results throw. */
function checked(
  name: string,
  returns: Kind,
  takes: readonly Kind[],
  native: (...args: unknown[]) => unknown,
): (...args: unknown[]) => unknown {
  const integers = takes.flatMap((kind, i) => (isInteger[kind] === true ? [i] : []));
  return (...args: unknown[]) => {
    for (const i of integers) {
      if (!Number.isSafeInteger(args[i])) {
        throw new RangeError(`${name}: argument ${i} must be an integer, got ${String(args[i])}`);
      }
    }
    const result = native(...args);
    if (returns === 'ptr' && (result === null || result === 0n)) throw new Error(`${name}: returned null`);
    if (returns === 'i64' || returns === 'usize') return Number(result);
    return result;
  };
}

function openFiles(files: LibraryFiles): Library {
  koffi.struct('ggml_init_params', { mem_size: 'size_t', mem_buffer: 'void *', no_alloc: 'bool' });
  koffi.struct('gguf_init_params', { no_alloc: 'bool', ctx: 'void *' });
  const base = koffi.load(files.base, { global: true });
  const registry = koffi.load(files.registry);
  const ggml: Ggml = {
    ...bind(base, BASE_FUNCTIONS, files.base),
    ...bind(registry, REGISTRY_FUNCTIONS, files.registry),
  };
  const compute = base.func('ggml_backend_graph_compute', 'int', ['void *', 'void *']);
  const setLog = base.func('ggml_log_set', 'void', ['void *', 'void *']);
  const logType = koffi.pointer(
    koffi.proto('void ggml_log_callback(int level, const char *text, void *data)'),
  );
  const threadSetter = koffi.proto('void ggml_set_n_threads(void *backend, int threads)');
  return {
    files,
    version: ggml.ggml_version(),
    symbolCount: Object.keys(ggml).length,
    ggml,
    computeAsync: (backend, graph) =>
      new Promise((resolve, reject) => {
        compute.async(backend, graph, (error: unknown, status: number) => {
          if (error) reject(error instanceof Error ? error : new Error(errorText(error)));
          else resolve(status);
        });
      }),
    setThreads: (backend, threads) => {
      const reg = ggml.ggml_backend_dev_backend_reg(ggml.ggml_backend_get_device(backend));
      let setter: Pointer;
      try {
        setter = ggml.ggml_backend_reg_get_proc_address(reg, 'ggml_backend_set_n_threads');
      } catch {
        return false;
      }
      koffi.call(setter, threadSetter, backend, threads);
      return true;
    },
    quietly: (action) => {
      // Only while `action` runs, on this thread: a callback from a compute thread could wait for us for ever.
      const callback = koffi.register(() => undefined, logType);
      setLog(callback, null);
      try {
        action();
      } finally {
        setLog(null, null);
        koffi.unregister(callback);
      }
    },
  };
}

let opened: Library | undefined;

/**
 * Loads the engine once per process: the first installed package, or the one named by TINYSTAR_ENGINE
 * (for example `linux-x64`). Throws a UserError that says what to install.
 */
export function openLibrary(): Library {
  if (opened !== undefined) return opened;
  const wanted = process.env['TINYSTAR_ENGINE'];
  const found = findLibraries().filter(
    (files) => wanted === undefined || files.packageName.endsWith(`/${wanted}`),
  );
  const files = found[0];
  if (files === undefined) {
    const name = wanted ?? CPU_PACKAGES[`${process.platform}-${process.arch}`] ?? '';
    throw new UserError(
      'ENGINE_MISSING',
      `The engine library is not installed; run: npm install --no-save @node-llama-cpp/${name}@${PINNED_PACKAGE_VERSION}` +
        ' (and do not install with --omit=optional).',
    );
  }
  if (files.packageVersion !== PINNED_PACKAGE_VERSION) {
    throw new UserError(
      'ENGINE_VERSION',
      `${files.packageName} is version ${files.packageVersion}, and tinystar needs ${PINNED_PACKAGE_VERSION}; ` +
        `run: npm install --no-save ${files.packageName}@${PINNED_PACKAGE_VERSION}.`,
    );
  }
  opened = openFiles(files);
  return opened;
}

/** Binds further functions of another shared library of the same package (libllama), for checks against it. */
export function loadNative(path: string): LibraryHandle {
  openLibrary();
  return koffi.load(path);
}
