/**
 * Loading and checking ggml's prebuilt libraries. This floor is the only place that knows koffi. Function
 * signatures and enum values are those of the pinned version, so another one is refused at start.
 */
import koffi, { type LibraryHandle } from 'koffi';
import { errorText, UserError } from '../base/errors.ts';
import { mapLargeBlocks } from './allocator.ts';
import { chooseLibrary, type LibraryFiles, PINNED_GGML_VERSION, PINNED_PACKAGE_VERSION } from './find.ts';
import {
  BASE_FUNCTIONS,
  type Bound,
  type Ggml,
  type Kind,
  KINDS,
  type Pointer,
  REGISTRY_FUNCTIONS,
  type Signature,
} from './signatures.ts';

/** A tensor as ggml's struct has it. */
export interface NativeTensor {
  /** ggml's number of the type; 0 is f32. */
  readonly type: number;
  /** Sizes of its four dimensions, the contiguous one first, and the bytes from one element to the next in each. */
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly data: Pointer;
}

export interface Library {
  readonly files: LibraryFiles;
  /** ggml's own version string. */
  readonly version: string;
  readonly symbolCount: number;
  readonly ggml: Ggml;
  /** Runs a built graph off the event loop; resolves to ggml's status, 0 for success. */
  computeAsync(backend: Pointer, graph: Pointer): Promise<number>;
  /** The same for a graph that a scheduler has divided among backends. */
  scheduleAsync(scheduler: Pointer, graph: Pointer): Promise<number>;
  /** Tensors from outside that a native graph refers to. */
  leafCount(graph: Pointer): number;
  /** The tensor whose memory a view or an operation in place uses; undefined for one with memory of its own. */
  viewSource(tensor: Pointer): Pointer | undefined;
  tensor(pointer: Pointer): NativeTensor;
  /** Operands of the operation that makes a tensor. */
  sources(tensor: Pointer): Pointer[];
  /** Tells whether a tensor has its memory already. */
  hasMemory(tensor: Pointer): boolean;
  /** Sets the thread count of a CPU backend; false where the backend has none. */
  setThreads(backend: Pointer, threads: number): boolean;
  /**
   * Gives a CPU backend threads that stay; returns what ends them, to be called once the backend is freed. Without, ggml
   * starts threads for every graph and every part of a divided one, each on the core of the thread that starts it,
   * where the two wait for each other in turn.
   */
  keepThreads(backend: Pointer, threads: number): () => void;
  /** Runs `action` with ggml's own log messages dropped (they name every library that it loads); returns the errors among them. */
  quietly<T>(action: () => T): { readonly result: T; readonly errors: string };
}

/** `GGML_LOG_LEVEL_ERROR`, and `GGML_LOG_LEVEL_CONT` of pieces that continue a message. */
const [LEVEL_ERROR, LEVEL_CONTINUED] = [4, 5];
const logType = koffi.pointer(koffi.proto('void ggml_log_callback(int level, const char *text, void *data)'));

const isInteger: Readonly<Partial<Record<Kind, true>>> = { i32: true, u32: true, i64: true, usize: true };

