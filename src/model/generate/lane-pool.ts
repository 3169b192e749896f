/** The lanes of a generator or a scorer: made when a call first needs so many, kept for the next call, freed together. */
import { InternalError } from '../../base/errors.ts';
import type { Device } from '../../ggml/device.ts';
import type { Qwen3Config } from '../arch/config.ts';
import { LaneDevices } from './lanes.ts';

/** What works on one device by itself. */
export interface Lane extends Disposable {
  /** Bytes of its caches and of its graphs' intermediates. */
  readonly bytes: number;
}

export class LanePool<L extends Lane> implements Disposable {
  readonly #device: Device;
  readonly #config: Qwen3Config;
  readonly #make: (device: Device) => L;
  readonly #owner: string;
  #devices: LaneDevices | undefined;
  #lanes: readonly L[] = [];
  #busy = false;

  /** `owner` names the pool in errors. */
  constructor(owner: string, device: Device, config: Qwen3Config, make: (device: Device) => L) {
    this.#owner = owner;
    this.#device = device;
    this.#config = config;
    this.#make = make;
  }

  /** Runs `body` with nothing else on the lanes; throws an InternalError when something is. */
  async *alone<T>(body: () => AsyncGenerator<T>): AsyncGenerator<T> {
    if (this.#busy) throw new InternalError(`${this.#owner}: one call at a time`);
    this.#busy = true;
    try {
      yield* body();
    } finally {
      this.#busy = false;
    }
  }

  /** `count` lanes: those of the last call, when there were as many. */
  reserve(count: number): readonly L[] {
    if (this.#lanes.length !== count) {
      this.#release();
      this.#devices = new LaneDevices(this.#device, this.#config, count);
      this.#lanes = this.#devices.devices.map((device) => this.#make(device));
    }
    return this.#lanes;
  }

  #release(): void {
    for (const lane of this.#lanes) lane[Symbol.dispose]();
    this.#lanes = [];
    this.#devices?.[Symbol.dispose]();
    this.#devices = undefined;
  }

  get bytes(): number {
    return this.#lanes.reduce((total, lane) => total + lane.bytes, 0);
  }

  [Symbol.dispose](): void {
    // The device may be reading what would be freed.
    if (this.#busy) throw new InternalError(`${this.#owner}: disposed in the middle of a call`);
    this.#release();
  }
}
