/** Devices: the CPU and whatever GPUs the installed engine package can reach. */
import { InternalError, UserError } from '../base/errors.ts';
import { type Library, openLibrary } from './library.ts';
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

/** All devices, as ggml lists them. */
export function listDevices(): readonly DeviceInfo[] {
  const lib = library();
  return Array.from({ length: lib.ggml.ggml_backend_dev_count() }, (_, index) => describe(lib, index));
}

/** An opened device: what graphs are allocated on and computed by. Close it (or use `using`) when done. */
export class Device {
  readonly info: DeviceInfo;
  readonly lib: Library;
  readonly backend: Pointer;
  readonly pointer: Pointer;
  readonly threads: number;
  #open = true;

  private constructor(lib: Library, info: DeviceInfo, threads: number) {
    this.lib = lib;
    this.info = info;
    this.pointer = lib.ggml.ggml_backend_dev_get(info.index);
    this.backend = lib.ggml.ggml_backend_dev_init(this.pointer, null);
    this.threads = threads;
    if (info.kind === 'cpu' && !lib.setThreads(this.backend, threads)) {
      throw new InternalError('the CPU backend has no ggml_backend_set_n_threads');
    }
  }

  /**
   * Opens a device. `which` is `cpu`, `gpu` (the first GPU) or a device's name; `threads` counts for the CPU.
   * Throws a UserError that lists the devices there are.
   */
  static open(which = 'cpu', threads = 2): Device {
    const devices = listDevices();
    const wanted = which.toLowerCase();
    const info = devices.find(
      (device) =>
        device.name.toLowerCase() === wanted ||
        device.kind === wanted ||
        (wanted === 'gpu' && device.kind === 'igpu'),
    );
    if (info === undefined) {
      const names = devices.map((device) => `${device.name} (${device.description})`).join(', ');
      throw new UserError('DEVICE', `There is no device "${which}" here; there are: ${names}.`);
    }
    return new Device(library(), info, threads);
  }

  /** Runs a graph off the event loop; throws when the device reports a failure. */
  async compute(graph: Pointer): Promise<void> {
    if (!this.#open) throw new InternalError('compute: the device is closed');
    const status = await this.lib.computeAsync(this.backend, graph);
    if (status !== 0)
      throw new UserError(
        'COMPUTE',
        `The device ${this.info.name} failed with status ${status}; see its messages above.`,
      );
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.lib.ggml.ggml_backend_free(this.backend);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
