/** Every operation's vector-Jacobian product against finite differences. */
import { afterAll, describe, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import type { Graph } from '../../src/tensor/graph.ts';
import { write } from '../../src/tensor/graph.ts';
import * as ops from '../../src/tensor/ops/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { type Case, expectGradientsToMatch } from '../helpers/finite-differences.ts';

const device = Device.open('cpu', 1);
afterAll(() => device.close());

const positive: Case['values'] = (rng) => 0.5 + rng.uniform();
/** Away from 0, where |x|, relu and clamp have a kink. */
const apart: Case['values'] = (rng) => (rng.chance(0.5) ? 1 : -1) * (0.2 + rng.uniform());

/** A case whose operation needs further inputs: `make` gives the graph's part and what fills the inputs. */
function withInputs(
  shapes: Case['shapes'],
  make: (g: Graph, x: readonly Tensor[]) => { y: Tensor; fill: (d: Device) => void },
): Case {
  let fill: ((d: Device) => void) | undefined;
  return {
    shapes,
    build: (g, x) => {
      const made = make(g, x);
      fill = made.fill;
      return made.y;
    },
    fill: (d) => fill?.(d),
  };
}

const ids = (values: number[]) => Int32Array.from(values);

const cases: Record<string, Case> = {
  add: {
    shapes: [
      [3, 4],
      [3, 4],
    ],
    build: (g, [a, b]) => ops.add(g, a!, b!),
  },
  'add, repeated over rows': { shapes: [[3, 4], [3]], build: (g, [a, b]) => ops.add(g, a!, b!) },
  'add, one value': { shapes: [[3, 4], [1]], build: (g, [a, b]) => ops.add(g, a!, b!) },
  sub: {
    shapes: [
      [3, 4],
      [1, 4],
    ],
    build: (g, [a, b]) => ops.sub(g, a!, b!),
  },
  mul: {
    shapes: [
      [3, 4],
      [3, 4],
    ],
    build: (g, [a, b]) => ops.mul(g, a!, b!),
  },
  'mul, repeated': { shapes: [[3, 4], [3]], build: (g, [a, b]) => ops.mul(g, a!, b!) },
  'a tensor times itself': { shapes: [[3, 4]], build: (g, [a]) => ops.mul(g, a!, a!) },
  div: {
    shapes: [
      [3, 4],
      [1, 4],
    ],
    values: positive,
    build: (g, [a, b]) => ops.div(g, a!, b!),
  },
  'scale with offset': { shapes: [[3, 4]], build: (g, [a]) => ops.scale(g, a!, -2.5, 0.5) },
  exp: { shapes: [[3, 4]], build: (g, [a]) => ops.exp(g, a!) },
  log: { shapes: [[3, 4]], values: positive, build: (g, [a]) => ops.log(g, a!) },
  abs: { shapes: [[3, 4]], values: apart, build: (g, [a]) => ops.abs(g, a!) },
  square: { shapes: [[3, 4]], build: (g, [a]) => ops.square(g, a!) },
  relu: { shapes: [[3, 4]], values: apart, build: (g, [a]) => ops.relu(g, a!) },
  clamp: { shapes: [[4, 4]], values: apart, build: (g, [a]) => ops.clamp(g, a!, -0.7, 0.71) },
  minimum: {
    shapes: [
      [4, 4],
      [4, 4],
    ],
    build: (g, [a, b]) => ops.minimum(g, a!, b!),
  },
  softplus: { shapes: [[3, 4]], build: (g, [a]) => ops.softplus(g, a!) },
  geluTanh: { shapes: [[3, 4]], build: (g, [a]) => ops.geluTanh(g, a!) },
  silu: { shapes: [[3, 4]], build: (g, [a]) => ops.silu(g, a!) },
  sum: { shapes: [[3, 4]], build: (g, [a]) => ops.sum(g, a!) },
  sumRows: { shapes: [[3, 4]], build: (g, [a]) => ops.sumRows(g, a!) },
  sumTo: { shapes: [[4, 6]], build: (g, [a]) => ops.sumTo(g, a!, [4, 2]) },
  repeat: { shapes: [[4, 2]], build: (g, [a]) => ops.repeat(g, a!, [4, 6]) },
  reshape: { shapes: [[3, 4]], build: (g, [a]) => ops.square(g, ops.reshape(g, a!, [2, 6])) },
  permute: { shapes: [[2, 3, 4, 2]], build: (g, [a]) => ops.square(g, ops.permute(g, a!, [1, 2, 0, 3])) },
  transpose: { shapes: [[2, 3]], build: (g, [a]) => ops.square(g, ops.transpose(g, a!)) },
  'slice of rows': { shapes: [[5, 3]], build: (g, [a]) => ops.square(g, ops.slice(g, a!, 0, 1, 3)) },
  'a slice that is scaled': {
    shapes: [[5, 3]],
    build: (g, [a]) => ops.square(g, ops.scale(g, ops.slice(g, a!, 1, 1, 2), 3, 0.5)),
  },
  'slice of the last dimension': {
    shapes: [[3, 5]],
    build: (g, [a]) => ops.square(g, ops.slice(g, a!, 1, 2, 2)),
  },
  concat: {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    build: (g, [a, b]) => ops.square(g, ops.concat(g, a!, b!, 0)),
  },
  pad: { shapes: [[3, 2, 2]], build: (g, [a]) => ops.exp(g, ops.pad(g, a!, 1, 2)) },
  addInto: {
    shapes: [
      [5, 3, 2],
      [2, 3, 2],
    ],
    // The whole is written into, so that it must not be an input.
    build: (g, [a, b]) => ops.square(g, ops.addInto(g, ops.scale(g, a!, 2), b!, 3)),
  },
  weightedSums: {
    // Two queries of two heads, four keys, of which a second sum has the last two.
    shapes: [
      [4, 2, 2],
      [4, 3, 2],
      [2, 5, 2],
    ],
    build: (g, [scores, all, last]) => {
      const mask = ops.full(g, [4, 2], 0);
      const [whole, part] = ops.weightedSums(g, scores!, mask, 0.7, [
        { values: all!, start: 0 },
        { values: last!, start: 2 },
      ]);
      return ops.add(g, ops.sum(g, ops.square(g, whole!)), ops.sum(g, ops.exp(g, part!)));
    },
  },
  'weightedSums, only the second used': {
    shapes: [
      [4, 2],
      [1, 3],
    ],
    build: (g, [scores, last]) => {
      const over = [
        { values: ops.full(g, [4, 3], 1), start: 0 },
        { values: last!, start: 3 },
      ];
      return ops.square(g, ops.weightedSums(g, scores!, ops.full(g, [4, 2], 0), 1.5, over)[1]!);
    },
  },
  split: {
    shapes: [[3, 5]],
    build: (g, [a]) => {
      const [head, tail] = ops.split(g, a!, 1, 2);
      return ops.add(g, ops.sum(g, ops.square(g, head)), ops.sum(g, ops.exp(g, tail)));
    },
  },
  'split, one part unused': {
    shapes: [[3, 5]],
    build: (g, [a]) => ops.square(g, ops.split(g, a!, 1, 2)[1]),
  },
  mulMat: {
    shapes: [
      [4, 3],
      [4, 5],
    ],
    build: (g, [w, x]) => ops.mulMat(g, w!, x!),
  },
  'mulMat, one matrix for all': {
    shapes: [
      [4, 3],
      [4, 2, 3],
    ],
    build: (g, [w, x]) => ops.mulMat(g, w!, x!),
  },
  'mulMat, batched': {
    shapes: [
      [4, 3, 2, 2],
      [4, 5, 2, 2],
    ],
    build: (g, [w, x]) => ops.mulMat(g, w!, x!),
  },
  'mulMat, long rows of x': {
    shapes: [
      [64, 3, 2],
      [64, 5, 2],
    ],
    build: (g, [w, x]) => ops.mulMat(g, w!, x!),
  },
  'mulMat, long rows of the product': {
    shapes: [
      [4, 64, 2],
      [4, 5, 2],
    ],
    build: (g, [w, x]) => ops.mulMat(g, w!, x!),
  },
  rmsNorm: { shapes: [[6, 3], [6]], build: (g, [x, w]) => ops.rmsNorm(g, x!, w!, 1e-6) },
  softmax: withInputs([[4, 3, 2, 2]], (g, [x]) => {
    const mask = g.input('f32', [4, 3, 1, 2]);
    const values = new Float32Array(24);
    for (let i = 0; i < 24; i += 5) values[i] = -Infinity;
    return { y: ops.softmax(g, x!, mask, 0.7), fill: (d) => write(d, mask, values) };
  }),
  rope: withInputs([[8, 2, 3]], (g, [x]) => {
    const positions = g.input('i32', [3]);
    return { y: ops.rope(g, x!, positions, 1e4), fill: (d) => write(d, positions, ids([0, 3, 17])) };
  }),
  'getRows, with a row taken twice': withInputs([[3, 5]], (g, [x]) => {
    const rows = g.input('i32', [4]);
    return { y: ops.square(g, ops.getRows(g, x!, rows)), fill: (d) => write(d, rows, ids([4, 1, 1, 0])) };
  }),
  gather: withInputs([[6, 2]], (g, [x]) => {
    const at = g.input('i32', [3, 2]);
    return { y: ops.square(g, ops.gather(g, x!, at)), fill: (d) => write(d, at, ids([5, 0, 2, 1, 4, 3])) };
  }),
  scatter: withInputs([[3, 2]], (g, [x]) => {
    const at = g.input('i32', [3, 2]);
    return {
      y: ops.square(g, ops.scatter(g, 6, at, x!, 2)),
      fill: (d) => write(d, at, ids([5, 0, 2, 1, 4, 3])),
    };
  }),
  'log-probabilities of a full softmax': withInputs([[6, 3]], (g, [x]) => {
    const at = g.input('i32', [2, 3]);
    return {
      y: ops.logProbabilitiesAt(g, ops.vocabularyRows(g, x!), at),
      fill: (d) => write(d, at, ids([5, 0, 2, 1, 4, 3])),
    };
  }),
  'entropy of rows': withInputs([[6, 3]], (g, [x]) => ({
    y: ops.entropyAt(g, ops.vocabularyRows(g, x!)),
    fill: () => undefined,
  })),
};

describe('the vector-Jacobian product equals finite differences of', () => {
  for (const [name, test] of Object.entries(cases)) it(name, () => expectGradientsToMatch(device, test));
});
