/**
 * Matrix products by ONNX Runtime's CPU kernels, which reach the processor's speed where ggml's f32 ones reach a third
 * of it. Nothing is compiled: its library comes in an npm package, and this floor calls that by its versioned C interface
 * (onnxruntime_c_api.h; the places in `OrtApi` never change). A product is a model of one operator, FusedMatMul, on
 * memory that ggml allocated.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { errorText, InternalError, required, UserError } from '../base/errors.ts';
import { startThread } from '../base/threads.ts';
import type { ComputeData, Computed, Program } from './program.ts';
import type { Pointer } from './signatures.ts';

/**
 * npm packages with the library, one for each platform and without an install script, and its name in there. On a Mac
 * Accelerate, which ggml brings, is faster.
 */
const PACKAGES: Readonly<Record<string, readonly [string, string]>> = {
  'linux-x64': ['sherpa-onnx-linux-x64', 'libonnxruntime.so'],
  'linux-arm64': ['sherpa-onnx-linux-arm64', 'libonnxruntime.so'],
  'win32-x64': ['sherpa-onnx-win-x64', 'onnxruntime.dll'],
};

/** A matrix, or several of equal shape one after another, in memory: rows x columns, each row contiguous. */
export interface Matrices {
  readonly data: Pointer;
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
}

/** `out` = `a` · `b`, of which at most one is transposed first. */
export interface Gemm {
  readonly transposed: 'a' | 'b' | 'none';
  readonly a: Matrices;
  readonly b: Matrices;
  readonly out: Matrices;
}

/** A product that is ready to be computed again and again. */
export interface PreparedGemm extends Disposable {
  /** Addresses of its session, its two inputs and its output. */
  readonly step: readonly [bigint, bigint, bigint, bigint];
}

type Native = ReturnType<ReturnType<typeof koffi.load>['func']>;

/** Version of the C interface that is asked for; newer libraries have it, too. */
const API_VERSION = 17;
/** Places of functions in `OrtApi`. */
const FUNCTIONS = {
  errorMessage: [2, 'const char *', ['void *']],
  createEnv: [3, 'void *', ['int', 'const char *', '_Out_ void **']],
  createSession: [8, 'void *', ['void *', 'const void *', 'size_t', 'void *', '_Out_ void **']],
  createOptions: [10, 'void *', ['_Out_ void **']],
  setThreads: [24, 'void *', ['void *', 'int']],
  createTensor: [
    49,
    'void *',
    ['void *', 'void *', 'size_t', 'const void *', 'size_t', 'int', '_Out_ void **'],
  ],
  createMemoryInfo: [69, 'void *', ['int', 'int', '_Out_ void **']],
  releaseStatus: [93, 'void', ['void *']],
  releaseSession: [95, 'void', ['void *']],
  releaseValue: [96, 'void', ['void *']],
  releaseOptions: [100, 'void', ['void *']],
  addConfig: [130, 'void *', ['void *', 'const char *', 'const char *']],
} as const satisfies Record<string, readonly [number, string, readonly string[]]>;
type Api = Readonly<Record<keyof typeof FUNCTIONS, Native>>;

/** `ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT`. */
const FLOAT = 1;
const LOG_ERRORS = 3;

/** Place of `Run`, which a thread calls. */
const RUN_PLACE = 9;

interface Runtime {
  /** Collected as garbage, it would take its functions away. */
  readonly library: unknown;
  readonly api: Api;
  readonly version: string;
  readonly environment: unknown;
  readonly memory: unknown;
  readonly run: bigint;
}

/** The library in the installed package; undefined where it was left out, or there is none for the platform. */
function packagedLibrary(): string | undefined {
  const known = PACKAGES[`${process.platform}-${process.arch}`];
  if (known === undefined) return undefined;
  const [name, file] = known;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), file);
  } catch {
    return undefined;
  }
}

/** Reads the pointer that a function has written. */
type Out = [unknown];

