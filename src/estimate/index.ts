/**
 * Memory and disk that a recipe's stages will need on this machine: all that a stage holds is built on a meta device,
 * which allocates nothing.
 */
import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { listDevices } from '../ggml/device.ts';
import { loadConfig } from '../model/checkpoint/checkpoint.ts';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import { weightCount } from '../model/arch/config.ts';
import { dialoguesOf } from '../run/context.ts';
import type { Recipe } from '../recipe/schema.ts';
import { outputsModel, type Stage } from '../stages/index.ts';
import { type Lengths, measureLengths } from './lengths.ts';
import { diskWhileTraining, memoryOf, type StageMemory } from './memory.ts';
import { LARGE, ModelShapes } from './models.ts';
import { type Workload, workloadOf } from './workload.ts';

export interface StageEstimate {
  readonly stage: string;
  readonly kind: string;
  /** Bytes of the process, runtime and data included; and on the device, where that is another. */
  readonly memory: number;
  readonly deviceMemory: number;
  /** Bytes that it leaves behind, and what its checkpoints take while it runs. */
  readonly disk: number;
  readonly checkpoints: number;
}

export interface Machine {
  readonly memory: number;
  readonly freeMemory: number;
  /** Of the device that computes, if it has memory of its own. */
  readonly deviceMemory: number | undefined;
  readonly freeDisk: number;
}

export interface Estimate {
  readonly stages: readonly StageEstimate[];
  /** Assumptions. */
  readonly notes: readonly string[];
  readonly machine: Machine;
}

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

function overhead(stage: number, before: readonly StageMemory[]): number {
  const most = Math.max(0, ...before.map(({ host }) => host));
  const kept = stage * (HEAP_STAGE + KEPT_SHARE * most);
  return HEAP_FIRST + Math.min(most > LARGE_STAGE ? KEPT_OF_LARGE : KEPT_MOST, kept);
}

function machineOf(recipe: Recipe, runsDir: string): Machine {
  const wanted = recipe.device.toLowerCase();
  const device = listDevices().find(({ name, kind }) => name.toLowerCase() === wanted || kind === wanted);
  let folder = runsDir;
  let freeDisk = Infinity;
  for (;;) {
    try {
      const { bavail, bsize } = statfsSync(folder);
      freeDisk = bavail * bsize;
      break;
    } catch {
      // The folder of runs may not be there yet.
      if (dirname(folder) === folder) break;
      folder = dirname(folder);
    }
  }
  return {
    memory: process.constrainedMemory() > 0 ? Math.min(process.constrainedMemory(), totalmem()) : totalmem(),
    freeMemory: freemem(),
    deviceMemory: device === undefined || device.kind === 'cpu' ? undefined : device.memoryTotal,
    freeDisk,
  };
}

function diskOf(stage: Stage, work: Workload, models: ModelShapes): { disk: number; checkpoints: number } {
  if (!outputsModel(stage)) return { disk: work.stored, checkpoints: 0 };
  return {
    disk: work.stored + 4 * weightCount(models.of(stage.model).config),
    checkpoints: diskWhileTraining(stage, models),
  };
}

/** Estimates every stage of a recipe. Throws UserErrors for models that are not there and not known. */
export function estimateRecipe(recipe: Recipe, runsDir: string): Estimate {
  const models = new ModelShapes(recipe);
  const threads = recipe.threads ?? availableParallelism();
  const known = new Map<string, Lengths>();
  const source = {
    recipe,
    dialogues: (split: 'train' | 'test') => dialoguesOf(recipe, split),
    lengths(reference: string, split: 'train' | 'test'): Lengths {
      const model = models.of(reference);
      const key = `${split} ${model.tokenizer?.fingerprint() ?? model.template.identity}`;
      const lengths = known.get(key) ?? measureLengths(dialoguesOf(recipe, split), model);
      known.set(key, lengths);
      return lengths;
    },
  };
  const works = recipe.stages.map((stage) => ({ stage, work: workloadOf(source, stage) }));
  // The runtime with data and tokenizers, as a run has them too.
  const base = process.memoryUsage().rss;
  const planned = works.map(({ stage, work }): { stage: Stage; work: Workload; memory: StageMemory } => ({
    stage,
    work,
    memory: memoryOf(recipe, stage, work, models, threads),
  }));
  const before = planned.map(({ memory }) => memory);
  const stages = planned.map(({ stage, work, memory }, i): StageEstimate => ({
    stage: stage.name,
    kind: stage.kind,
    memory: base + memory.host + overhead(i, before.slice(0, i)),
    deviceMemory: memory.device,
    ...diskOf(stage, work, models),
  }));
  return { stages, notes: models.notes, machine: machineOf(recipe, runsDir) };
}

/** Tells whether a recipe has a model that may be too much for a machine; smaller ones fit wherever Node.js does. */
export function isLarge(recipe: Recipe): boolean {
  return Object.values(recipe.models).some((model) => {
    if (typeof model === 'string')
      return (
        existsSync(isGguf(model) ? model : join(model, 'config.json')) &&
        weightCount(loadConfig(model)) > LARGE
      );
    const { hidden_size: d, intermediate_size: ff, num_hidden_layers: layers } = model;
    return layers * d * (4 * d + 3 * ff) > LARGE / 4;
  });
}

/** Obstacles in an estimate: sentences, none if all fits. */
export function obstacles({ stages, machine }: Estimate): string[] {
  const problems: string[] = [];
  const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GB`;
  for (const { stage, memory, deviceMemory } of stages) {
    if (memory > machine.memory)
      problems.push(
        `stage ${stage} needs ${gigabytes(memory)} of memory, and the machine has ${gigabytes(machine.memory)}`,
      );
    if (machine.deviceMemory !== undefined && deviceMemory > machine.deviceMemory)
      problems.push(
        `stage ${stage} needs ${gigabytes(deviceMemory)} on the device, which has ${gigabytes(machine.deviceMemory)}`,
      );
  }
  const disk =
    stages.reduce((total, stage) => total + stage.disk, 0) + Math.max(0, ...stages.map((s) => s.checkpoints));
  if (disk > machine.freeDisk)
    problems.push(
      `the run needs ${gigabytes(disk)} of disk, of which ${gigabytes(machine.freeDisk)} are free`,
    );
  return problems;
}
