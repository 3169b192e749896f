/** Owners of native memory, for how long, and that nobody can touch it before or after. */
import { describe, expect, it } from 'vitest';
import { InternalError, UserError } from '../../src/base/errors.ts';
import { Device } from '../../src/ggml/device.ts';
import { liveHandles } from '../../src/ggml/handles.ts';
import { adamW } from '../../src/tensor/optim/adamw.ts';
import { GraphMemory } from '../../src/tensor/graph-memory.ts';
import { Graph, readF32, readI32, write } from '../../src/tensor/graph.ts';
import {
  add,
  exp,
  gather,
  getRows,
  mulMat,
  reshape,
  scale,
  slice,
  topK,
} from '../../src/tensor/ops/index.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { ShapeError } from '../../src/tensor/tensor.ts';

const specs = [
  { name: 'matrix', shape: [4, 3] },
  { name: 'vector', shape: [4] },
];
const OPTIONS = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0, max_norm: 1 };

describe('native handles are counted, and all come back', () => {
  it('device, graph, parameters, optimiser', async () => {
    const before = liveHandles();
    {
      using device = Device.open('cpu', 1);
      using weights = new ParameterSet(device, specs, 'trainable');
      using optimiser = adamW(weights, OPTIONS);
      using graph = new Graph(device, 64);
      graph.output(scale(graph, weights.get('matrix'), 2));
      graph.allocate();
      await graph.compute();
      await optimiser.step(0.1, await optimiser.gradientNorm());
      // The optimiser has a graph for the norm and one for the step, and three sets of parameters.
      expect(liveHandles()).toEqual({
        device: before.device + 1,
        graph: before.graph + 3,
        parameters: before.parameters + 4,
      });
    }
    expect(liveHandles()).toEqual(before);
  });

  it('a constructor that throws leaves nothing behind', () => {
    using device = Device.open('cpu', 1);
    const before = liveHandles();
    expect(() => new ParameterSet(device, [...specs, specs[0]!], 'state')).toThrow(
      'matrix is declared twice',
    );
    expect(() => new ParameterSet(device, [{ name: 'odd', shape: [0] }], 'state')).toThrow(ShapeError);
    expect(() => new ParameterSet(device, [{ name: 'huge', shape: [2 ** 20, 2 ** 20] }], 'state')).toThrow(
      UserError,
    );
    expect(liveHandles()).toEqual(before);
  });

  it('disposing twice frees once', () => {
    using device = Device.open('cpu', 1);
    const weights = new ParameterSet(device, specs, 'state');
    const graph = new Graph(device, 64);
    const memory = new GraphMemory(device);
    for (const handle of [weights, graph, memory, device]) {
      handle[Symbol.dispose]();
      handle[Symbol.dispose]();
    }
    expect(() => device.backend).toThrow('device: the device was disposed');
  });
});

