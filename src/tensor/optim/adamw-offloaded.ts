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
import { sizeOf } from '../tensor.ts';

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
type Moments<Of> = Readonly<Record<(typeof MOMENTS)[number], Of>>;

/**
 * AdamW with its moments in files in `folder`, as long as it is in use. `device` computes the steps: the parameters' own, or
 * another one that reaches the same memory.
 */
export function offloadedAdamW(
  parameters: ParameterSet,
  options: AdamWOptions,
  folder: string,
  device: Device,
): Optimizer & Moments<FileTensors> {
  const matrices = parameters.specs.filter(({ shape }) => shape.length > 1);
  const vectors = parameters.specs.filter(({ shape }) => shape.length <= 1);
  const decayed = matrices.reduce((total, { shape }) => total + sizeOf(shape), 0);
  const parts = [...partsOf(matrices, 0, true), ...partsOf(vectors, decayed, false)];
  const gradients = new ParameterSet(parameters.device, parameters.specs, 'state');
  const gradientNorm = new GradientNorm(gradients, device);
  // Tensors that a part is computed in.
  const shape = [COLUMNS, ROWS];
  const weight = new ParameterSet(device, [{ name: 'weight', shape }], 'trainable');
  const state = new ParameterSet(
    device,
    ['gradient', ...MOMENTS].map((name) => ({ name, shape })),
    'state',
  );
  const g = new Graph(device, 64);
  const [clip, settings] = [g.input('f32', [COLUMNS]), g.input('f32', [7])];
  adamStep(g, {
    weight: weight.get('weight'),
    gradient: state.get('gradient'),
    clip,
    first: state.get('first'),
    second: state.get('second'),
    settings,
  });
  g.allocate();
  made += 1;
  const file = (name: string): FileTensors =>
    new FileTensors(temporaryName(join(folder, `adam-${made}.${name}`)), [...matrices, ...vectors]);
  const files = { first: file('first'), second: file('second') };
  const partValues = new Float32Array(PART);
  const room = () => ({ first: new Float32Array(PART), second: new Float32Array(PART) });
  const [now, next] = [room(), room()];

  /** Reads the moments of the part number `index`, if there is one. */
  const fetch = async (index: number, into: Moments<Float32Array>): Promise<void> => {
    const part = parts[index];
    if (part === undefined) return;
    const { start, count } = part;
    for (const name of MOMENTS) await files[name].readRange(start, into[name].subarray(0, count));
  };

  const update = async ({ start, count, pieces }: Part, held: Moments<Float32Array>): Promise<void> => {
    const values = partValues.subarray(0, count);
    const own = ({ at, count: length }: Piece): Float32Array => values.subarray(at, at + length);
    const gather = (from: ParameterSet): Float32Array => {
      for (const piece of pieces) from.readPart(piece.name, piece.start, own(piece));
      return values;
    };
    weight.setPart('weight', 0, gather(parameters));
    state.setPart('gradient', 0, gather(gradients));
    for (const name of MOMENTS) state.setPart(name, 0, held[name].subarray(0, count));
    await g.compute();
    weight.readPart('weight', 0, values);
    for (const piece of pieces) parameters.setPart(piece.name, piece.start, own(piece));
    for (const name of MOMENTS) state.readPart(name, 0, held[name].subarray(0, count));
    for (const name of MOMENTS) await files[name].writeRange(start, held[name].subarray(0, count));
  };

  return {
    gradients,
    ...files,
    steps: 0,
    gradientNorm: () => gradientNorm.norm(),
    /** As of every optimiser; throws a UserError where the file cannot be used, some of the weights updated then. */
    async step(lr: number, norm: number): Promise<void> {
      this.steps += 1;
      write(device, clip, new Float32Array(COLUMNS).fill(clipOf(options, norm)));
      let [held, ahead] = [now, next];
      let coming = fetch(0, held);
      try {
        for (const [i, part] of parts.entries()) {
          await coming;
          // The next part is read while this one is computed; who waits for it is told of a failure.
          coming = fetch(i + 1, ahead);
          coming.catch(() => undefined);
          const decay = part.decayed ? options.weight_decay : 0;
          write(device, settings, adamSettings(options, lr, decay, this.steps));
          await update(part, held);
          [held, ahead] = [ahead, held];
        }
      } finally {
        // Whatever failed, nothing goes on reading a file that may be closed next.
        await Promise.allSettled([coming]);
      }
      gradients.clear();
    },
    [Symbol.dispose]() {
      for (const part of [gradientNorm, g, gradients, weight, state, files.first, files.second])
        part[Symbol.dispose]();
    },
  };
}
