/** Devices: the CPU and whatever GPUs the installed engine package can reach. */
import { errorText, InternalError, UserError } from '../base/errors.ts';
import { BLAS_DEVICE, blasAllowed, type BlasScheduler, blasScheduler } from './blas.ts';
import {
  boundNodes,
  type DividedGraph,
  dividedGraph,
  FallbackNotices,
  namedFallbacks,
} from './divided-graph.ts';
import { gpuInstallCommand } from './find.ts';
import { type GemmEngine, gemmEngine, gemmTitle } from './onnxruntime.ts';
import { isWorthIt, type PartedGraph, partedGraph, type ProductSize } from './parted-graph.ts';
import { Lifetime } from './handles.ts';
import { type Library, MAX_THREADS, openLibrary } from './library.ts';
import type { Pointer } from './signatures.ts';

/** ggml's device types, in the order of its enum. */
const DEVICE_KINDS = ['cpu', 'gpu', 'igpu', 'accel'] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number] | 'other';

export interface DeviceInfo {
  readonly index: number;
  readonly kind: DeviceKind;
  /** ggml's name, for example `CPU` or `Vulkan0`. */
  readonly name: string;
  readonly description: string;
  readonly memoryTotal: number;
  readonly memoryFree: number;
}

let backendsLoaded = false;

function library(): Library {
  const lib = openLibrary();
  if (!backendsLoaded) {
    // ggml's Vulkan backend rounds f32 products to f16 where it can, in which small gradients vanish. Its switch is
    // read when a device is first looked at, and counts when it is set at all.
    if (process.env['TINYSTAR_GPU_F16'] !== '1') process.env['GGML_VK_DISABLE_F16'] = '1';
    lib.quietly(() => lib.ggml.ggml_backend_load_all_from_path(lib.files.folder));
    backendsLoaded = true;
  }
  return lib;
}

function describe(lib: Library, index: number): DeviceInfo {
  const { ggml } = lib;
  const pointer = ggml.ggml_backend_dev_get(index);
  const free = new BigUint64Array(1);
  const total = new BigUint64Array(1);
  ggml.ggml_backend_dev_memory(pointer, free, total);
  return {
    index,
    kind: DEVICE_KINDS[ggml.ggml_backend_dev_type(pointer)] ?? 'other',
    name: ggml.ggml_backend_dev_name(pointer),
    description: ggml.ggml_backend_dev_description(pointer),
    memoryTotal: Number(total[0]),
    memoryFree: Number(free[0]),
  };
}

/** All devices, as ggml lists them; at least one. */
export function listDevices(): readonly DeviceInfo[] {
  const lib = library();
  const count = lib.ggml.ggml_backend_dev_count();
  if (count === 0) {
    throw new UserError(
      'ENGINE_DEVICES',
      `The engine in ${lib.files.folder} finds no processor that it can use; reinstall it with npm ci.`,
    );
  }
  return Array.from({ length: count }, (_, index) => describe(lib, index));
}

/** ggml's BLAS device, where its library is installed. */
function blasDevice({ ggml }: Library): Pointer | undefined {
  const indices = Array.from({ length: ggml.ggml_backend_dev_count() }, (_, i) => i);
  const devices = indices.map((i) => ggml.ggml_backend_dev_get(i));
  return devices.find((device) => ggml.ggml_backend_dev_name(device) === BLAS_DEVICE);
}

/** Bytes that a device would hold, where nothing is really allocated on it. */
export class MetaMemory {
  bytes = 0;
  /** The most so far. */
  peak = 0;

  /** Takes `bytes` more, or fewer if negative. */
  add(bytes: number): void {
    this.bytes += bytes;
    this.peak = Math.max(this.peak, this.bytes);
  }
}

