/** Learning-rate schedules. */
export type SchedulerName = 'cosine_with_min_lr' | 'constant';

export interface ScheduleOptions {
  readonly scheduler: SchedulerName;
  readonly lr: number;
  /** Share of the steps with a linear rise from 0. */
  readonly warmupRatio: number;
  /** Floor, as a share of `lr`. */
  readonly minLrRatio: number;
}

/** Learning rate of the 0-based `step` of `total`: linear warm-up, then a half cosine down to the floor. */
export function learningRate(options: ScheduleOptions, step: number, total: number): number {
  const warmup = Math.ceil(options.warmupRatio * total);
  if (step < warmup) return (options.lr * (step + 1)) / warmup;
  if (options.scheduler === 'constant') return options.lr;
  const progress = (step - warmup) / Math.max(1, total - warmup);
  const cosine = 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
  return options.lr * (options.minLrRatio + (1 - options.minLrRatio) * cosine);
}
