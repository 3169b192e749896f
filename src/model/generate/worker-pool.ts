/** The workers of a generator or a scorer: made when a call first needs so many, kept for the next call, freed together. */
import { InternalError } from '../../base/errors.ts';
import type { Device } from '../../ggml/device.ts';
import type { ModelConfig } from '../arch/config.ts';
import { WorkerDevices } from './workers.ts';

/** What works on one device by itself. */
export interface Worker extends Disposable {
  /** Bytes of its caches and of its graphs' intermediates. */
  readonly bytes: number;
}

export class WorkerPool<W extends Worker> implements Disposable {
  readonly #device: Device;
  readonly #config: ModelConfig;
  readonly #make: (device: Device) => W;
  readonly #owner: string;
  #devices: WorkerDevices | undefined;
  #workers: readonly W[] = [];
  #busy = false;

  /** `owner` names the pool in errors. */
  constructor(owner: string, device: Device, config: ModelConfig, make: (device: Device) => W) {
    this.#owner = owner;
    this.#device = device;
    this.#config = config;
    this.#make = make;
  }

  /** Runs `body` with nothing else on the workers; throws an InternalError when something is. */
  async *alone<T>(body: () => AsyncGenerator<T>): AsyncGenerator<T> {
    if (this.#busy) throw new InternalError(`${this.#owner}: one call at a time`);
    this.#busy = true;
    try {
      yield* body();
    } finally {
      this.#busy = false;
    }
  }

  /** `count` workers: those of the last call, when there were as many. */
  reserve(count: number): readonly W[] {
    if (this.#workers.length !== count) {
      this.#release();
      this.#devices = new WorkerDevices(this.#device, this.#config, count);
      this.#workers = this.#devices.devices.map((device) => this.#make(device));
    }
    return this.#workers;
  }

  #release(): void {
    for (const worker of this.#workers) worker[Symbol.dispose]();
    this.#workers = [];
    this.#devices?.[Symbol.dispose]();
    this.#devices = undefined;
  }

  get bytes(): number {
    return this.#workers.reduce((total, worker) => total + worker.bytes, 0);
  }

  [Symbol.dispose](): void {
    // The device may be reading what would be freed.
    if (this.#busy) throw new InternalError(`${this.#owner}: disposed in the middle of a call`);
    this.#release();
  }
}