/** An opened device: what graphs are allocated on and computed by. Close it (or use `using`) when done. */
export class Device implements Disposable {
  readonly info: DeviceInfo;
  readonly lib: Library;
  readonly pointer: Pointer;
  readonly threads: number;
  /** Set on a meta device: parameters and graphs get addresses there and no memory, and nothing can run. */
  readonly meta: MetaMemory | undefined;
  readonly #backend: Pointer;
  /** Tells whether large matrix products of the CPU go to another library, or would, on a meta device. */
  readonly hasBlas: boolean;
  readonly #hasGemm: boolean;
  /** Opened when first needed. */
  #gemm: GemmEngine | undefined;
  readonly #blas: BlasScheduler | undefined;
  readonly #namedFallbacks = namedFallbacks();
  /** A backend of the CPU for what the device lacks, opened when first needed. */
  #fallback: Pointer | undefined;
  /** Operations that the CPU computes in its place; shared with devices that were opened from this one. */
  readonly notices: FallbackNotices;
  readonly #endThreads: () => void;
  readonly #life = new Lifetime('device');
  /** Resolves when what was asked of the device so far is computed. */
  #idle: Promise<unknown> = Promise.resolve();

  private constructor(
    lib: Library,
    info: DeviceInfo,
    threads: number,
    backend: Pointer,
    notices: FallbackNotices,
    meta?: MetaMemory,
  ) {
    this.notices = notices;
    this.meta = meta;
    this.lib = lib;
    this.info = info;
    this.pointer = lib.ggml.ggml_backend_dev_get(info.index);
    this.#backend = backend;
    this.threads = threads;
    if (info.kind === 'cpu' && !lib.setThreads(this.backend, threads)) {
      throw new InternalError('the CPU backend has no ggml_backend_set_n_threads');
    }
    const computes = info.kind === 'cpu' && meta === undefined;
    this.#endThreads = computes ? lib.keepThreads(this.backend, threads) : () => undefined;
    const allowed = info.kind === 'cpu' && blasAllowed();
    this.#hasGemm = allowed && gemmTitle() !== undefined;
    const blas = allowed && !this.#hasGemm ? blasDevice(lib) : undefined;
    this.hasBlas = this.#hasGemm || blas !== undefined;
    if (blas !== undefined && meta === undefined) this.#blas = blasScheduler(lib, blas, backend, threads);
  }

  /**
   * Opens a device. `which` is `cpu`, `gpu` (the first GPU) or a device's name; `threads` counts for the CPU.
   * Throws a UserError that lists the devices there are.
   */
  static open(which = 'cpu', threads = 2): Device {
    return Device.#open(which, threads);
  }

  /** A device that everything can be built on, to learn how much memory it takes; see `meta`. */
  static meta(which = 'cpu', threads = 2): Device {
    return Device.#open(which, threads, new MetaMemory());
  }

  /** The same device opened once more, with other threads. */
  another(threads: number): Device {
    return Device.#open(this.info.name, threads, this.meta, this.notices);
  }

