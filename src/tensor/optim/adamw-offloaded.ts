/**
 * AdamW with its two moments in a file (after Rajbhandari et al., ZeRO-Infinity, arXiv 2104.07857): of an update, the
 * device holds no more than a part of them. Weights and gradients stay where they are. The numbers are those of AdamW
 * to the bit; what of the file the system's cache has room for stays in memory.
 */
import { join } from 'node:path';
import { temporaryName } from '../../base/files.ts';
import type { Device } from '../../ggml/device.ts';
import { FileTensors } from '../file-tensors.ts';
import { GradientNorm } from './gradient-norm.ts';
import { Graph, write } from '../graph.ts';
import { adamSettings, adamStep, type AdamWOptions, clipOf, type Optimizer } from './optimizer.ts';
import { ParameterSet, type ParameterSpec } from '../parameters.ts';
import { sizeOf, type Tensor } from '../tensor.ts';

/** A part is computed as a matrix of so many columns, as an operation's threads share rows. */
const COLUMNS = 1024;
const ROWS = 1024;
const PART = COLUMNS * ROWS;

/** Optimisers of this process so far: several may have their files in one folder. */
let made = 0;

/** Elements of a parameter from `start` on, which lie in a part from `at` on. */
interface Piece {
  readonly name: string;
  readonly start: number;
  readonly at: number;
  readonly count: number;
}

/** Elements that are updated at once: `count` from the file's element `start` on. */
interface Part {
  readonly start: number;
  readonly count: number;
  readonly pieces: readonly Piece[];
  readonly decayed: boolean;
}

/** Parts of all `specs` one after the other, the first of whose elements is the file's element `offset`. */
function partsOf(specs: readonly ParameterSpec[], offset: number, decayed: boolean): Part[] {
  const parts: { start: number; count: number; pieces: Piece[]; decayed: boolean }[] = [];
  let total = 0;
  for (const { name, shape } of specs) {
    const size = sizeOf(shape);
    for (let start = 0; start < size;) {
      const at = total % PART;
      if (at === 0) parts.push({ start: offset + total, count: 0, pieces: [], decayed });
      const count = Math.min(size - start, PART - at);
      const part = parts.at(-1);
      part?.pieces.push({ name, start, at, count });
      if (part !== undefined) part.count += count;
      start += count;
      total += count;
    }
  }
  return parts;
}

const MOMENTS = ['first', 'second'] as const;
/** Both moments of a part, in the process's own memory. */
const moments = () => ({ first: new Float32Array(PART), second: new Float32Array(PART) });
type Moments = ReturnType<typeof moments>;

export class OffloadedAdamW implements Optimizer {
  readonly gradients: ParameterSet;
  readonly first: FileTensors;
  readonly second: FileTensors;
  readonly #parameters: ParameterSet;
  readonly #options: AdamWOptions;
  readonly #parts: readonly Part[];
  readonly #norm: GradientNorm;
  /** Tensors that a part is computed in. */
  readonly #weight: ParameterSet;
  readonly #state: ParameterSet;
  readonly #graph: Graph;
  readonly #clip: Tensor;
  readonly #settings: Tensor;
  readonly #values = new Float32Array(PART);
  readonly #moments = [moments(), moments()] as const;
  steps = 0;

