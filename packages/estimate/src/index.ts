/** Memory and disk that a recipe's stages will need on this machine, and what does not fit. */
import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { listDevices } from '../../../src/ggml/device.ts';
import { weightCount } from '../../../src/model/arch/config.ts';
import { loadConfig } from '../../../src/model/checkpoint/checkpoint.ts';
import { isGguf } from '../../../src/model/checkpoint/checkpoint-path.ts';
import type { Recipe } from '../../../src/recipe/schema.ts';
import { formatBytes, sum } from '../../report/src/numbers.ts';
import { ModelShapes } from './models.ts';
import { StagePlan } from './plan.ts';

export type Estimate = ReturnType<typeof estimateRecipe>;

/**
 * Memory that the process takes for itself while it works: its heap, and what its allocator keeps of what earlier stages
 * held, which grows from stage to stage. Fitted to runs of this project's recipes. Large blocks are given back, and
 * what a large model takes is nearly all in them: of such stages no more than this was kept.
 */
const HEAP_FIRST = 20 * 2 ** 20;
const HEAP_STAGE = 9 * 2 ** 20;
const KEPT_SHARE = 0.07;
const KEPT_MOST = 512 * 2 ** 20;
const KEPT_OF_LARGE = 64 * 2 ** 20;
const LARGE_STAGE = 2 * 2 ** 30;

/** A model of more weights may be too much for a machine. */
const LARGE = 5e7;

/** The process's own memory after stages that held `before` bytes each. */
function overhead(before: readonly number[]): number {
  const most = Math.max(0, ...before);
  const kept = before.length * (HEAP_STAGE + KEPT_SHARE * most);
  return HEAP_FIRST + Math.min(most > LARGE_STAGE ? KEPT_OF_LARGE : KEPT_MOST, kept);
}

function machineOf(recipe: Recipe, runsDir: string) {
  const wanted = recipe.device.toLowerCase();
  const device = listDevices().find(({ name, kind }) => name.toLowerCase() === wanted || kind === wanted);
  let folder = resolve(runsDir);
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  return {
    memory: Math.min(process.constrainedMemory() || Infinity, totalmem()),
    freeMemory: freemem(),
    /** Of the device that computes, if it has memory of its own. */
    deviceMemory: device?.kind === 'cpu' ? undefined : device?.memoryTotal,
    freeDisk: bavail * bsize,
  };
}

/** Estimates every stage of a recipe, and notes what was assumed. Throws UserErrors for models that are not there and not known. */
export function estimateRecipe(recipe: Recipe, runsDir: string) {
  const models = new ModelShapes(recipe);
  const plans = recipe.stages.map((stage) => new StagePlan(recipe, stage, models));
  // The runtime with data and tokenizers, as a run has them too.
  const base = process.memoryUsage().rss;
  for (const plan of plans) plan.build(recipe.threads ?? availableParallelism());
  const stages = plans.map(({ stage: { name, kind }, host, device: deviceMemory, disk, checkpoints }, i) => {
    // Runtime and data included.
    const memory = base + host + overhead(plans.slice(0, i).map((before) => before.host));
    return { stage: name, kind, memory, deviceMemory, disk, checkpoints };
  });
  return { stages, notes: models.notes, machine: machineOf(recipe, runsDir) };
}

/** Tells whether a recipe has a model that may be too much for a machine; smaller ones fit wherever Node.js does. */
export function isLarge(recipe: Recipe): boolean {
  return Object.values(recipe.models).some((model) => {
    if (typeof model === 'string') {
      const config = isGguf(model) ? model : join(model, 'config.json');
      return existsSync(config) && weightCount(loadConfig(model)) > LARGE;
    }
    // A pruned one is smaller than the model that its layers are from.
    if ('from' in model) return false;
    const { hidden_size: d, intermediate_size: ff, num_hidden_layers: layers } = model;
    return layers * d * (4 * d + 3 * ff) > LARGE / 4;
  });
}

/** Obstacles in an estimate: sentences, none if all fits. */
export function obstacles({ stages, machine }: Estimate): string[] {
  const device = machine.deviceMemory ?? Infinity;
  const disk = sum(stages.map((one) => one.disk)) + Math.max(0, ...stages.map((one) => one.checkpoints));
  const sentences = [
    ...stages.flatMap(({ stage, memory, deviceMemory }) => [
      memory > machine.memory &&
        `stage ${stage} needs ${formatBytes(memory)} of memory, and the machine has ${formatBytes(machine.memory)}`,
      deviceMemory > device &&
        `stage ${stage} needs ${formatBytes(deviceMemory)} on the device, which has ${formatBytes(device)}`,
    ]),
    disk > machine.freeDisk &&
      `the run needs ${formatBytes(disk)} of disk, of which ${formatBytes(machine.freeDisk)} are free`,
  ];
  return sentences.filter((sentence) => sentence !== false);
}
