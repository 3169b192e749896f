/**
 * Random programs of operations, to compare two ways of running the same graph. All intermediates have one of two
 * shapes, so that ggml may often put a result in the place of an operand whose last use it is.
 */
import type { Rng } from '../../src/base/rng.ts';
import type { Device } from '../../src/ggml/device.ts';
import { Graph, readF32, write } from '../../src/tensor/graph.ts';
import * as ops from '../../src/tensor/ops/index.ts';
import { sizeOf, type Tensor } from '../../src/tensor/tensor.ts';

const WIDTH = 8;
const HEADS = 2;
const ROWS = 6;
const SHAPE = [WIDTH, HEADS, ROWS];

interface Inputs {
  readonly x: readonly Tensor[];
  readonly weight: Tensor;
  readonly mask: Tensor;
  readonly positions: Tensor;
  readonly rows: Tensor;
  readonly ids: Tensor;
}

type Step = (g: Graph, a: Tensor, b: Tensor, inputs: Inputs) => Tensor;

const matrix = (g: Graph, a: Tensor): Tensor => ops.reshape(g, a, [WIDTH * HEADS, ROWS]);
const back = (g: Graph, a: Tensor): Tensor => ops.reshape(g, a, SHAPE);

/** Parts of a program, by operation; every kernel that ggml may run in place is among them. */
const STEPS: Readonly<Record<string, Step>> = {
  add: ops.add,
  sub: ops.sub,
  mul: ops.mul,
  div: (g, a, b) => ops.div(g, a, ops.scale(g, ops.square(g, b), 1, 0.5)),
  scale: (g, a) => ops.scale(g, a, -0.5, 0.25),
  exp: (g, a) => ops.exp(g, ops.clamp(g, a, -3, 1)),
  log: (g, a) => ops.log(g, ops.scale(g, ops.square(g, a), 1, 0.5)),
  abs: ops.abs,
  square: ops.square,
  relu: ops.relu,
  clamp: (g, a) => ops.clamp(g, a, -0.5, 0.75),
  softplus: ops.softplus,
  silu: ops.silu,
  minimum: ops.minimum,
  rmsNorm: (g, a, _, { weight }) => ops.rmsNorm(g, a, weight, 1e-6),
  softmax: (g, a, _, { mask }) => ops.softmax(g, a, mask, 0.5),
  // One head, so that the mask has the layout of what it masks, and is an intermediate itself.
  'softmax, a mask that is computed': (g, a, b) =>
    back(g, ops.softmax(g, matrix(g, a), matrix(g, ops.detach(b)), 1)),
  rope: (g, a, _, { positions }) => ops.rope(g, a, positions, 1e4),
  getRows: (g, a, _, { rows }) => back(g, ops.getRows(g, matrix(g, a), rows)),
  'gather and scatter': (g, a, b, { ids }) =>
    ops.add(g, back(g, ops.scatter(g, WIDTH * HEADS, ids, ops.gather(g, matrix(g, a), ids), 0.1)), b),
  transpose: (g, a) => back(g, ops.transpose(g, matrix(g, a))),
  permute: (g, a) => ops.reshape(g, ops.permute(g, a, [2, 0, 1, 3]), SHAPE),
  'slice and concat': (g, a, b) =>
    ops.concat(g, ops.slice(g, a, 2, 1, 2), ops.slice(g, b, 2, 0, ROWS - 2), 2),
  split: (g, a) => {
    const [head, tail] = ops.split(g, a, 1, 1);
    return ops.concat(g, tail, ops.exp(g, ops.clamp(g, head, -2, 1)), 1);
  },
  mulMat: (g, a, b) => {
    const scores = ops.mulMat(g, matrix(g, a), matrix(g, b));
    return back(g, ops.mulMat(g, ops.transpose(g, matrix(g, a)), scores));
  },
  'sumRows, repeated': (g, a, b) => ops.add(g, a, ops.sumRows(g, b)),
  'sumTo, repeated': (g, a, b) => ops.mul(g, a, ops.sumTo(g, b, [WIDTH])),
  'log-probabilities': (g, a, b, { ids }) =>
    ops.add(
      g,
      b,
      back(
        g,
        ops.scatter(
          g,
          WIDTH * HEADS,
          ids,
          ops.logProbabilitiesAt(g, ops.vocabularyRows(g, matrix(g, a)), ids),
        ),
      ),
    ),
};

export const STEP_NAMES: readonly string[] = Object.keys(STEPS);

/** A program: which step is applied to which earlier results. */
export type Program = readonly { readonly step: string; readonly a: number; readonly b: number }[];

export function randomProgram(rng: Rng, length: number): Program {
  return Array.from({ length }, (_, i) => ({
    step: rng.pick(STEP_NAMES),
    // Mostly what was computed last, whose last use this then is.
    a: i + 1 - (rng.chance(0.7) ? 0 : rng.below(i + 2)),
    b: rng.below(i + 2),
  }));
}

/**
 * Result and gradients of a program; `keepAll` runs it without using any memory twice. The graph is left
 * open in `keep` when that is given.
 */
export async function runProgram(
  device: Device,
  program: Program,
  values: Rng,
  keepAll: boolean,
  keep?: Disposable[],
): Promise<Record<string, Float32Array>> {
  const g = new Graph(device, 4096);
  using _ = keep === undefined ? g : null;
  keep?.push(g);
  const parameter = (shape: number[]): Tensor => ({ ...g.input('f32', shape), differentiable: true });
  const inputs: Inputs = {
    x: [parameter(SHAPE), parameter(SHAPE)],
    weight: parameter([WIDTH]),
    mask: g.input('f32', [WIDTH, HEADS, ROWS]),
    positions: g.input('i32', [ROWS]),
    rows: g.input('i32', [ROWS]),
    ids: g.input('i32', [3, ROWS]),
  };
  const results: Tensor[] = [...inputs.x];
  for (const { step, a, b } of program) {
    results.push(STEPS[step]!(g, results[a]!, results[b]!, inputs));
  }
  // Through a norm, so that no program overflows; the last result is an intermediate like any other.
  const last = ops.rmsNorm(g, results.at(-1)!, inputs.weight, 1e-3);
  const direction = g.input('f32', SHAPE);
  const loss = g.output(ops.sum(g, ops.mul(g, last, direction)));
  const wrt = [...inputs.x, inputs.weight];
  const grads = g.tape.backward([[loss, ops.full(g, [1], 1)]], wrt, (a, b) => ops.add(g, a, b));
  const outputs: Record<string, Tensor> = { loss };
  grads.forEach((grad, i) => {
    if (grad !== undefined) outputs[`gradient ${i}`] = g.output(ops.scale(g, grad, 1));
  });
  if (keepAll) g.keepAll();
  g.allocate();
  for (const tensor of [...wrt, inputs.mask, direction]) {
    write(
      device,
      tensor,
      Float32Array.from({ length: sizeOf(tensor.shape) }, () => values.normal()),
    );
  }
  const ints = (length: number, draw: (i: number) => number) =>
    Int32Array.from({ length }, (_, i) => draw(i));
  write(
    device,
    inputs.positions,
    ints(ROWS, () => values.below(100)),
  );
  write(
    device,
    inputs.rows,
    ints(ROWS, () => values.below(ROWS)),
  );
  write(
    device,
    inputs.ids,
    ints(3 * ROWS, (i) => 5 * (i % 3) + values.below(5)),
  );
  await g.compute();
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, readF32(device, t)]));
}
