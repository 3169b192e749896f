/**
 * One optimiser step on a list of examples: batches of prompt trees, gradients accumulated over them, the norm
 * checked and clipped, AdamW. The loss is the mean over all tokens of the step that count, or over its trees where an
 * objective compares whole completions. On the CPU, batches of a
 * small model are computed side by side by workers of one thread each (see model/generate/worker-pool.ts).
 */
import { join } from 'node:path';
import { z } from 'zod';
import { required, UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import { isLayerParameter, type ModelConfig } from '../model/arch/config.ts';
import { type OutgoingTensor, SafetensorsFile, writeSafetensors } from '../model/checkpoint/safetensors.ts';
import { small, workerCount, type WorkerDevices, workerDevices } from '../model/generate/worker-pool.ts';
import type { TrainedWeights } from '../model/trained-weights.ts';
import { tokenCount } from '../model/tree/tree.ts';
import type { Objective } from '../losses/objective.ts';
import { createOptimizer, optimizerOptions } from '../tensor/optim/index.ts';
import type { Optimizer, StoredTensors } from '../tensor/optim/optimizer.ts';
import { ParameterSet, type ParameterSpec, specBytes } from '../tensor/parameters.ts';
import { entriesOf, type Metrics } from './events.ts';
import { exampleTokens, groupCount, rowCount, type TrainExample } from './examples.ts';
import { type MicroBatch, planMicroBatches, type Rounding, roundingFor } from './micro-batches.ts';
import { chunkRowsFor, type LossParts } from './training-graph.ts';
import { GradientSum, TrainingWorker } from './training-worker.ts';

const count = z.int().positive();

export const trainerOptions = {
  ...optimizerOptions,
  micro_train_batch_size: count.default(2).describe('prompt trees that go through the model at once'),
  gradient_checkpointing: z
    .boolean()
    .default(false)
    .describe(
      "keep only the layers' results, and compute the rest again: less memory, about a third more time",
    ),
};
const schema = z.object(trainerOptions);

interface Surroundings {
  /** Folder whose files hold what the optimiser keeps on the disk while the trainer is in use. */
  readonly folder?: string;
  /** Tokens of a micro-batch, padding included: what bounds a training graph's memory. */
  readonly microBatchTokens?: number;
  /** Weights that are computed with, if not the parameters themselves; the parameters are what it trains. */
  readonly weights?: TrainedWeights;
  /** Rounding of lengths, if not the best for the model's size. */
  readonly rounding?: Rounding;
}
export type TrainerOptions = z.input<typeof schema> & Surroundings;

const MICRO_BATCH_TOKENS = 4096;

export interface StepResult {
  /** Mean over the tokens that count, or over groups of completions. */
  readonly loss: number;
  readonly parts: Metrics;
  /** Norm of the gradient before it was clipped. */
  readonly gradNorm: number;
  /** Tokens that went through the model, padding excluded. */
  readonly tokens: number;
}

/** Batches that are computed side by side at most. */
const MAX_WORKERS = 4;

/** Squares of larger weights, added up over a row, overflow float32. */
export const MAX_WEIGHT = 1e15;

/** Training has left the numbers; the message says how, without what to do about it. */
export class Diverged extends Error {}

export class Trainer implements Disposable {
  readonly parameters: ParameterSet;
  readonly config: ModelConfig;
  readonly #options: z.output<typeof schema> & Surroundings;
  readonly #perGroup: boolean;
  readonly #optimizer: Optimizer;
  readonly #devices: WorkerDevices;
  readonly #workers: readonly TrainingWorker[];
  readonly #sum: GradientSum;

  constructor(config: ModelConfig, parameters: ParameterSet, objective: Objective, options: TrainerOptions) {
    this.config = config;
    this.parameters = parameters;
    this.#options = { ...options, ...schema.parse(options) };
    this.#perGroup = !objective.rowwise;
    // A larger model keeps all threads busy with one batch: workers would gain a few per cent where all have as many
    // batches, lose half of the speed where one has none, and each hold gradients of their own.
    const count = workerCount(parameters.device, config, small(config) ? MAX_WORKERS : 1, Infinity);
    this.#devices = workerDevices(parameters.device, config, count);
    const [device] = this.#devices.devices;
    // AdamW's many small operations are faster on one thread; Muon's matrix products are not, unless a BLAS does them.
    const alone = this.#options.optimizer !== 'muon' || device?.hasBlas === true;
    this.#optimizer = createOptimizer(this.#options, {
      parameters,
      device: (alone ? device : undefined) ?? parameters.device,
      folder: options.folder ?? '',
      isLayerMatrix: isLayerParameter,
    });
    const first = this.#optimizer.gradients;
    const others = this.#devices.devices
      .slice(1)
      .map(() => new ParameterSet(parameters.device, parameters.specs, 'state'));
    const gradients = [first, ...others] as const;
    const shared = {
      config,
      weights: options.weights ?? parameters,
      objective,
      recompute: this.#options.gradient_checkpointing,
      chunkRows: chunkRowsFor(config.vocabSize),
    };
    this.#workers = this.#devices.devices.map(
      (own, i) => new TrainingWorker(own, required(gradients[i], 'gradients'), shared),
    );
    this.#sum = new GradientSum(required(device, 'a device'), gradients);
  }

  get steps(): number {
    return this.#optimizer.steps;
  }

  /** Batches of like-sized examples, each assigned to the worker that has the least to do. */
  #plan(examples: readonly TrainExample[]): MicroBatch[][] {
    const { microBatchTokens = MICRO_BATCH_TOKENS, micro_train_batch_size, rounding } = this.#options;
    const plan = planMicroBatches(examples, {
      maxTokens: microBatchTokens,
      maxPrompts: micro_train_batch_size,
      workers: this.#workers.length,
      rounding: rounding ?? roundingFor(this.config),
    });
    const shares = this.#workers.map(() => ({ load: 0, batches: [] as MicroBatch[] }));
    for (const batch of plan.toSorted((a, b) => tokenCount(b.layout) - tokenCount(a.layout))) {
      const share = shares.reduce((least, next) => (next.load < least.load ? next : least));
      share.load += tokenCount(batch.layout);
      share.batches.push(batch);
    }
    return shares.map(({ batches }) => batches);
  }

  /** Accumulates the gradients of all examples; the loss is the mean over tokens or groups. The signal counts between batches. */
  async accumulate(examples: readonly TrainExample[], signal?: AbortSignal) {
    const counted = examples.filter((example) => rowCount(example) > 0);
    const rows = counted.reduce((total, example) => total + rowCount(example), 0);
    if (rows === 0)
      throw new UserError(
        'EMPTY_BATCH',
        'A training step has no token that counts; check the data and the mask.',
      );
    const plan = this.#plan(counted);
    const groups = counted.reduce((total, example) => total + groupCount(example), 0);
    const weight = 1 / (this.#perGroup ? groups : rows);
    const results = await Promise.allSettled(
      this.#workers.map(async (worker, i) => {
        const own: LossParts[] = [];
        for (const batch of plan[i] ?? []) {
          signal?.throwIfAborted();
          own.push(await worker.run(batch, weight));
        }
        return own;
      }),
    );
    // Every worker has come to rest before a failure is passed on: its device may be freed then.
    const parts: Metrics = {};
    let loss = 0;
    for (const settled of results) {
      if (settled.status === 'rejected') throw settled.reason;
      for (const result of settled.value) {
        loss += result.loss;
        for (const [name, value] of entriesOf(result.parts)) parts[name] = (parts[name] ?? 0) + value;
      }
    }
    await this.#sum.run();
    return { loss, parts, tokens: counted.reduce((total, example) => total + exampleTokens(example), 0) };
  }

  /** Builds what a step on these examples needs, without taking it: see Device.meta. */
  reserve(examples: readonly TrainExample[]): void {
    this.#plan(examples).forEach((batches, i) => {
      for (const batch of batches) this.#workers[i]?.graph(batch);
    });
  }

  /**
   * Applies the gradients that were accumulated, and clears them; returns their norm. Throws Diverged, before anything is
   * changed, when the norm is not a number, or the loss that they are of.
   */
  async update(lr: number, loss = 0): Promise<number> {
    const gradNorm = await this.#optimizer.gradientNorm();
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm))
      throw new Diverged(`the loss is ${loss} and the gradient norm ${gradNorm}`);
    await this.#optimizer.step(lr, gradNorm);
    await this.#options.weights?.refresh();
    return gradNorm;
  }

  /**
   * One optimiser step. Throws before anything is changed: Diverged when loss or gradient is not a number, the
   * signal's reason when it fires before all batches have been computed. Only averages in files can fail later, with a
   * UserError.
   */
  async step(examples: readonly TrainExample[], lr: number, signal?: AbortSignal): Promise<StepResult> {
    try {
      const result = await this.accumulate(examples, signal);
      return { ...result, gradNorm: await this.update(lr, result.loss) };
    } catch (thrown) {
      for (const worker of this.#workers) worker.gradients.clear();
      throw thrown;
    }
  }

  /** Throws Diverged when a weight is no number that a model can compute with: such weights are not worth keeping. */
  checkWeights(): void {
    for (const { name } of this.parameters.specs) {
      const wrong = this.parameters.read(name).find((value) => !(Math.abs(value) < MAX_WEIGHT));
      if (wrong !== undefined) throw new Diverged(`${name} holds ${wrong}`);
    }
  }

  /** Tensors that the next step depends on, with what stands before their names in a file. */
  get #stored(): readonly (readonly [prefix: string, set: StoredTensors])[] {
    const { first, second } = this.#optimizer;
    return [
      ['', this.parameters],
      ['adam.first.', first],
      ['adam.second.', second],
    ];
  }

  /** Writes weights and optimiser state, all that the next step depends on beside its examples. Throws Diverged. */
  save(folder: string): void {
    this.checkWeights();
    const tensors = this.#stored.flatMap(([prefix, set]) =>
      set.specs.map((spec): OutgoingTensor => {
        const name = `${prefix}${spec.name}`;
        // Blocks of quantised numbers as they are: what is restored must be the same to the bit.
        return spec.dtype === 'q8_0'
          ? { name, shape: [specBytes(spec)], dtype: 'U8', data: () => set.readBytes(spec.name) }
          : { name, shape: spec.shape.toReversed(), dtype: 'F32', data: () => set.read(spec.name) };
      }),
    );
    writeSafetensors(join(folder, 'state.safetensors'), tensors);
    writeAtomic(join(folder, 'trainer.json'), JSON.stringify({ steps: this.steps }));
  }

  /** Bytes of what `save` writes: the weights that are trained, and the optimiser's moments. */
  get savedBytes(): { readonly weights: number; readonly moments: number } {
    const bytes = (specs: readonly ParameterSpec[]): number =>
      specs.reduce((total, spec) => total + specBytes(spec), 0);
    const { first, second } = this.#optimizer;
    return { weights: bytes(this.parameters.specs), moments: bytes([...first.specs, ...second.specs]) };
  }

  restore(folder: string): void {
    using file = SafetensorsFile.open(join(folder, 'state.safetensors'));
    for (const [prefix, set] of this.#stored) {
      for (const { name, dtype } of set.specs) {
        if (dtype === 'q8_0') set.setBytes(name, file.readBytes(`${prefix}${name}`));
        else set.set(name, file.readF32(`${prefix}${name}`));
      }
    }
    this.#options.weights?.reload();
    const { steps } = z
      .object({ steps: z.int().nonnegative() })
      .parse(JSON.parse(readText(join(folder, 'trainer.json'))));
    this.#optimizer.steps = steps;
  }

  [Symbol.dispose](): void {
    this.#sum[Symbol.dispose]();
    for (const [i, worker] of this.#workers.entries()) {
      worker[Symbol.dispose]();
      if (i > 0) worker.gradients[Symbol.dispose]();
    }
    this.#devices[Symbol.dispose]();
    this.#optimizer[Symbol.dispose]();
  }
}
