/** Stages that take their examples from a fixed source: pre-training, supervised fine-tuning, distillation. */
import { z } from 'zod';
import { Rng } from '../base/rng.ts';
import { learningRate, type ScheduleOptions } from '../tensor/optim/schedule.ts';
import type { DrawnSample } from './events.ts';
import { rowCount, type TrainExample } from './examples.ts';
import { metricsOf, type StepReport, type SteppedStage } from './loop.ts';

/** Examples of the 0-based step `step`; must depend on nothing else. */
export type ExampleSource = (
  step: number,
  signal: AbortSignal,
) => readonly TrainExample[] | Promise<readonly TrainExample[]>;

export interface SupervisedOptions extends Pick<SteppedStage, 'trainer' | 'total' | 'warnings'> {
  readonly examples: ExampleSource;
  readonly options: ScheduleOptions & { readonly token_budget?: number };
  /** Tells whether making examples needs the device; otherwise those of the next step are made while one is computed. */
  readonly onDevice?: boolean;
  /** Looks at the first step's examples, and says what there is to say of them; throws a UserError where they teach nothing. */
  readonly check?: (examples: readonly TrainExample[]) => string;
  /** Some of what it learns from, to be shown with the first step. */
  readonly shown?: readonly DrawnSample[];
}

const saved = z.object({ trained: z.int().nonnegative() });

export function supervisedStage(given: SupervisedOptions): SteppedStage {
  const { trainer, examples, total, options, check, warnings = [], shown = [] } = given;
  let trained = 0;
  /** Examples of a step ahead; what making them throws is thrown when their step comes. */
  let ahead: { readonly step: number; readonly batch: Promise<readonly TrainExample[]> } | undefined;
  return {
    total,
    trainer,
    warnings,
    async step(index, signal): Promise<StepReport> {
      const known = ahead?.step === index ? ahead.batch : undefined;
      ahead = undefined;
      const batch = await (known ?? examples(index, signal));
      const notes = index === 0 && check !== undefined ? [check(batch)] : [];
      const lr = learningRate(options, index, total);
      const running = trainer.step(batch, lr, signal);
      // The first batches are being computed by now, on other threads.
      if (given.onDevice !== true && index + 1 < total) {
        const next = (async () => examples(index + 1, signal))();
        // It is waited for later; until then a failure is nobody's.
        next.catch(() => undefined);
        ahead = { step: index + 1, batch: next };
      }
      const result = await running;
      trained += batch.reduce((sum, example) => sum + rowCount(example), 0);
      return {
        tokens: result.tokens,
        metrics: metricsOf(result, lr),
        samples: index === 0 ? shown : [],
        notes,
        finished: options.token_budget !== undefined && trained >= options.token_budget,
      };
    },
    state: () => ({ trained }),
    restore(state) {
      ({ trained } = saved.parse(state));
    },
  };
}

/** The items at positions that count on from epoch to epoch, of which each has its own order of `count` items. */
function epochs(count: number, orderOf: (epoch: number) => readonly number[]): (position: number) => number {
  let known: { readonly epoch: number; readonly order: readonly number[] } = { epoch: -1, order: [] };
  return (position) => {
    const epoch = Math.floor(position / count);
    if (epoch !== known.epoch) known = { epoch, order: orderOf(epoch) };
    return known.order[position % count] ?? 0;
  };
}

/** The indices of epoch after epoch over `count` items, each epoch shuffled by its own stream of `seed`. */
export function epochOrder(count: number, seed: number): (position: number) => number {
  const items = Array.from({ length: count }, (_, i) => i);
  return epochs(count, (epoch) => Rng.seeded(seed, `epoch:${epoch}`).shuffled(items));
}

/** As `epochOrder` over the items of consecutive groups of these sizes: groups are shuffled, their items stay together. */
export function groupedOrder(sizes: readonly number[], seed: number): (position: number) => number {
  const groupAt = epochOrder(sizes.length, seed);
  let count = 0;
  const groups = sizes.map((size) => Array.from({ length: size }, () => count++));
  return epochs(count, (epoch) => groups.flatMap((_, i) => groups[groupAt(epoch * groups.length + i)] ?? []));
}

/** An example that is made when its turn comes: a teacher's top-k of a whole data set need not fit in memory. */
export interface PendingExample {
  /** Its completions. */
  readonly sequences: number;
  /** Its tokens that count. */
  readonly rows: number;
  make(signal: AbortSignal): TrainExample | Promise<TrainExample>;
}

/**
 * Examples by step: whole ones in epoch order, as many as make `train_batch_size` sequences on average; what is left over at
 * the end of the last epoch is dropped. With a token budget, `total` ends the schedule about where the budget ends.
 */
export function epochSource(
  examples: readonly PendingExample[],
  options: { readonly train_batch_size: number; readonly max_epochs: number; readonly token_budget?: number },
  seed: number,
): { examples: ExampleSource; total: number } {
  const { train_batch_size, max_epochs, token_budget } = options;
  const count = examples.length;
  const sequences = examples.reduce((n, example) => n + example.sequences, 0);
  const perStep = Math.min(count, Math.max(1, Math.round((train_batch_size * count) / sequences)));
  const order = epochOrder(count, seed);
  const source: ExampleSource = async (step, signal) => {
    const made: TrainExample[] = [];
    for (let i = 0; i < perStep; i++) {
      const example = examples[order(step * perStep + i)];
      if (example !== undefined) made.push(await example.make(signal));
    }
    return made;
  };
  const steps = Math.floor((count * max_epochs) / perStep);
  if (token_budget === undefined) return { examples: source, total: steps };
  const rows = examples.reduce((n, example) => n + example.rows, 0);
  const wanted = Math.ceil((token_budget * count) / (rows * perStep));
  return { examples: source, total: Math.min(steps, wanted) };
}
