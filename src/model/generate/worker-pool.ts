/**
 * The CPU's cores split into workers that work on different prompts and never wait for each other. ggml's threads meet
 * at a barrier after every small operation, spinning: cheap for large operations on idle cores, but the small ones
 * of generation gain little from it, and on a busy machine it costs a hundredfold (measured: from 14 ms a step to
 * over a second).
 */
import { InternalError } from '../../base/errors.ts';
import { merge } from '../../base/merge.ts';
import type { Device } from '../../ggml/device.ts';
import { type ModelConfig, weightCount } from '../arch/config.ts';
import { frozen, type ModelParts } from './next-token.ts';

/** koffi's calls run on Node's pool of four threads. */
const MAX_WORKERS = 4;
/** Below this many weights, a model stays in the cores' caches, and its operations are too small to share. */
const SMALL_MODEL = 8e6;
/** A large model is read from memory once for all rows of a worker: fewer would leave cores waiting for memory. */
const MIN_ROWS = 32;

/** Tells whether one thread a model is the fastest. */
export const small = (config: ModelConfig): boolean => weightCount(config) < SMALL_MODEL;

/** Number of workers that are worth it for so many independent prompts, with so many rows in all. */
export function workerCount(device: Device, config: ModelConfig, prompts: number, rows: number): number {
  if (device.info.kind !== 'cpu') return 1;
  const most = small(config) ? prompts : Math.min(prompts, Math.floor(rows / MIN_ROWS));
  return Math.max(1, Math.min(device.threads, MAX_WORKERS, most));
}

export type WorkerDevices = ReturnType<typeof workerDevices>;

/** A device for each worker: of one thread for a small model, otherwise with an equal share of the threads. */
export function workerDevices(device: Device, config: ModelConfig, count: number) {
  const threads = small(config) ? 1 : Math.floor(device.threads / count);
  const given = device.info.kind !== 'cpu' || (count === 1 && threads === device.threads);
  const own = given ? [] : Array.from({ length: count }, () => device.another(threads));
  return {
    devices: given ? [device] : own,
    [Symbol.dispose]() {
      for (const each of own) each.close();
    },
  };
}

export interface RunOptions {
  /** Its reason is thrown between two steps. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A worker, alone on its device. */
export interface Worker extends Disposable {
  /** Bytes of its caches and of its graphs' intermediates. */
  readonly bytes: number;
}

/** The workers of a generator or a scorer: made when a call first needs so many, kept for the next call, freed together. */
export class WorkerPool<W extends Worker> implements Disposable {
  readonly #model: ModelParts;
  readonly #make: (model: ModelParts) => W;
  readonly #owner: string;
  #devices: WorkerDevices | undefined;
  #workers: readonly W[] = [];
  #busy = false;

  /** `owner` names the pool in errors; a worker's weights have no gradients. */
  constructor(owner: string, model: ModelParts, make: (model: ModelParts) => W) {
    this.#owner = owner;
    this.#model = { ...model, weights: frozen(model.weights) };
    this.#make = make;
  }

  /** Runs what `starts` gives, one start a worker, and yields the `total` items as they come. Throws an InternalError in the middle of another call. */
  async *run<T>(
    starts: () => readonly ((stop: AbortSignal) => AsyncGenerator<T>)[],
    total: number,
    { signal, onProgress }: RunOptions,
  ): AsyncGenerator<T> {
    if (this.#busy) throw new InternalError(`${this.#owner}: one call at a time`);
    this.#busy = true;
    let done = 0;
    try {
      for await (const item of merge(starts(), signal)) {
        done += 1;
        onProgress?.(done, total);
        yield item;
      }
    } finally {
      this.#busy = false;
    }
  }

  /** As many workers as are worth it (see `workerCount`): those of the last call, when there were as many. */
  reserve(prompts: number, rows = Infinity): readonly W[] {
    const { device, config } = this.#model;
    const count = workerCount(device, config, prompts, rows);
    if (this.#workers.length !== count) {
      this.#release();
      this.#devices = workerDevices(device, config, count);
      this.#workers = this.#devices.devices.map((own) => this.#make({ ...this.#model, device: own }));
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

/** The items of a worker, when all are dealt out in turn. */
export const dealt = <T>(items: readonly T[], worker: number, workers: number): T[] =>
  items.filter((_, i) => i % workers === worker);
