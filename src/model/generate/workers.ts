/**
 * The CPU's cores split into workers that work on different prompts and never wait for each other. ggml's threads meet
 * at a barrier after every small operation, spinning: cheap for large operations on idle cores, but the small ones
 * of generation gain little from it, and on a busy machine it costs a hundredfold (measured: from 14 ms a step to
 * over a second).
 */
import type { Device } from '../../ggml/device.ts';
import { type ModelConfig, weightCount } from '../arch/config.ts';

/** koffi's calls run on Node's pool of four threads. */
const MAX_WORKERS = 4;
/** Below this many weights, a model stays in the cores' caches, and its operations are too small to share. */
const SMALL_MODEL = 8e6;
/** A large model is read from memory once for all rows of a worker: fewer would leave cores waiting for memory. */
const MIN_ROWS = 32;

/** Tells whether one thread a model is the fastest. */
export const small = (config: ModelConfig): boolean => weightCount(config) < SMALL_MODEL;

/** How many workers are worth it for so many independent prompts, with so many rows in all. */
export function workerCount(device: Device, config: ModelConfig, prompts: number, rows: number): number {
  if (device.info.kind !== 'cpu') return 1;
  const most = small(config) ? prompts : Math.min(prompts, Math.floor(rows / MIN_ROWS));
  return Math.max(1, Math.min(device.threads, MAX_WORKERS, most));
}

/** A device for each worker: of one thread for a small model, otherwise with an equal share of the threads. */
export class WorkerDevices implements Disposable {
  readonly devices: readonly Device[];
  readonly #own: readonly Device[];

  constructor(device: Device, config: ModelConfig, count: number) {
    const { kind } = device.info;
    const threads = small(config) ? 1 : Math.floor(device.threads / count);
    const given = kind !== 'cpu' || (count === 1 && threads === device.threads);
    this.#own = given ? [] : Array.from({ length: count }, () => device.another(threads));
    this.devices = given ? [device] : this.#own;
  }

  [Symbol.dispose](): void {
    for (const device of this.#own) device.close();
  }
}
