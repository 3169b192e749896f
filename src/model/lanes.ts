/**
 * The CPU's cores split into lanes that work on different prompts and never wait for each other. ggml's threads meet
 * at a barrier after every small operation, spinning: cheap for large operations on idle cores, but the small ones
 * of generation gain little from it, and on a busy machine it costs a hundredfold (measured: from 14 ms a step to
 * over a second).
 */
import { Device } from '../ggml/device.ts';
import type { Qwen3Config } from './config.ts';

/** koffi's calls run on Node's pool of four threads. */
const MAX_LANES = 4;
/** Below this many weights, a model stays in the cores' caches, and lanes can have few rows. */
const SMALL_MODEL = 8e6;
/** A large model is read from memory once for all rows of a lane: fewer would leave cores waiting for memory. */
const MIN_ROWS = 32;

function weightCount(config: Qwen3Config): number {
  const { hiddenSize: d, headDim, heads, kvHeads, intermediateSize: ff } = config;
  return config.layers * d * (2 * headDim * (heads + kvHeads) + 3 * ff) + d * config.vocabSize;
}

/** How many lanes are worth it for so many independent prompts, with so many rows in all. */
export function laneCount(device: Device, config: Qwen3Config, prompts: number, rows: number): number {
  if (device.info.kind !== 'cpu') return 1;
  const most = weightCount(config) < SMALL_MODEL ? prompts : Math.min(prompts, Math.floor(rows / MIN_ROWS));
  return Math.max(1, Math.min(device.threads, MAX_LANES, most));
}

/** A device for each lane, with an equal share of the threads; the given one itself when there is one lane. */
export class LaneDevices implements Disposable {
  readonly devices: readonly Device[];
  readonly #own: readonly Device[];

  constructor(device: Device, count: number) {
    const threads = Math.floor(device.threads / count);
    this.#own =
      count === 1 ? [] : Array.from({ length: count }, () => Device.open(device.info.name, threads));
    this.devices = count === 1 ? [device] : this.#own;
  }

  [Symbol.dispose](): void {
    for (const device of this.#own) device.close();
  }
}
