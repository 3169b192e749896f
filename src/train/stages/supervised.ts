/** Stages that take their examples from a fixed source: pre-training, supervised fine-tuning, distillation. */
import { Rng } from '../../base/rng.ts';
import { learningRate, type ScheduleOptions } from '../../tensor/schedule.ts';
import { rowCount, type TrainExample } from '../examples.ts';
import { metricsOf, type StepReport, type SteppedStage } from '../loop.ts';
import type { Trainer } from '../trainer.ts';

/** Examples of the 0-based step `step`; must depend on nothing else. */
export type ExampleSource = (step: number) => readonly TrainExample[];

export interface SupervisedOptions {
  readonly name: string;
  readonly kind: string;
  readonly total: number;
  readonly trainer: Trainer;
  readonly saveSteps: number;
  readonly schedule: ScheduleOptions;
  readonly examples: ExampleSource;
  /** Stop after this many tokens that count. */
  readonly tokenBudget?: number;
}

/** A stage of plain optimisation. */
export function supervisedStage(options: SupervisedOptions): SteppedStage {
  const { name, kind, total, trainer, saveSteps, schedule, examples, tokenBudget } = options;
  let trained = 0;
  return {
    name,
    kind,
    total,
    trainer,
    saveSteps,
    async step(index): Promise<StepReport> {
      const batch = examples(index);
      const lr = learningRate(schedule, index, total);
      const result = await trainer.step(batch, lr);
      trained += batch.reduce((sum, example) => sum + rowCount(example), 0);
      return {
        tokens: result.tokens,
        metrics: metricsOf(result, lr),
        finished: tokenBudget !== undefined && trained >= tokenBudget,
      };
    },
    state: () => ({ trained }),
    restore(state) {
      if (typeof state === 'object' && state !== null && 'trained' in state) trained = Number(state.trained);
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
