/**
 * `npm run bench -- --products`: matrix products of the shapes that training has, by each way there is to compute them,
 * in turn, beside PyTorch's.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Rng } from '../src/base/rng.ts';
import { Device } from '../src/ggml/device.ts';
import { table } from '../packages/report/src/table.ts';
import { add, mulMat } from '../src/tensor/ops/index.ts';
import { Graph, write } from '../src/tensor/graph.ts';
import { ParameterSet } from '../src/tensor/parameters.ts';
import type { Ratio } from './compare.ts';
import { pythonWithTorch } from './peers/pytorch.ts';

/** w [k, m] by x [k, n], and which model has it. */
interface Shape {
  readonly of: string;
  readonly k: number;
  readonly m: number;
  readonly n: number;
}

export const SHAPES: readonly Shape[] = [
  { of: 'tiny, gate', k: 128, m: 384, n: 2048 },
  { of: 'tiny, down', k: 384, m: 128, n: 2048 },
  { of: 'tiny, one prompt', k: 2048, m: 384, n: 128 },
  { of: 'tiny, head', k: 128, m: 2048, n: 1024 },
  { of: 'SmolLM2-135M, gate', k: 576, m: 1536, n: 2048 },
  { of: 'Qwen3-0.6B, gate', k: 1024, m: 3072, n: 880 },
];
const REPETITIONS = 12;
/** Milliseconds for which products are repeated before the one that counts. */
const WARM_UP = 30;

/** Seconds of a product alone, and with the gradients of both operands, the weights' added to what is there. */
interface Seconds {
  readonly forward: number;
  readonly step: number;
}

interface Way extends Disposable {
  readonly name: string;
  run(shape: Shape): Promise<Seconds>;
}

type Kind = 'f32' | 'f16' | 'bf16';

class Product implements Disposable {
  readonly #weights: ParameterSet;
  readonly #forward: Graph;
  readonly #step: Graph;