/** Functions of a library, as they are typed. Throws a UserError where it lacks some. */
export function bind<T extends Readonly<Record<string, Signature>>>(
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

/** A native pointer; undefined where it is null, for which the binding throws. */
export function orUndefined(native: () => Pointer): Pointer | undefined {
  try {
    return native();
  } catch {
    return undefined;
  }
}

/** ggml's own limit; beyond it a graph aborts. */
export const MAX_THREADS = 512;

// koffi knows a struct by its name, once in a process.
koffi.struct('ggml_init_params', { mem_size: 'size_t', mem_buffer: 'void *', no_alloc: 'bool' });
koffi.struct('gguf_init_params', { no_alloc: 'bool', ctx: 'void *' });
koffi.struct('ggml_threadpool_params', {
  cpumask: koffi.array('bool', MAX_THREADS),
  n_threads: 'int',
  prio: 'int',
  poll: 'uint32_t',
  strict_cpu: 'bool',
  paused: 'bool',
});

/** Loads a shared library. Throws a UserError where that cannot be. */
export function loadNative(path: string, options: { global?: boolean } = {}): LibraryHandle {
  try {
    return koffi.load(path, options);
  } catch (thrown) {
    throw new UserError(
      'ENGINE_LOAD',
      `The engine library ${path} cannot be loaded on this machine: ${errorText(thrown)}; reinstall with npm ci.`,
      { cause: thrown },
    );
  }
}

/** Offsets in struct ggml_tensor: type, buffer, ne[4], nb[4], op, op_params[16], flags, src[10], view_src, view_offs, data. */
const TENSOR_BUFFER = 8;
const TENSOR_SIZES = 16;
const TENSOR_STRIDES = 48;
const TENSOR_SOURCES = 152;
const TENSOR_VIEW_SOURCE = 232;
const TENSOR_DATA = 248;
const MAX_SOURCES = 10;

/** The pointer at an offset of a struct; undefined where it is null. */
function pointerAt(struct: Pointer, offset: number): Pointer | undefined {
  const address = BigInt(koffi.decode(struct, offset, 'uint64_t') as number | bigint);
  return address === 0n ? undefined : (address as Pointer);
}

/** Calls a native function that answers a status on another thread. */
export const called = (
  native: ReturnType<LibraryHandle['func']>,
  ...args: readonly unknown[]
): Promise<number> =>
  new Promise((resolve, reject) => {
    native.async(...args, (error: unknown, status: number) => {
      if (error) reject(error instanceof Error ? error : new Error(errorText(error)));
      else resolve(status);
    });
  });

/** Loads the libraries of a package and checks that they are the ones that the signatures were written for. */
export function openFiles(files: LibraryFiles): Library {
  const base = loadNative(files.base, { global: true });
  const registry = loadNative(files.registry);
  const ggml: Ggml = {
    ...bind(base, BASE_FUNCTIONS, files.base),
    ...bind(registry, REGISTRY_FUNCTIONS, files.registry),
  };
  if (ggml.ggml_version() !== PINNED_GGML_VERSION) {
    throw new UserError(
      'ENGINE_VERSION',
      `${files.base} is ggml ${ggml.ggml_version()}, and tinystar needs ${PINNED_GGML_VERSION}; ` +
        `reinstall with npm ci to get version ${PINNED_PACKAGE_VERSION} of @node-llama-cpp.`,
    );
  }
  const compute = base.func('int ggml_backend_graph_compute(void *backend, void *graph)');
  const schedule = base.func('int ggml_backend_sched_graph_compute(void *scheduler, void *graph)');
  const setLog = base.func('ggml_log_set', 'void', ['void *', 'void *']);
  const threadSetter = koffi.proto('void ggml_set_n_threads(void *backend, int threads)');
  const poolMaker = koffi.proto('void *ggml_threadpool_new(ggml_threadpool_params *params)');
  const poolSetter = koffi.proto('void ggml_backend_cpu_set_threadpool(void *backend, void *pool)');
  const poolEnder = koffi.proto('void ggml_threadpool_free(void *pool)');
  /** A function of a backend's own library; undefined where it has none of this name. */
  const ownFunction = (backend: Pointer, name: string): Pointer | undefined => {
    const reg = ggml.ggml_backend_dev_backend_reg(ggml.ggml_backend_get_device(backend));
    return orUndefined(() => ggml.ggml_backend_reg_get_proc_address(reg, name));
  };
  return {
    files,
    version: ggml.ggml_version(),
    symbolCount: Object.keys(ggml).length,
    ggml,
    computeAsync: (backend, graph) => called(compute, backend, graph),
    scheduleAsync: (scheduler, graph) => called(schedule, scheduler, graph),
    // struct ggml_cgraph begins with three ints: places, nodes, leafs. No function tells the last.
    leafCount: (graph) => Number(koffi.decode(graph, 8, 'int')),
    // struct ggml_tensor: no function tells these two, which are at fixed places in the pinned version.
    viewSource: (tensor) => pointerAt(tensor, TENSOR_VIEW_SOURCE),
    tensor: (pointer) => {
      const numbers = (offset: number): number[] =>
        Array.from(koffi.decode(pointer, offset, koffi.array('int64_t', 4)) as BigInt64Array, Number);
      return {
        type: Number(koffi.decode(pointer, 'int')),
        sizes: numbers(TENSOR_SIZES),
        strides: numbers(TENSOR_STRIDES),
        data: BigInt(koffi.decode(pointer, TENSOR_DATA, 'uint64_t') as number | bigint) as Pointer,
      };
    },
    sources: (tensor) =>
      Array.from({ length: MAX_SOURCES }, (_, i) => pointerAt(tensor, TENSOR_SOURCES + 8 * i)).filter(
        (source) => source !== undefined,
      ),
    hasMemory: (tensor) => pointerAt(tensor, TENSOR_BUFFER) !== undefined,
    setThreads: (backend, threads) => {
      const setter = ownFunction(backend, 'ggml_backend_set_n_threads');
      if (setter !== undefined) koffi.call(setter, threadSetter, backend, threads);
      return setter !== undefined;
    },
    keepThreads: (backend, threads) => {
      const make = ownFunction(backend, 'ggml_threadpool_new');
      const set = ownFunction(backend, 'ggml_backend_cpu_set_threadpool');
      const end = ownFunction(backend, 'ggml_threadpool_free');
      if (make === undefined || set === undefined || end === undefined || threads < 2) return () => undefined;
      // Idle threads sleep at once (`poll`): spinning, they would take the cores from a BLAS and from JavaScript.
      const params = {
        cpumask: Array.from({ length: MAX_THREADS }, () => false),
        n_threads: threads,
        prio: 0,
        poll: 0,
        strict_cpu: false,
        paused: false,
      };
      const pool: unknown = koffi.call(make, poolMaker, params);
      koffi.call(set, poolSetter, backend, pool);
      return () => void koffi.call(end, poolEnder, pool);
    },
    quietly: (action) => quietly(setLog, action),
  };
}

/**
 * Runs `action` with the messages dropped that a library sends to whom `setLog` names; returns the errors among them. Only
 * meanwhile, on this thread: a callback from a compute thread could wait for us for ever.
 */
export function quietly<T>(
  setLog: ReturnType<LibraryHandle['func']>,
  action: () => T,
): { readonly result: T; readonly errors: string } {
  const errors: string[] = [];
  let last = 0;
  const callback = koffi.register((level: number, text: string) => {
    last = level === LEVEL_CONTINUED ? last : level;
    if (last === LEVEL_ERROR) errors.push(text);
  }, logType);
  setLog(callback, null);
  try {
    const result = action();
    return { result, errors: errors.join('').trim().replaceAll('\n', '; ') };
  } finally {
    setLog(null, null);
    koffi.unregister(callback);
  }
}

let opened: Library | undefined;

/**
 * Loads the engine once per process: the first installed package, or the one named by TINYSTAR_ENGINE
 * (for example `linux-x64`). Throws a UserError that says what to install.
 */
export function openLibrary(): Library {
  if (opened === undefined) {
    mapLargeBlocks();
    opened = openFiles(chooseLibrary(process.env['TINYSTAR_ENGINE']));
  }
  return opened;
}
