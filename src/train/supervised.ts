/** Stages that take their examples from a fixed source: pre-training, supervised fine-tuning, distillation. */
import { z } from 'zod';
import { Rng } from '../base/rng.ts';
import { learningRate, type ScheduleOptions } from '../tensor/optim/schedule.ts';
import type { DrawnSample } from './events.ts';
import { rowCount, type TrainExample } from './examples.ts';
import { metricsOf, type StepReport, type SteppedStage } from './loop.ts';
import type { Trainer } from './trainer.ts';

/** Examples of the 0-based step `step`; must depend on nothing else. */
export type ExampleSource = (
  step: number,
  signal: AbortSignal,
) => readonly TrainExample[] | Promise<readonly TrainExample[]>;

export interface SupervisedOptions {
  readonly name: string;
  readonly kind: string;
  readonly total: number;
  readonly trainer: Trainer;
  readonly saveSteps: number;
  readonly schedule: ScheduleOptions;
  readonly examples: ExampleSource;
  /** Tells whether making examples needs the device; otherwise those of the next step are made while one is computed. */
  readonly onDevice?: boolean;
  /** Stop after this many tokens that count. */
  readonly tokenBudget?: number | undefined;
  /** Notices for the user before it begins. */
  readonly warnings?: readonly string[];
  /** Some of what it learns from, to be shown with the first step. */
  readonly shown?: readonly DrawnSample[];
}

const saved = z.object({ trained: z.int().nonnegative() });

/**
 * Makes the examples of a step ahead of it, when asked to. What making them throws is thrown when their step comes.
 * One step is kept at most.
 */
class Ahead {
  readonly #examples: ExampleSource;
  #next: { readonly step: number; readonly batch: Promise<readonly TrainExample[]> } | undefined;

  constructor(examples: ExampleSource) {
    this.#examples = examples;
  }

  prepare(step: number, signal: AbortSignal): void {
    const batch = (async () => this.#examples(step, signal))();
    // It is waited for later; until then a failure is nobody's.
    batch.catch(() => undefined);
    this.#next = { step, batch };
  }

  async of(step: number, signal: AbortSignal): Promise<readonly TrainExample[]> {
    const known = this.#next;
    this.#next = undefined;
    return known?.step === step ? known.batch : this.#examples(step, signal);
  }
}

/** A stage of plain optimisation. */
export function supervisedStage(options: SupervisedOptions): SteppedStage {
  const { name, kind, total, trainer, saveSteps, schedule, examples, tokenBudget } = options;
  const { warnings = [], shown = [], onDevice = false } = options;
  const ahead = new Ahead(examples);
  let trained = 0;
  return {
    name,
    kind,
    total,
    trainer,
    saveSteps,
    warnings,
    async step(index, signal): Promise<StepReport> {
      const batch = await ahead.of(index, signal);
      const lr = learningRate(schedule, index, total);
      const running = trainer.step(batch, lr, signal);
      // The first batches are being computed by now, on other threads.
      if (!onDevice && index + 1 < total) ahead.prepare(index + 1, signal);
      const result = await running;
      trained += batch.reduce((sum, example) => sum + rowCount(example), 0);
      return {
        tokens: result.tokens,
        metrics: metricsOf(result, lr),
        samples: index === 0 ? shown : [],
        finished: tokenBudget !== undefined && trained >= tokenBudget,
      };
    },
    state: () => ({ trained }),
    restore(state) {
      ({ trained } = saved.parse(state));
    },
  };
}

/** The indices of epoch after epoch over `count` items, each epoch shuffled by its own stream of `seed`. */
export function epochOrder(count: number, seed: number): (position: number) => number {
  let epoch = -1;
  let order: number[] = [];
  return (position) => {
    const wanted = Math.floor(position / count);
    if (wanted !== epoch) {
      epoch = wanted;
      order = Rng.seeded(seed, `epoch:${epoch}`).shuffled(Array.from({ length: count }, (_, i) => i));
    }
    return order[position % count] ?? 0;
  };
}

/** As `epochOrder` over the items of consecutive groups of these sizes: groups are shuffled, their items stay together. */
export function groupedOrder(sizes: readonly number[], seed: number): (position: number) => number {
  const groupAt = epochOrder(sizes.length, seed);
  const starts: number[] = [];
  let count = 0;
  for (const size of sizes) {
    starts.push(count);
    count += size;
  }
  let epoch = -1;
  let order: number[] = [];
  return (position) => {
    const wanted = Math.floor(position / count);
    if (wanted !== epoch) {
      epoch = wanted;
      order = sizes.flatMap((_, i) => {
        const group = groupAt(epoch * sizes.length + i);
        return Array.from({ length: sizes[group] ?? 0 }, (__, item) => (starts[group] ?? 0) + item);
      });
    }
    return order[position % count] ?? 0;
  };
}

/** An example that is made when its turn comes: a teacher's top-k of a whole data set need not fit in memory. */
export interface PendingExample {
  /** Its completions. */
  readonly sequences: number;
  /** Its tokens that count. */
  readonly rows: number;
  make(signal: AbortSignal): TrainExample | Promise<TrainExample>;
}

export interface EpochOptions {
  /** Sequences an optimiser step. */
  readonly batch: number;
  readonly epochs: number;
  readonly tokenBudget: number | undefined;
  readonly seed: number;
}

/**
 * Examples by step: whole ones in epoch order, as many as make `batch` sequences on average; what is left over at
 * the end of the last epoch is dropped. With a token budget, `total` ends the schedule about where the budget ends.
 */
export function epochSource(
  examples: readonly PendingExample[],
  { batch, epochs, tokenBudget, seed }: EpochOptions,
): { examples: ExampleSource; total: number } {
  const count = examples.length;
  const sequences = examples.reduce((n, example) => n + example.sequences, 0);
  const perStep = Math.min(count, Math.max(1, Math.round((batch * count) / sequences)));
  const order = epochOrder(count, seed);
  const source: ExampleSource = async (step, signal) => {
    const made: TrainExample[] = [];
    for (let i = 0; i < perStep; i++) {
      const example = examples[order(step * perStep + i)];
      if (example !== undefined) made.push(await example.make(signal));
    }
    return made;
  };
  const steps = Math.floor((count * epochs) / perStep);
  if (tokenBudget === undefined) return { examples: source, total: steps };
  const rows = examples.reduce((n, example) => n + example.rows, 0);
  const wanted = Math.ceil((tokenBudget * count) / (rows * perStep));
  return { examples: source, total: Math.min(steps, wanted) };
}