describe('what was disposed of is not used again', () => {
  it('parameters refuse to be read, written or looked up', () => {
    using device = Device.open('cpu', 1);
    const weights = new ParameterSet(device, specs, 'state');
    const kept = weights.get('matrix');
    weights[Symbol.dispose]();
    for (const use of [
      () => weights.get('matrix'),
      () => weights.set('matrix', new Float32Array(12)),
      () => weights.read('vector'),
      () => weights.clear(),
      () => readF32(device, kept),
      () => write(device, kept, new Float32Array(12)),
    ]) {
      expect(use).toThrow(InternalError);
      expect(use).toThrow('the parameters was disposed');
    }
  });

  it('a graph refuses to grow, to run and to hand out its tensors', async () => {
    using device = Device.open('cpu', 1);
    const graph = new Graph(device, 64);
    const x = graph.input('f32', [4]);
    const y = graph.output(exp(graph, x));
    graph.allocate();
    graph[Symbol.dispose]();
    for (const use of [
      () => graph.input('f32', [4]),
      () => exp(graph, x),
      () => graph.expand(y),
      () => graph.output(y),
      () => graph.allocate(),
      () => readF32(device, y),
      () => write(device, x, new Float32Array(4)),
    ]) {
      expect(use).toThrow('the graph was disposed');
    }
    await expect(graph.compute()).rejects.toThrow('compute: the graph was disposed');
  });

  it('a device refuses graphs and parameters, those that it has and new ones', async () => {
    const device = Device.open('cpu', 1);
    const graph = new Graph(device, 64);
    graph.output(exp(graph, graph.input('f32', [4])));
    graph.allocate();
    device.close();
    await expect(graph.compute()).rejects.toThrow('the device was disposed');
    expect(() => new Graph(device, 64)).toThrow('the device was disposed');
    expect(() => new ParameterSet(device, specs, 'state')).toThrow('the device was disposed');
    graph[Symbol.dispose]();
  });

  it('of a graph while it runs: it runs to its end', async () => {
    using device = Device.open('cpu', 1);
    using weights = new ParameterSet(device, [{ name: 'w', shape: [256, 256] }], 'state');
    const graph = new Graph(device, 512);
    let y = weights.get('w');
    for (let i = 0; i < 40; i++) y = mulMat(graph, weights.get('w'), y);
    graph.output(y);
    graph.allocate();
    const before = liveHandles().graph;
    const run = graph.compute();
    graph[Symbol.dispose]();
    expect(liveHandles().graph).toBe(before - 1);
    await run;
    await expect(graph.compute()).rejects.toThrow('disposed');
  });

  it('of a device while it runs: it closes after the runs that were asked for', async () => {
    const device = Device.open('cpu', 1);
    using weights = new ParameterSet(device, [{ name: 'w', shape: [256, 256] }], 'state');
    using graph = new Graph(device, 512);
    graph.output(mulMat(graph, weights.get('w'), weights.get('w')));
    graph.allocate();
    const runs = [graph.compute(), graph.compute()];
    device.close();
    await Promise.all(runs);
    await expect(graph.compute()).rejects.toThrow('the device was disposed');
  });
});

describe('memory that is not there yet, or is not for touching', () => {
  it('inputs wait for allocate, and intermediates are never read', async () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 64);
    const x = graph.input('f32', [4]);
    const between = exp(graph, x);
    const y = graph.output(scale(graph, between, 2));
    const never = scale(graph, x, 3);
    const wanted = /needs an input or output of an allocated graph/;
    expect(() => write(device, x, new Float32Array(4))).toThrow(wanted);
    expect(() => readF32(device, y)).toThrow(wanted);
    await expect(graph.compute()).rejects.toThrow('not allocated');
    graph.allocate();
    expect(() => readF32(device, between)).toThrow(wanted);
    expect(() => readF32(device, never)).toThrow(wanted);
    expect(() => write(device, between, new Float32Array(4))).toThrow(wanted);
    write(device, x, new Float32Array(4));
    await graph.compute();
    expect(readF32(device, y)).toEqual(new Float32Array(4).fill(2));
  });

  it('nothing is added to an allocated graph', () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 64);
    const x = graph.input('f32', [4]);
    graph.output(exp(graph, x));
    graph.allocate();
    for (const late of [() => exp(graph, x), () => graph.input('f32', [4]), () => graph.allocate()])
      expect(late).toThrow('the graph is allocated, nothing can be added any more');
  });

  it('outputs in shared memory that has moved are refused', async () => {
    using device = Device.open('cpu', 1);
    using memory = new GraphMemory(device);
    using small = new Graph(device, 64, memory);
    const y = small.output(exp(small, small.input('f32', [4])));
    small.allocate();
    await small.compute();
    expect(readF32(device, y)).toEqual(new Float32Array(4).fill(1));
    using large = new Graph(device, 64, memory);
    large.output(exp(large, large.input('f32', [400_000])));
    large.allocate();
    expect(small.valid).toBe(false);
    expect(() => readF32(device, y)).toThrow('whose memory has not moved');
    await expect(small.compute()).rejects.toThrow('its memory moved');
  });

  it('arrays of another length or type are refused', () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 64);
    const [x, ids, half] = [graph.input('f32', [4]), graph.input('i32', [4]), graph.input('f16', [4])];
    graph.output(exp(graph, x));
    graph.allocate();
    expect(() => write(device, x, new Float32Array(5))).toThrow('not Float32Array[5], got f32[4]');
    expect(() => write(device, x, new Int32Array(4))).toThrow(ShapeError);
    expect(() => write(device, ids, new Float32Array(4))).toThrow(ShapeError);
    expect(() => write(device, half, new Float32Array(4))).toThrow(ShapeError);
    expect(() => readF32(device, ids)).toThrow('readF32: needs f32, got i32[4]');
    expect(() => readI32(device, x)).toThrow(ShapeError);
    expect(() => readF32(device, x, new Float32Array(3))).toThrow('as many elements as the tensor');
  });
});