  /**
   * Keeps the moments in `folder`, as long as it is in use. `device` computes the steps: the parameters' own, or
   * another one that reaches the same memory.
   */
  constructor(parameters: ParameterSet, options: AdamWOptions, folder: string, device: Device) {
    this.#parameters = parameters;
    this.#options = options;
    const matrices = parameters.specs.filter(({ shape }) => shape.length > 1);
    const vectors = parameters.specs.filter(({ shape }) => shape.length <= 1);
    const decayed = matrices.reduce((total, { shape }) => total + sizeOf(shape), 0);
    this.#parts = [...partsOf(matrices, 0, true), ...partsOf(vectors, decayed, false)];
    this.gradients = new ParameterSet(parameters.device, parameters.specs, 'state');
    this.#norm = new GradientNorm(this.gradients, device);
    const shape = [COLUMNS, ROWS];
    this.#weight = new ParameterSet(device, [{ name: 'weight', shape }], 'trainable');
    const state = ['gradient', ...MOMENTS].map((name) => ({ name, shape }));
    this.#state = new ParameterSet(device, state, 'state');
    const g = new Graph(device, 64);
    this.#graph = g;
    this.#clip = g.input('f32', [COLUMNS]);
    this.#settings = g.input('f32', [7]);
    adamStep(g, {
      weight: this.#weight.get('weight'),
      gradient: this.#state.get('gradient'),
      clip: this.#clip,
      first: this.#state.get('first'),
      second: this.#state.get('second'),
      settings: this.#settings,
    });
    g.allocate();
    const specs = [...matrices, ...vectors];
    made += 1;
    const file = (name: string): FileTensors =>
      new FileTensors(temporaryName(join(folder, `adam-${made}.${name}`)), specs);
    this.first = file('first');
    this.second = file('second');
  }

  gradientNorm(): Promise<number> {
    return this.#norm.norm();
  }

  /** As of every optimiser; throws a UserError where the file cannot be used, some of the weights updated then. */
  async step(lr: number, norm: number): Promise<void> {
    this.steps += 1;
    const device = this.#graph.device;
    write(device, this.#clip, new Float32Array(COLUMNS).fill(clipOf(this.#options, norm)));
    const [now, next] = this.#moments;
    let [held, ahead] = [now, next];
    let coming = this.#fetch(0, held);
    try {
      for (const [i, part] of this.#parts.entries()) {
        await coming;
        // The next part is read while this one is computed; who waits for it is told of a failure.
        coming = this.#fetch(i + 1, ahead);
        coming.catch(() => undefined);
        const decay = part.decayed ? this.#options.weight_decay : 0;
        write(device, this.#settings, adamSettings(this.#options, lr, decay, this.steps));
        await this.#update(part, held);
        [held, ahead] = [ahead, held];
      }
    } finally {
      // Whatever failed, nothing goes on reading a file that may be closed next.
      await Promise.allSettled([coming]);
    }
    this.gradients.clear();
  }

  /** Reads the moments of the part number `index`, if there is one. */
  async #fetch(index: number, into: Moments): Promise<void> {
    const part = this.#parts[index];
    if (part === undefined) return;
    const { start, count } = part;
    for (const name of MOMENTS) await this[name].readRange(start, into[name].subarray(0, count));
  }

  async #update({ start, count, pieces }: Part, held: Moments): Promise<void> {
    const values = this.#values.subarray(0, count);
    const own = ({ at, count: length }: Piece): Float32Array => values.subarray(at, at + length);
    const gather = (from: ParameterSet): Float32Array => {
      for (const piece of pieces) from.readPart(piece.name, piece.start, own(piece));
      return values;
    };
    this.#weight.setPart('weight', 0, gather(this.#parameters));
    this.#state.setPart('gradient', 0, gather(this.gradients));
    for (const name of MOMENTS) this.#state.setPart(name, 0, held[name].subarray(0, count));
    await this.#graph.compute();
    this.#weight.readPart('weight', 0, values);
    for (const piece of pieces) this.#parameters.setPart(piece.name, piece.start, own(piece));
    for (const name of MOMENTS) this.#state.readPart(name, 0, held[name].subarray(0, count));
    for (const name of MOMENTS) await this[name].writeRange(start, held[name].subarray(0, count));
  }

  [Symbol.dispose](): void {
    for (const part of [this.#norm, this.#graph, this.gradients, this.#weight, this.#state])
      part[Symbol.dispose]();
    for (const name of MOMENTS) this[name][Symbol.dispose]();
  }
}
