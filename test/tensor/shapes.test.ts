/**
 * No operand may reach one of ggml's assertions, which end the process: for random shapes and dtypes every
 * operation either throws an error that names it, or gives a graph that allocates and runs, forward and backward.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Device } from '../../src/ggml/device.ts';
import { Graph, write } from '../../src/tensor/graph.ts';
import * as ops from '../../src/tensor/ops/index.ts';
import {
  BYTES,
  type DType,
  DTYPES,
  type Shape,
  ShapeError,
  sizeOf,
  type Tensor,
} from '../../src/tensor/tensor.ts';

const device = Device.open('cpu', 1);
afterAll(() => device.close());

/** Parts of a random case; each operation takes of it what it needs. */
interface Draw {
  readonly shapes: readonly [Shape, Shape];
  readonly dtypes: readonly [DType, DType];
  readonly axes: readonly number[];
  readonly ints: readonly [number, number, number];
  readonly real: number;
  readonly target: Shape;
}

interface Operands {
  readonly a: Tensor;
  readonly b: Tensor;
  /** An i32 input of the second shape. */
  readonly ids: Tensor;
  readonly draw: Draw;
}

type Apply = (g: Graph, operands: Operands) => readonly Tensor[];

const unary =
  (op: (g: Graph, a: Tensor) => Tensor): Apply =>
  (g, { a }) => [op(g, a)];
const binary =
  (op: (g: Graph, a: Tensor, b: Tensor) => Tensor): Apply =>
  (g, { a, b }) => [op(g, a, b)];
const axesOf = (axes: readonly number[]) => axes as unknown as readonly [number, number, number, number];

/** Every exported operation; the compiler and a test below see to it that none is forgotten. */
const operations: Record<keyof typeof ops, Apply> = {
  abs: unary(ops.abs),
  add: binary(ops.add),
  addInto: (g, { a, b, draw }) => [ops.addInto(g, a, b, draw.ints[0])],
  clamp: (g, { a, draw }) => [ops.clamp(g, a, draw.real, draw.real + draw.ints[0])],
  concat: (g, { a, b, draw }) => [ops.concat(g, a, b, draw.ints[0])],
  detach: (_, { a }) => [ops.detach(a)],
  div: binary(ops.div),
  entropyAt: (g, { a }) => [ops.entropyAt(g, ops.vocabularyRows(g, a))],
  exp: unary(ops.exp),
  full: (g, { draw }) => [ops.full(g, draw.target, draw.real)],
  gather: (g, { a, ids }) => [ops.gather(g, a, ids)],
  geluTanh: unary(ops.geluTanh),
  getRows: (g, { a, ids }) => [ops.getRows(g, a, ids)],
  log: unary(ops.log),
  logProbabilitiesAt: (g, { a, ids }) => [ops.logProbabilitiesAt(g, ops.vocabularyRows(g, a), ids)],
  minimum: binary(ops.minimum),
  mul: binary(ops.mul),
  mulMat: binary(ops.mulMat),
  pad: (g, { a, draw }) => [ops.pad(g, a, draw.ints[0], draw.ints[1])],
  permute: (g, { a, draw }) => [ops.permute(g, a, axesOf(draw.axes))],
  relu: unary(ops.relu),
  repeat: (g, { a, draw }) => [ops.repeat(g, a, draw.target)],
  reshape: (g, { a, draw }) => [ops.reshape(g, a, draw.target)],
  rmsNorm: (g, { a, b, draw }) => [ops.rmsNorm(g, a, b, draw.real)],
  rope: (g, { a, ids, draw }) => [ops.rope(g, a, ids, draw.real)],
  scale: (g, { a, draw }) => [ops.scale(g, a, draw.real, draw.ints[0])],
  scatter: (g, { b, ids, draw }) => [ops.scatter(g, draw.ints[1], ids, b, draw.real)],
  silu: unary(ops.silu),
  slice: (g, { a, draw }) => [ops.slice(g, a, ...draw.ints)],
  softmax: (g, { a, b, draw }) => [ops.softmax(g, a, b, draw.real)],
  softplus: unary(ops.softplus),
  split: (g, { a, draw }) => ops.split(g, a, draw.ints[0], draw.ints[1]),
  square: unary(ops.square),
  step: unary(ops.step),
  sub: binary(ops.sub),
  sum: unary(ops.sum),
  sumRows: unary(ops.sumRows),
  sumTo: (g, { a, draw }) => [ops.sumTo(g, a, draw.target)],
  topK: (g, { a, draw }) => [ops.topK(g, a, draw.ints[0])],
  transpose: unary(ops.transpose),
  weightedSums: (g, { a, b, draw }) =>
    ops.weightedSums(g, a, a, draw.real, [
      { values: a, start: 0 },
      { values: b, start: draw.ints[0] },
    ]),
  vocabularyRows: (g, { a }) => Object.values(ops.vocabularyRows(g, a)) as Tensor[],
};

