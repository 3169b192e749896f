/**
 * The same training step on the CPU and on a GPU. Needs a GPU package and a device; without a GPU, Debian's
 * mesa-vulkan-drivers are one in software, slow to start. Graphs stay open until the end, since the software driver
 * of Debian 12 (Mesa 22.3) corrupts memory after buffers were freed; Mesa 25.0 does not.
 *
 *   npm install --no-save @node-llama-cpp/linux-x64-vulkan@3.21.1
 *   GGML_VK_VISIBLE_DEVICES=0 XDG_RUNTIME_DIR=/tmp npx vitest run test/tensor/vulkan.test.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Device, listDevices } from '../../src/ggml/device.ts';
import { entriesOf } from '../../src/train/events.ts';
import { adamW } from '../../src/tensor/optim/adamw.ts';
import { offloadedAdamW } from '../../src/tensor/optim/adamw-offloaded.ts';
import { Graph } from '../../src/tensor/graph.ts';
import { exp } from '../../src/tensor/ops/index.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import {
  expected,
  goldenConfig,
  goldenObjective,
  goldenRows,
  goldenTrees,
  goldenWeights,
} from '../helpers/golden.ts';
import { randomProgram, runProgram, STEP_NAMES } from '../helpers/programs.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const found = listDevices().find(({ kind }) => kind === 'gpu' || kind === 'igpu');
const title =
  found === undefined ? 'a GPU (skipped: there is none here)' : `${found.name}, ${found.description}`;

/** Objects that are open on one device. */
class Side implements Disposable {
  readonly device: Device;
  readonly weights: ParameterSet;
  readonly optimiser: ReturnType<typeof adamW>;
  readonly graphs: Disposable[] = [];

  constructor(which: string) {
    this.device = Device.open(which, 1);
    this.weights = goldenWeights(this.device);
    this.optimiser = adamW(this.weights, {
      adam_beta1: 0.9,
      adam_beta2: 0.95,
      adam_eps: 1e-8,
      weight_decay: 0.1,
      max_norm: 1,
    });
  }

  /** Runs an objective's golden batch; gives the loss, its parts and the gradients. */
  async run(name: string) {
    const { gradients } = this.optimiser;
    const objective = goldenObjective(name);
    const { layout, trees } = goldenTrees.tree();
    const graph = new TrainingGraph(goldenConfig, this.weights, gradients, layout, 48, objective);
    this.graphs.push(graph);
    gradients.clear();
    const result = await graph.run(trees, goldenRows('tree', objective));
    return {
      ...result,
      gradients: new Map(gradients.specs.map((spec) => [spec.name, gradients.read(spec.name)])),
    };
  }

  [Symbol.dispose](): void {
    for (const part of [...this.graphs, this.optimiser, this.weights, this.device]) part[Symbol.dispose]();
  }
}

describe.skipIf(found === undefined)(
  `a training step on the CPU and on ${title}`,
  { timeout: 600_000 },
  () => {
    let cpu: Side;
    let gpu: Side;
    beforeAll(() => {
      cpu = new Side('cpu');
      gpu = new Side(found?.name ?? 'gpu');
    }, 300_000);
    afterAll(() => {
      gpu[Symbol.dispose]();
      cpu[Symbol.dispose]();
    });

    it.each(Object.keys(expected.losses))('%s: loss, parts and every gradient', async (name) => {
      const [want, got] = [await cpu.run(name), await gpu.run(name)];
      expectClose([got.loss], [want.loss], TOLERANCES.otherDeviceLoss, 'loss');
      for (const [part, value] of entriesOf(want.parts))
        expectClose([got.parts[part]!], [value], TOLERANCES.otherDeviceLoss, part);
      for (const [parameter, values] of want.gradients)
        expectNormClose(got.gradients.get(parameter)!, values, TOLERANCES.otherDeviceGradient, parameter);
    });

    it('three steps of ckd with AdamW end at the same weights', async () => {
      for (const side of [cpu, gpu]) {
        for (let step = 0; step < 3; step++) {
          await side.run('ckd');
          await side.optimiser.step(1e-3, await side.optimiser.gradientNorm());
        }
      }
      for (const { name } of cpu.weights.specs)
        expectNormClose(gpu.weights.read(name), cpu.weights.read(name), TOLERANCES.otherDeviceWeights, name);
    });

    it('AdamW with its averages in files ends at the same weights as with them on the device', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'tinystar-vulkan-'));
      const options = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0.1, max_norm: 1 };
      const specs = [
        { name: 'matrix', shape: [512, 300] },
        { name: 'vector', shape: [64] },
      ];
      const ended = (['files', 'device'] as const).map(async (where) => {
        const weights = new ParameterSet(gpu.device, specs, 'trainable');
        const optimiser =
          where === 'files' ? offloadedAdamW(weights, options, folder, gpu.device) : adamW(weights, options);
        gpu.graphs.push(optimiser, weights);
        const rng = Rng.seeded(7);
        for (let step = 0; step < 3; step++) {
          for (const { name, shape } of specs) {
            const length = shape.reduce((a, b) => a * b);
            optimiser.gradients.set(
              name,
              Float32Array.from({ length }, () => rng.normal()),
            );
          }
          await optimiser.step(1e-2, await optimiser.gradientNorm());
        }
        return specs.map(({ name }) => weights.read(name));
      });
      const [files = [], device = []] = await Promise.all(ended);
      for (const [i, values] of device.entries())
        expectNormClose(files[i]!, values, TOLERANCES.otherDeviceWeights, specs[i]!.name);
      expect(device[0]!.some((w) => Math.abs(w) > 1e-3)).toBe(true);
      rmSync(folder, { recursive: true });
    });

    it('every operation, forward and backward, and memory used twice changes nothing', async () => {
      const rng = Rng.seeded(23);
      const programs = STEP_NAMES.map((step) => [
        { step: 'scale', a: 0, b: 0 },
        { step, a: 2, b: 1 },
        { step: 'square', a: 3, b: 3 },
      ]);
      for (const program of [...programs, ...Array.from({ length: 20 }, () => randomProgram(rng, 6))]) {
        const want = await runProgram(cpu.device, program, Rng.seeded(5), false);
        const got = await runProgram(gpu.device, program, Rng.seeded(5), false, gpu.graphs);
        const kept = await runProgram(gpu.device, program, Rng.seeded(5), true, gpu.graphs);
        for (const [name, values] of Object.entries(want)) {
          const what = `${name} of ${program.map(({ step }) => step).join(', ')}`;
          expectNormClose(got[name]!, values, TOLERANCES.otherDeviceProgram, what);
          expectNormClose(got[name]!, kept[name]!, TOLERANCES.moved, `${what}, memory used twice`);
        }
      }
    });

    it('the CPU of the same package computes', async () => {
      using graph = new Graph(cpu.device, 64);
      graph.output(exp(graph, graph.input('f32', [4])));
      graph.allocate();
      await expect(graph.compute()).resolves.toBeUndefined();
    });
  },
);