/** Throws what a status says; of success it is null. */
function need(api: Api, status: unknown): void {
  if (status === null || status === undefined || status === 0n) return;
  const message: unknown = api.errorMessage(status);
  api.releaseStatus(status);
  throw new InternalError(`onnxruntime: ${String(message)}`);
}

function load(path: string): Runtime {
  try {
    const library = koffi.load(path);
    const base: unknown = library.func('void *OrtGetApiBase()')();
    const [getApi, getVersion] = koffi.decode(base, koffi.array('void *', 2)) as [unknown, unknown];
    const table: unknown = koffi.call(getApi, koffi.proto('void *(uint32_t version)'), API_VERSION);
    if (table === null) throw new Error(`it is older than version 1.${API_VERSION}`);
    const version: unknown = koffi.call(getVersion, koffi.proto('const char *()'));
    const count = Math.max(...Object.values(FUNCTIONS).map(([place]) => place)) + 1;
    const pointers = koffi.decode(table, koffi.array('void *', count)) as unknown[];
    const api = Object.fromEntries(
      Object.entries(FUNCTIONS).map(([name, [place, returns, takes]]) => [
        name,
        koffi.decode(pointers[place], koffi.proto(`${returns} (${takes.join(', ')})`)),
      ]),
    ) as Api;
    const [environment, memory]: [Out, Out] = [[null], [null]];
    need(api, api.createEnv(LOG_ERRORS, 'tinystar', environment));
    need(api, api.createMemoryInfo(1, 0, memory));
    return {
      library,
      api,
      version: String(version),
      environment: environment[0],
      memory: memory[0],
      run: pointers[RUN_PLACE] as bigint,
    };
  } catch (thrown) {
    throw new UserError(
      'GEMM',
      `${path} cannot be used for matrix products (${errorText(thrown)}); name another ONNX Runtime in TINYSTAR_GEMM, or none.`,
      { cause: thrown },
    );
  }
}

let loaded: { readonly runtime: Runtime | undefined } | undefined;

/** The library: TINYSTAR_GEMM's, or the package's where that can be used, as on a system of another C library it cannot. */
function runtime(): Runtime | undefined {
  if (loaded === undefined) {
    const named = process.env['TINYSTAR_GEMM'];
    const path = named === undefined || named === '' ? packagedLibrary() : named;
    try {
      loaded = { runtime: path === undefined ? undefined : load(path) };
    } catch (thrown) {
      if (path === named) throw thrown;
      loaded = { runtime: undefined };
    }
  }
  return loaded.runtime;
}

/** Title of the library; undefined where there is none. */
export function gemmTitle(): string | undefined {
  const version = runtime()?.version;
  return version === undefined ? undefined : `ONNX Runtime ${version}`;
}

// The few parts of onnx.proto that a model of one operator takes.
function varint(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low + 128, ...varint(Math.floor(value / 128))];
}
const integer = (field: number, value: number): number[] => [...varint(8 * field), ...varint(value)];
const bytes = (field: number, value: readonly number[]): number[] => [
  ...varint(8 * field + 2),
  ...varint(value.length),
  ...value,
];
const text = (field: number, value: string): number[] => bytes(field, [...Buffer.from(value)]);

/** A model that multiplies A, or its transpose, with B, or its; of any sizes. */
function modelOf(transposed: Gemm['transposed']): Buffer {
  const attribute = [
    ...text(1, transposed === 'a' ? 'transA' : 'transB'),
    ...integer(3, 1),
    ...integer(20, 2),
  ];
  const node = [
    ...text(1, 'A'),
    ...text(1, 'B'),
    ...text(2, 'C'),
    ...text(4, 'FusedMatMul'),
    ...(transposed === 'none' ? [] : bytes(5, attribute)),
    ...text(7, 'com.microsoft'),
  ];
  const value = (field: number, name: string): number[] => {
    const sizes = ['count', 'rows', 'columns'].flatMap((size) => bytes(1, text(2, `${name}_${size}`)));
    return bytes(field, [
      ...text(1, name),
      ...bytes(2, bytes(1, [...integer(1, FLOAT), ...bytes(2, sizes)])),
    ]);
  };
  const graph = [
    ...bytes(1, node),
    ...text(2, 'product'),
    ...value(11, 'A'),
    ...value(11, 'B'),
    ...value(12, 'C'),
  ];
  const operators = (domain: string, version: number): number[] =>
    bytes(8, [...text(1, domain), ...integer(2, version)]);
  return Buffer.from([
    ...integer(1, 8),
    ...operators('', 17),
    ...operators('com.microsoft', 1),
    ...bytes(7, graph),
  ]);
}