/** Operations that take any operand there is. */
const TAKES_ANYTHING = new Set(['detach', 'transpose']);

const dimension = fc.constantFrom(1, 2, 3, 4, 6, 8, 64);
const shape: fc.Arbitrary<Shape> = fc
  .array(dimension, { minLength: 1, maxLength: 4 })
  .filter((dims) => sizeOf(dims) <= 20_000);
/** Shapes near `of`: mostly ones that fit it in some way, so that both outcomes are drawn often. */
const near = (of: Shape): fc.Arbitrary<Shape> =>
  fc.oneof(
    fc.constant(of),
    fc.constant(of.slice(0, 1)),
    fc.constant(of.slice(0, 2)),
    fc.constant(of.slice(1, 2).concat(1).slice(0, 1)),
    fc.constant(of.slice(2, 3).concat(1).slice(0, 1)),
    fc.constant([of[0]!, ...of.slice(1).map((n, i) => (i === 1 ? 1 : n))]),
    fc.constant([of[0]!, 3, ...of.slice(2)]),
    fc.constant([3, ...of.slice(1)]),
    fc.constant(of.map((n, i) => (i === 1 ? n * 2 : n))),
    fc.constant([sizeOf(of)]),
    fc.constant([of.slice(0, 2).reduce((x, y) => x * y), ...of.slice(2)]),
    shape,
  );
/** Also what is no shape at all. */
const anyShape = (of: Shape): fc.Arbitrary<Shape> =>
  fc.oneof(
    { weight: 9, arbitrary: near(of) },
    fc.constantFrom([], [0], [-2, 2], [1.5], [NaN], [1, 1, 1, 1, 2], [2 ** 53]),
  );
const dtype = fc.oneof(
  { weight: 8, arbitrary: fc.constant('f32' as const) },
  fc.constantFrom(...(Object.keys(DTYPES) as DType[])),
);
const int = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 3 }) },
  fc.constantFrom(-1, 4, 5, 8, 64, 0.5, NaN, Infinity),
);
const draw: fc.Arbitrary<Draw> = shape.chain((first) =>
  fc.record({
    shapes: near(first).map((second) => [first, second] as const),
    dtypes: fc.tuple(dtype, dtype),
    axes: fc.oneof(
      fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
      fc.array(fc.integer({ min: -1, max: 4 }), { minLength: 3, maxLength: 5 }),
    ),
    ints: fc.tuple(int, int, int),
    real: fc.oneof(fc.constantFrom(0, 1e-6, 1, 1e4, -1, NaN, Infinity), fc.double({ min: -3, max: 3 })),
    target: anyShape(first),
  }),
);

function fill(tensor: Tensor, rng: Rng): void {
  const size = sizeOf(tensor.shape);
  if (tensor.dtype === 'f32') {
    const odd = rng.chance(0.1);
    write(
      device,
      tensor,
      Float32Array.from({ length: size }, () =>
        odd ? rng.pick([0, NaN, Infinity, -Infinity]) : rng.normal(),
      ),
    );
  } else if (tensor.dtype === 'i32') {
    // The largest ids that the graph allows; distinct ones where it wants them so.
    const { below, width } = tensor.ids!;
    const top = below === Infinity ? 5000 : below;
    write(
      device,
      tensor,
      Int32Array.from({ length: size }, (_, i) => top - 1 - (i % Math.min(width, top))),
    );
  } else {
    write(device, tensor, new Uint16Array(size).fill(0x3c00));
  }
}

/** Builds, allocates and runs one case. Answers whether the operation took its operands. */
async function attempt(name: string, apply: Apply, drawn: Draw): Promise<boolean> {
  using g = new Graph(device, 512);
  const operand = (i: 0 | 1): Tensor => {
    const tensor = g.input(drawn.dtypes[i], drawn.shapes[i]);
    return tensor.dtype === 'f32' ? { ...tensor, differentiable: true } : tensor;
  };
  const [a, b, ids] = [operand(0), operand(1), g.input('i32', drawn.shapes[1])];
  let results: readonly Tensor[];
  try {
    results = apply(g, { a, b, ids, draw: drawn });
  } catch (error) {
    const named = ['logProbabilitiesAt', 'entropyAt'].includes(name)
      ? /^(vocabularyRows|gather): /
      : new RegExp(`^${name}: `);
    if ((error instanceof ShapeError || error instanceof RangeError) && named.test(error.message))
      return false;
    throw error;
  }
  const one = ops.full(g, [1], 1);
  const differentiable = results.filter((t) => t.differentiable);
  const scalar = differentiable
    .map((t) => ops.sum(g, t))
    .reduce<Tensor | undefined>((x, y) => (x ? ops.add(g, x, y) : y), undefined);
  const grads =
    scalar === undefined ? [] : g.tape.backward([[scalar, one]], [a, b], (x, y) => ops.add(g, x, y));
  for (const [i, grad] of grads.entries()) {
    const of = [a, b][i]!;
    expect(sizeOf((grad ?? of).shape), `gradient ${i} of ${name}`).toBe(sizeOf(of.shape));
    if (grad !== undefined) g.output(grad);
  }
  for (const result of results) {
    if (result !== a) g.output(result);
    // Our words on a tensor are those of ggml's allocation.
    expect(g.ggml.ggml_nbytes(result.pointer), `${name}: ${result.dtype}[${result.shape.join()}]`).toBe(
      sizeOf(result.shape) * BYTES[result.dtype],
    );
  }
  g.allocate();
  const rng = Rng.seeded(3);
  for (const tensor of [a, b, ids]) fill(tensor, rng);
  await g.compute();
  return true;
}

