/** A model that is trained step by step, in a loop of the caller's own. `runRecipe` has one with checkpoints. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../src/base/errors.ts';
import { Owned } from '../../../src/base/owned.ts';
import { tokenizerFilesOf } from '../../../src/chat/gguf-tokenizer.ts';
import type { Dialogue } from '../../../src/chat/messages.ts';
import { ChatTemplate } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { groupByTools } from '../../../src/data/dialogues.ts';
import { Device } from '../../../src/ggml/device.ts';
import { crossEntropy } from '../../../src/losses/all.ts';
import type { Objective } from '../../../src/losses/objective.ts';
import {
  loadModel,
  type LoadModelOptions,
  saveCheckpoint,
} from '../../../src/model/checkpoint/checkpoint.ts';
import { checkpointAt, requireCheckpoint } from '../../../src/model/checkpoint/checkpoint-path.ts';
import { GROUP_LIMIT } from '../../../src/stages/lessons.ts';
import { computeOptions, type OpenModel } from '../../../src/stages/stage.ts';
import {
  openForTraining,
  type TrainableModel,
  trainerFor,
  trainingOptions,
} from '../../../src/stages/training.ts';
import { groupExample } from '../../../src/train/shared-prefix.ts';
import type { TrainExample } from '../../../src/train/examples.ts';
import { type StepResult, type Trainer as Steps, trainerOptions } from '../../../src/train/trainer.ts';
import type { LoadOptions } from './model.ts';

const schema = z.strictObject({
  lr: trainingOptions.lr.default(1e-4),
  lora: trainingOptions.lora,
  ...trainerOptions,
  ...computeOptions,
});

/** Options of `openTrainer`: those of a recipe's training stages, by the same names and with the same defaults. */
export type TrainerOptions = z.input<typeof schema> &
  Pick<LoadOptions, 'device' | 'threads'> & {
    /** Loss to minimise; cross-entropy unless told. */
    readonly loss?: Objective;
    /** Seed of what is drawn at random, such as LoRA's first matrices. */
    readonly seed?: number;
  };

/** Parses options with their defaults; throws a UserError that lists all that is wrong. */
function parseOptions(given: unknown): z.output<typeof schema> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => [...path.map(String), message].join(': '));
  throw new UserError('OPTIONS', `openTrainer was given wrong options: ${faults.join('; ')}.`);
}

/** Numbers of one optimiser step. */
export interface TrainedStep extends Omit<StepResult, 'parts'> {
  /** Parts that the loss logs beside it, by the names of its `metrics`. */
  readonly parts: Readonly<Record<string, number>>;
}

/** A model with an optimiser. Its memory is outside of JavaScript's heap: take it with `using`, or `close()` it. */
export class Trainer implements Disposable {
  readonly #source: string;
  readonly #model: TrainableModel;
  readonly #steps: Steps;
  readonly #lr: number;
  readonly #owned = new Owned();

  /** Use `openTrainer`. */
  constructor(path: string, given: TrainerOptions) {
    const { loss = crossEntropy(), device = 'cpu', threads, seed = 0, ...rest } = given;
    const options = parseOptions(rest);
    requireCheckpoint(path);
    const source = checkpointAt(path);
    [this.#source, this.#lr] = [source, options.lr];
    const tokenizer = Tokenizer.load(source);
    const template = ChatTemplate.of(tokenizer).fixed(undefined);
    [this.#model, this.#steps] = this.#owned.opening(() => {
      const opened = this.#owned.add(Device.open(device, threads ?? availableParallelism()));
      const load = (how: LoadModelOptions): OpenModel => {
        const loaded = loadModel(opened, source, how);
        const { parameters } = loaded;
        return { ...loaded, tokenizer, template, [Symbol.dispose]: () => parameters[Symbol.dispose]() };
      };
      const model = this.#owned.add(openForTraining(load, options, seed));
      const folder = mkdtempSync(join(tmpdir(), 'tinystar-'));
      this.#owned.add({ [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) });
      return [model, this.#owned.add(trainerFor(model, options, loss, folder))];
    });
  }

  get steps(): number {
    return this.#steps.steps;
  }

  /**
   * Examples of dialogues whose last message is the right answer; neighbours with the same `tools` array share their
   * prompt, which is computed once. For losses that want more than tokens: fill in `inputs` before `step`.
   */
  examples(dialogues: readonly Dialogue[]): TrainExample[] {
    return groupByTools(dialogues, GROUP_LIMIT).map(({ start, count }) =>
      groupExample(dialogues.slice(start, start + count), this.#model),
    );
  }

  /**
   * One optimiser step on a batch: gradients of all of it, clipped to `max_norm`, then the optimiser at learning rate
   * `lr`. Throws, with nothing changed, when loss or gradient is not a number, or the signal's reason when it fires.
   */
  async step(
    batch: readonly (Dialogue | TrainExample)[],
    options: { readonly lr?: number; readonly signal?: AbortSignal } = {},
  ): Promise<TrainedStep> {
    const dialogues = batch.filter((one) => 'messages' in one);
    const examples = batch.filter((one) => 'completions' in one);
    const all = [...examples, ...this.examples(dialogues)];
    return this.#steps.step(all, options.lr ?? this.#lr, options.signal);
  }

  /** Saves the model as a Hugging Face folder with its tokenizer, LoRA merged; an older one is replaced at once. */
  save(folder: string): void {
    const { config, training, parameters, tokenizer } = this.#model;
    this.#steps.checkWeights();
    saveCheckpoint(folder, config, training ?? parameters, {
      tokenizerFiles: tokenizerFilesOf(this.#source),
      stopIds: tokenizer.stopIds,
    });
  }

  /** Frees what it holds; it is of no use afterwards. */
  close(): void {
    this.#owned[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a checkpoint (a Hugging Face folder or a GGUF file) to be trained.
 *
 * @example
 * using trainer = openTrainer(bases.student, { loss: crossEntropy(), lr: 1e-3 });
 * for (let i = 0; i < 10; i++) {
 *   const { loss } = await trainer.step(dialogues);
 *   console.log(trainer.steps, loss);
 * }
 * trainer.save('my-model');
 */
export const openTrainer = (path: string, options: TrainerOptions = {}): Trainer =>
  new Trainer(path, options);