  constructor(device: Device, { k, m, n }: Shape, dtype: Kind) {
    const rng = Rng.seeded(1);
    const values = (length: number): Float32Array => Float32Array.from({ length }, () => rng.uniform() - 0.5);
    const specs = [
      { name: 'w', shape: [k, m], dtype },
      { name: 'gradient', shape: [k, m] },
    ];
    this.#weights = new ParameterSet(device, specs, 'trainable');
    this.#weights.set('w', values(k * m));
    const graph = (backward: boolean): Graph => {
      const g = new Graph(device, 64);
      const x = g.input('f32', [k, n]);
      const y = mulMat(g, this.#weights.get('w'), { ...x, differentiable: true });
      g.output(y);
      const inputs = [x];
      if (backward) {
        const grad = g.input('f32', [m, n]);
        inputs.push(grad);
        g.tape.sink(this.#weights.get('w'), (part) => {
          const total = this.#weights.get('gradient');
          g.expand(g.constant(g.ggml.ggml_add_inplace(g.context, total.pointer, part.pointer), total.shape));
        });
        const [towardsX] = g.tape.backward([[y, grad]], [x], (a, b) => add(g, a, b));
        if (towardsX !== undefined) g.output(towardsX);
      }
      g.allocate();
      for (const input of inputs) write(device, input, values(input.shape.reduce((a, b) => a * b, 1)));
      return g;
    };
    [this.#forward, this.#step] = [graph(false), graph(true)];
  }

  async run(): Promise<Seconds> {
    const seconds = async (graph: Graph): Promise<number> => {
      const start = performance.now();
      await graph.compute();
      return (performance.now() - start) / 1000;
    };
    // Threads of another way may still be spinning, and this one's asleep.
    let result: Seconds;
    const start = performance.now();
    do result = { forward: await seconds(this.#forward), step: await seconds(this.#step) };
    while (performance.now() - start < WARM_UP);
    return result;
  }

  [Symbol.dispose](): void {
    this.#forward[Symbol.dispose]();
    this.#step[Symbol.dispose]();
    this.#weights[Symbol.dispose]();
  }
}

/** Products as this engine computes them, with or without another library. */
function own(dtype: Kind, threads: number, other = false): Way {
  const before = process.env['TINYSTAR_BLAS'];
  if (!other) process.env['TINYSTAR_BLAS'] = 'off';
  const device = Device.open('cpu', threads);
  if (before === undefined) delete process.env['TINYSTAR_BLAS'];
  else process.env['TINYSTAR_BLAS'] = before;
  let last: { readonly shape: Shape; readonly product: Product } | undefined;
  return {
    name: other ? device.title.replace(/.* by /, '') : `ggml ${dtype}`,
    run: (shape) => {
      if (last?.shape !== shape) {
        last?.product[Symbol.dispose]();
        last = { shape, product: new Product(device, shape, dtype) };
      }
      return last.product.run();
    },
    [Symbol.dispose]: () => {
      last?.product[Symbol.dispose]();
      device.close();
    },
  };
}

const hello = z.object({ version: z.string() });
const answer = z.object({ forward: z.number(), step: z.number() });

async function pytorch(python: string, threads: number): Promise<Way> {
  const child = spawn(python, [join(import.meta.dirname, 'peers', 'products.py'), String(threads)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? 'null');
  const { version } = hello.parse(await next());
  return {
    name: `PyTorch ${version}`,
    run: async ({ k, m, n }) => {
      child.stdin.write(`${JSON.stringify({ k, m, n })}\n`);
      return answer.parse(await next());
    },
    [Symbol.dispose]: () => void child.stdin.end(),
  };
}

/** GFLOP/s of each shape by each way, the best of the repetitions; returns how many times as fast the default is as PyTorch and ggml. */
export async function products(
  { threads, hasBlas }: Device,
  shapes: readonly Shape[] = SHAPES,
  kinds: readonly Kind[] = ['f32', 'f16', 'bf16'],
): Promise<Ratio[]> {
  const python = pythonWithTorch();
  const ways = [
    ...(hasBlas ? [own('f32', threads, true)] : []),
    ...kinds.map((kind) => own(kind, threads)),
    ...(python === undefined ? [] : [await pytorch(python, threads)]),
  ];
  const ratios: Ratio[] = [];
  const best = new Map<Shape, Seconds[]>();
  for (const shape of shapes) {
    const seconds = ways.map((): Seconds => ({ forward: Infinity, step: Infinity }));
    best.set(shape, seconds);
    for (let round = 0; round < REPETITIONS; round++)
      for (const [i, way] of ways.entries()) {
        const { forward, step } = await way.run(shape);
        const { forward: f = forward, step: s = step } = seconds[i] ?? {};
        seconds[i] = { forward: Math.min(f, forward), step: Math.min(s, step) };
      }
  }
  for (const [title, kind, passes] of [
    ['A product', 'forward', 1],
    ['A product and both gradients', 'step', 3],
  ] as const) {
    const rows = Array.from(best, ([{ of, k, m, n }, seconds]) => {
      const rates = seconds.map((own) => ((2 * passes * k * m * n) / own[kind] / 1e9).toFixed(0));
      for (const [i, { name }] of ways.entries())
        if (i > 0)
          ratios.push({
            name: `${title}, ${of}: default to ${name}`,
            ratio: (seconds[i]?.[kind] ?? Number.NaN) / (seconds[0]?.[kind] ?? Number.NaN),
          });
      return [of, `${k}, ${m}, ${n}`, ...rates];
    });
    console.log(`\n${title}, GFLOP/s, best of ${REPETITIONS}, ${threads} threads`);
    const head = ['', 'k, m, n', ...ways.map(({ name }) => name)];
    console.log(table([head, ...rows], ['left', 'left', ...ways.map(() => 'right' as const)]).trimEnd());
  }
  for (const way of ways) way[Symbol.dispose]();
  return ratios;
}
