/**
 * One optimiser step on a list of examples: batches of prompt trees, gradients accumulated over them, the norm
 * checked and clipped, AdamW. The loss is the mean over all tokens of the step that count.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import type { Device } from '../ggml/device.ts';
import { bucketLength, planBatches } from '../model/buckets.ts';
import type { Qwen3Config } from '../model/config.ts';
import { SafetensorsFile, writeSafetensors } from '../model/safetensors.ts';
import type { TreeLayout } from '../model/tree.ts';
import type { Objective } from '../objective/index.ts';
import { AdamW, type AdamWOptions } from '../tensor/adamw.ts';
import { GraphMemory } from '../tensor/graph-memory.ts';
import type { ParameterSet } from '../tensor/parameters.ts';
import { exampleTokens, gatherRows, packedSize, rowCount, type TrainExample, treeOf } from './examples.ts';
import { TrainingGraph } from './training-graph.ts';

export interface TrainerOptions {
  readonly adamw: AdamWOptions;
  /** Tokens of a micro-batch, padding included. */
  readonly microBatchTokens: number;
  /** Prompt trees of a micro-batch at most. */
  readonly microBatchPrompts: number;
}

export interface StepResult {
  readonly loss: number;
  readonly parts: Readonly<Record<string, number>>;
  readonly gradNorm: number;
  /** Tokens that went through the model, padding excluded. */
  readonly tokens: number;
}

/** Graphs kept for layouts that come again. */
const MAX_GRAPHS = 24;
const PROMPT_MULTIPLE = 64;
const COMPLETION_MULTIPLE = 16;
const ROW_MULTIPLE = 128;

export class Trainer implements Disposable {
  readonly parameters: ParameterSet;
  readonly config: Qwen3Config;
  readonly #objective: Objective;
  readonly #options: TrainerOptions;
  readonly #optimizer: AdamW;
  readonly #memory: GraphMemory;
  readonly #graphs = new Map<string, TrainingGraph>();

  constructor(config: Qwen3Config, parameters: ParameterSet, objective: Objective, options: TrainerOptions) {
    this.config = config;
    this.parameters = parameters;
    this.#objective = objective;
    this.#options = options;
    this.#optimizer = new AdamW(parameters, options.adamw);
    this.#memory = new GraphMemory(parameters.device);
  }

  get device(): Device {
    return this.parameters.device;
  }

  /** Optimiser steps applied so far. */
  get steps(): number {
    return this.#optimizer.steps;
  }

  #graph(layout: TreeLayout, rows: number): TrainingGraph {
    const capacity = bucketLength(rows, ROW_MULTIPLE);
    const key = [
      layout.prompts,
      layout.promptTokens,
      layout.samples,
      layout.completionTokens,
      capacity,
    ].join();
    const known = this.#graphs.get(key);
    // Taken out and put back in: a map's order is then the order of last use.
    this.#graphs.delete(key);
    if (known?.valid === true) {
      this.#graphs.set(key, known);
      return known;
    }
    known?.[Symbol.dispose]();
    for (const [oldest, graph] of this.#graphs) {
      if (this.#graphs.size < MAX_GRAPHS && graph.valid) break;
      graph[Symbol.dispose]();
      this.#graphs.delete(oldest);
    }
    const graph = new TrainingGraph(
      this.config,
      this.parameters,
      this.#optimizer.gradients,
      layout,
      capacity,
      this.#objective,
      { memory: this.#memory },
    );
    this.#graphs.set(key, graph);
    return graph;
  }

  /** Accumulates the gradients of all examples; the loss is the token mean. */
  async accumulate(examples: readonly TrainExample[]): Promise<Omit<StepResult, 'gradNorm'>> {
    const counted = examples.filter((example) => rowCount(example) > 0);
    const rows = counted.reduce((total, example) => total + rowCount(example), 0);
    if (rows === 0)
      throw new UserError(
        'EMPTY_BATCH',
        'A training step has no token that counts; check the data and the mask.',
      );
    const plan = planBatches(
      counted.map((example) => packedSize(example, COMPLETION_MULTIPLE)),
      {
        maxTokens: this.#options.microBatchTokens,
        maxPrompts: this.#options.microBatchPrompts,
        promptMultiple: PROMPT_MULTIPLE,
        completionMultiple: COMPLETION_MULTIPLE,
      },
    );
    let loss = 0;
    let tokens = 0;
    const parts: Record<string, number> = {};
    const names = Object.keys(this.#objective.inputs);
    for (const { layout, indices } of plan) {
      const batch = indices.flatMap((index) => counted[index] ?? []);
      const gathered = gatherRows(layout, batch, 1 / rows, names);
      const result = await this.#graph(layout, gathered.predictors.length).run(batch.map(treeOf), gathered);
      loss += result.loss;
      for (const [name, value] of Object.entries(result.parts)) parts[name] = (parts[name] ?? 0) + value;
      tokens += batch.reduce((total, example) => total + exampleTokens(example), 0);
    }
    return { loss, parts, tokens };
  }

  /** One optimiser step. Throws a UserError, before anything is changed, when loss or gradient is not a number. */
  async step(examples: readonly TrainExample[], lr: number): Promise<StepResult> {
    const result = await this.accumulate(examples);
    const gradNorm = await this.#optimizer.gradientNorm();
    if (!Number.isFinite(result.loss) || !Number.isFinite(gradNorm)) {
      throw new UserError(
        'NOT_A_NUMBER',
        `Step ${this.steps + 1} gave a loss of ${result.loss} and a gradient norm of ${gradNorm}; the last checkpoint is kept: lower lr or raise warmup_ratio and run again.`,
      );
    }
    await this.#optimizer.step(lr, gradNorm);
    return { ...result, gradNorm };
  }

  /** Writes weights and optimiser state, all that the next step depends on beside its examples. */
  save(folder: string): void {
    const { first, second } = this.#optimizer;
    const tensors = (set: ParameterSet, prefix: string) =>
      set.specs.map(({ name, shape }) => ({
        name: `${prefix}${name}`,
        shape: shape.toReversed(),
        data: set.read(name),
        dtype: 'F32' as const,
      }));
    writeSafetensors(join(folder, 'state.safetensors'), [
      ...tensors(this.parameters, ''),
      ...tensors(first, 'adam.first.'),
      ...tensors(second, 'adam.second.'),
    ]);
    writeAtomic(join(folder, 'trainer.json'), JSON.stringify({ steps: this.steps }));
  }

  /** Restores what `save` wrote. */
  restore(folder: string): void {
    using file = SafetensorsFile.open(join(folder, 'state.safetensors'));
    const { first, second } = this.#optimizer;
    for (const { name } of this.parameters.specs) {
      this.parameters.set(name, file.readF32(name));
      first.set(name, file.readF32(`adam.first.${name}`));
      second.set(name, file.readF32(`adam.second.${name}`));
    }
    const { steps } = z.object({ steps: z.int() }).parse(JSON.parse(readText(join(folder, 'trainer.json'))));
    this.#optimizer.steps = steps;
  }

  [Symbol.dispose](): void {
    for (const graph of this.#graphs.values()) graph[Symbol.dispose]();
    this.#graphs.clear();
    this.#memory[Symbol.dispose]();
    this.#optimizer[Symbol.dispose]();
  }
}