describe('every operation checks its operands', () => {
  it('none is missing here', () => {
    expect(Object.keys(operations).toSorted()).toEqual(Object.keys(ops).toSorted());
  });

  for (const [name, apply] of Object.entries(operations)) {
    it(name, async () => {
      let [taken, refused] = [0, 0];
      await fc.assert(
        fc.asyncProperty(draw, async (drawn) => {
          if (await attempt(name, apply, drawn)) taken += 1;
          else refused += 1;
        }),
        { numRuns: 300, seed: 11 },
      );
      // Otherwise the property would hold for nothing.
      expect(taken, 'cases that ran').toBeGreaterThan(3);
      expect(TAKES_ANYTHING.has(name) || refused > 3, `${refused} cases were refused`).toBe(true);
    });
  }
});

describe('what the errors say', () => {
  const message = (act: (g: Graph, input: (shape: Shape, dtype?: DType) => Tensor) => unknown): string => {
    using g = new Graph(device, 64);
    try {
      act(g, (dims, type = 'f32') => g.input(type, dims));
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('nothing was thrown');
  };

  it('names the operation, the rule and both shapes', () => {
    expect(message((g, x) => ops.add(g, x([3, 4]), x([5])))).toMatchInlineSnapshot(
      `"add: the second shape must repeat into the first, got f32[3, 4] and f32[5]"`,
    );
    expect(message((g, x) => ops.mulMat(g, x([3, 4]), x([4, 3])))).toMatchInlineSnapshot(
      `"mulMat: needs [K, M, ...] and f32 [K, N, ...] with equal K and outer dimensions, got f32[3, 4] and f32[4, 3]"`,
    );
    expect(message((g, x) => ops.mul(g, x([3, 4]), x([3, 4], 'f16')))).toMatchInlineSnapshot(
      `"mul: needs f32 operands, got f32[3, 4] and f16[3, 4]"`,
    );
    expect(message((g, x) => ops.rmsNorm(g, x([8, 2]), x([2]), 1e-6))).toMatchInlineSnapshot(
      `"rmsNorm: the weight must be as long as a row of x, got f32[8, 2] and f32[2]"`,
    );
    expect(message((g, x) => ops.softmax(g, x([4, 2]), x([4, 3]), 1))).toMatchInlineSnapshot(
      `"softmax: the mask must repeat into x, got f32[4, 2] and f32[4, 3]"`,
    );
    expect(message((g, x) => ops.rope(g, x([7, 2, 3]), x([3], 'i32'), 1e4))).toMatchInlineSnapshot(
      `"rope: needs f32 [even size, heads, tokens] and i32 [tokens], got f32[7, 2, 3] and i32[3]"`,
    );
    expect(message((g, x) => ops.getRows(g, x([4, 9]), x([2, 2], 'i32')))).toMatchInlineSnapshot(
      `"getRows: needs a table [d, n] and i32 ids [r], got f32[4, 9] and i32[2, 2]"`,
    );
    expect(message((g, x) => ops.reshape(g, x([4, 9]), [5, 7]))).toMatchInlineSnapshot(
      `"reshape: needs the element count of [5, 7], got f32[4, 9]"`,
    );
    expect(message((g, x) => ops.slice(g, x([4, 9]), 1, 3, 7))).toMatchInlineSnapshot(
      `"slice: [3, 10) of dimension 1 is out of range, got f32[4, 9]"`,
    );
    expect(message((g, x) => ops.topK(g, x([4, 9]), 5))).toMatchInlineSnapshot(
      `"topK: needs an integer 1 <= k <= n, not 5, got f32[4, 9]"`,
    );
    expect(message((g) => g.input('f32', [3, 0]))).toMatchInlineSnapshot(
      `"input: cannot make the shape [3, 0]"`,
    );
  });
});