  static #open(which: string, threads: number, meta?: MetaMemory, notices = new FallbackNotices()): Device {
    if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
      throw new UserError('THREADS', `The number of threads must be 1 to ${MAX_THREADS}, not ${threads}.`);
    }
    const devices = listDevices();
    const wanted = which.toLowerCase();
    const info = devices.find(
      (device) =>
        device.name.toLowerCase() === wanted ||
        device.kind === wanted ||
        (wanted === 'gpu' && device.kind === 'igpu'),
    );
    if (info === undefined) throw noSuchDevice(which, devices);
    const lib = library();
    let backend: Pointer;
    try {
      backend = lib.ggml.ggml_backend_dev_init(lib.ggml.ggml_backend_dev_get(info.index), null);
    } catch (thrown) {
      throw new UserError(
        'DEVICE',
        `The device ${info.name} (${info.description}) could not be opened: ${errorText(thrown)}; choose another with --device cpu.`,
      );
    }
    return new Device(lib, info, threads, backend, notices, meta);
  }

  /** Its name, and what computes beside it. */
  get title(): string {
    const other = this.#hasGemm ? gemmTitle() : this.#blas?.title;
    return other === undefined ? this.info.name : `${this.info.name}, large products by ${other}`;
  }

  /** The native backend. Throws when the device is closed. */
  get backend(): Pointer {
    this.#life.need('device');
    return this.#backend;
  }

  /** Tells whether the device computes an operation; what TINYSTAR_FALLBACK names counts as lacking. */
  supports(node: Pointer): boolean {
    const { ggml } = this.lib;
    if (!ggml.ggml_backend_dev_supports_op(this.pointer, node)) return false;
    return this.#namedFallbacks.size === 0 || !this.#namedFallbacks.has(ggml.ggml_op_desc(node));
  }

  /** Tells whether it may lack something that this program needs: the CPU has all, unless TINYSTAR_FALLBACK says otherwise. */
  get mayLack(): boolean {
    return this.info.kind !== 'cpu' || this.#namedFallbacks.size > 0;
  }

  /** Nodes among those that the device lacks that nobody can compute in its place: see `boundNodes`. */
  irreplaceable(lacking: ReadonlySet<Pointer>): readonly Pointer[] {
    const { ggml } = this.lib;
    const missing = [...lacking].filter((node) => !ggml.ggml_backend_dev_supports_op(this.pointer, node));
    return this.info.kind === 'cpu' && missing.length > 0 ? missing : boundNodes(this.lib, lacking);
  }

  /**
   * Allocates a graph so that the CPU computes those nodes that the device lacks, none of them irreplaceable. Throws a
   * UserError for want of memory.
   */
  divide(graph: Pointer, nodes: readonly Pointer[], lacking: ReadonlySet<Pointer>): DividedGraph {
    const { backend, lib } = this;
    const divided = dividedGraph(lib, { device: backend, cpu: this.#cpu(), graph, nodes, lacking });
    if (divided === undefined) throw tooLittleMemory(this);
    return divided;
  }

  /** Tells whether another library computes a product of f32 matrices of this size, however it is written: transposed or not. */
  gives(size: ProductSize): boolean {
    return this.#hasGemm && isWorthIt(size);
  }

  /** Parts an allocated graph so that another library computes its large products; undefined where there is none of either. */
  part(nodes: readonly Pointer[]): PartedGraph | undefined {
    if (!this.#hasGemm || this.meta !== undefined) return undefined;
    const engine = (): GemmEngine =>
      (this.#gemm ??= gemmEngine(this.lib.files.base, this.#backend, this.threads));
    return partedGraph(this.lib, engine, nodes);
  }

  #cpu(): Pointer {
    const { ggml } = this.lib;
    const cpu = listDevices().find(({ kind }) => kind === 'cpu');
    if (cpu === undefined) throw new InternalError('no CPU to fall back to');
    this.#fallback ??= ggml.ggml_backend_dev_init(ggml.ggml_backend_dev_get(cpu.index), null);
    this.lib.setThreads(this.#fallback, this.threads);
    return this.#fallback;
  }

  /**
   * Runs a graph off the event loop; throws when the device reports a failure. Graphs run one after another: a
   * backend has one scratch buffer, which two at once would fight over.
   */
  async compute(graph: Pointer, divided?: PartedGraph): Promise<void> {
    const { backend } = this;
    if (this.meta !== undefined) throw new InternalError('compute: nothing runs on a meta device');
    const run = this.#idle.then(async () => {
      const status = await (divided?.compute() ??
        this.#blas?.compute(graph) ??
        this.lib.computeAsync(backend, graph));
      if (status !== 0)
        throw new UserError(
          'COMPUTE',
          `The device ${this.info.name} failed with status ${status}; see its messages above.`,
        );
    });
    this.#idle = run.catch(() => undefined);
    return run;
  }

  /** Closes the device once what it computes is done. */
  close(): void {
    if (!this.#life.end()) return;
    void this.#idle.then(() => {
      this.#gemm?.[Symbol.dispose]();
      this.#blas?.close();
      if (this.#fallback !== undefined) this.lib.ggml.ggml_backend_free(this.#fallback);
      this.lib.ggml.ggml_backend_free(this.#backend);
      this.#endThreads();
    });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Error for a graph that does not fit. */
export function tooLittleMemory({ info }: Pick<Device, 'info'>): UserError {
  return new UserError(
    'MEMORY',
    `The device ${info.name} has too little memory for this batch; use a smaller micro_train_batch_size.`,
  );
}

function noSuchDevice(which: string, devices: readonly DeviceInfo[]): UserError {
  const names = devices.map((device) => `${device.name} (${device.description})`).join(', ');
  const command = which.toLowerCase() === 'gpu' ? gpuInstallCommand() : undefined;
  const hint = command === undefined ? '' : ` To use a GPU, run: ${command}.`;
  return new UserError('DEVICE', `There is no device "${which}" here; there are: ${names}.${hint}`);
}