describe('limits are errors, not aborts', () => {
  it('a graph takes no more operations than it has room for', () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 32);
    let x = graph.input('f32', [4]);
    const fill = (): void => {
      for (let i = 0; i < 200; i++) x = graph.output(exp(graph, x));
    };
    expect(fill).toThrow('graph: more than 32 nodes; raise maxNodes');
  });

  it('a graph takes no more inputs than it has room for', () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 32);
    for (let i = 0; i < 256; i++) graph.input('f32', [1]);
    expect(() => graph.input('f32', [1])).toThrow('a graph has 256 inputs at most');
  });

  it('a number of threads is a whole one from 1 to 512', () => {
    for (const threads of [0, -1, 1.5, NaN, 513])
      expect(() => Device.open('cpu', threads)).toThrow('The number of threads must be 1 to 512');
  });

  it('an unknown device is told with those that there are', () => {
    expect(() => Device.open('npu7')).toThrow(/There is no device "npu7" here; there are: .*CPU/);
  });
});

describe('ids are checked where they are written', () => {
  it('against the table that a look-up takes them to, through views', () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 128);
    const table = graph.input('f32', [4, 10]);
    const ids = graph.input('i32', [6]);
    graph.output(getRows(graph, table, slice(graph, ids, 0, 2, 3)));
    graph.allocate();
    write(device, ids, Int32Array.of(0, 1, 2, 9, 4, 5));
    for (const bad of [10, -1, 2 ** 31 - 1]) {
      expect(() => write(device, ids, Int32Array.of(0, 1, 2, bad, 4, 5))).toThrow(
        `The id ${bad} at place 3 is outside of [0, 10)`,
      );
    }
  });

  it('the smallest of several tables counts', () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 128);
    const ids = graph.input('i32', [1, 2]);
    const large = getRows(graph, graph.input('f32', [1, 10]), reshape(graph, ids, [2]));
    const small = gather(graph, graph.input('f32', [7, 2]), ids);
    graph.output(add(graph, large, small));
    graph.allocate();
    expect(() => write(device, ids, Int32Array.of(6, 7))).toThrow('outside of [0, 7)');
  });

  it('a row of ids that names one twice would lose a gradient', () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 128);
    const ids = graph.input('i32', [3, 2]);
    graph.output(gather(graph, graph.input('f32', [7, 2]), slice(graph, ids, 1, 0, 2)));
    graph.allocate();
    write(device, ids, Int32Array.of(0, 1, 2, 2, 1, 0));
    expect(() => write(device, ids, Int32Array.of(0, 1, 2, 3, 1, 3))).toThrow(
      'The id 3 occurs twice in row 1',
    );
  });

  it('ids that the device makes are known to be in range', () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 128);
    const best = topK(graph, graph.input('f32', [9, 2]), 3);
    expect(() => gather(graph, graph.input('f32', [8, 2]), best)).toThrow('gather: needs ids below 8');
    gather(graph, graph.input('f32', [9, 2]), best);
  });

  it('ids from nowhere are refused', () => {
    using device = Device.open('cpu', 1);
    using graph = new Graph(device, 128);
    const made = graph.constant(graph.input('i32', [2]).pointer, [2], 'i32');
    expect(() => getRows(graph, graph.input('f32', [4, 10]), made)).toThrow('getRows: needs ids that are');
  });
});