/** Address of what lies outside of the collected heap, and so stays where it is. */
export const addressOf = (bytes: NodeJS.ArrayBufferView): bigint =>
  BigInt(koffi.address(bytes) as bigint | number);

const NAMES = ['A', 'B', 'C'].map((name) => Buffer.from(`${name}\0`));
/** Lists of names as C takes them; the names are held with them, since a function's use of this keeps all of it in memory. */
const LISTS = {
  names: NAMES,
  inputs: BigUint64Array.from(NAMES.slice(0, 2), addressOf),
  output: BigUint64Array.from(NAMES.slice(2), addressOf),
};

/** Computes graphs of one device with products between their parts, on a thread of its own. */
export type GemmEngine = ReturnType<typeof gemmEngine>;

/** An engine of so many threads. Throws an error where there is no library; see `gemmTitle`. */
export function gemmEngine(base: string, backend: Pointer, threads: number) {
  const { api, environment, memory, run } = required(runtime(), 'ONNX Runtime');
  /** A session for each kind of product that was asked for; each has threads of its own. */
  const sessions = new Map<Gemm['transposed'], bigint>();
  const names = { inputNames: addressOf(LISTS.inputs), outputName: addressOf(LISTS.output) };
  const thread = startThread(import.meta.url, 'compute-thread', {
    workerData: { base, backend, run, ...names } satisfies ComputeData,
  });
  thread.unref();

  const sessionFor = (transposed: Gemm['transposed']): bigint => {
    const known = sessions.get(transposed);
    if (known !== undefined) return known;
    const [options, made]: [Out, Out] = [[null], [null]];
    need(api, api.createOptions(options));
    need(api, api.setThreads(options[0], threads));
    // Idle threads sleep: spinning, they would take the cores from ggml's.
    need(api, api.addConfig(options[0], 'session.intra_op.allow_spinning', '0'));
    const model = modelOf(transposed);
    need(api, api.createSession(environment, model, model.length, options[0], made));
    api.releaseOptions(options[0]);
    const session = made[0] as bigint;
    sessions.set(transposed, session);
    return session;
  };

  return {
    prepare({ transposed, a, b, out }: Gemm): PreparedGemm {
      const value = ({ data, count, rows, columns }: Matrices): bigint => {
        const made: Out = [null];
        const shape = BigInt64Array.of(BigInt(count), BigInt(rows), BigInt(columns));
        need(api, api.createTensor(memory, data, 4 * count * rows * columns, shape, 3, FLOAT, made));
        return made[0] as bigint;
      };
      const values = [value(a), value(b), value(out)] as const;
      return {
        step: [sessionFor(transposed), ...values],
        [Symbol.dispose]() {
          for (const each of values) api.releaseValue(each);
        },
      };
    },
    /** Computes a program, one at a time; resolves to ggml's status. */
    async run(program: Program): Promise<number> {
      const answer = once(thread, 'message') as Promise<[Computed]>;
      thread.ref();
      thread.postMessage(program);
      const [{ ggml, onnxruntime }] = await answer.finally(() => thread.unref());
      need(api, onnxruntime);
      return ggml;
    },
    [Symbol.dispose]() {
      void thread.terminate();
      for (const session of sessions.values()) api.releaseSession(session);
    },
  };
}
