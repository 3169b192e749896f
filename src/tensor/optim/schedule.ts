/** Learning-rate schedules. */
import { z } from 'zod';

const fraction = z.number().min(0).max(1);

export const scheduleOptions = {
  lr: z.number().positive().describe('peak learning rate'),
  lr_scheduler: z.enum(['cosine_with_min_lr', 'constant']).default('cosine_with_min_lr'),
  warmup_ratio: fraction.default(0.03).describe('share of the steps in which the rate rises from 0'),
  min_lr_ratio: fraction.default(0.1).describe("the cosine's floor, as a share of lr"),
};
export type ScheduleOptions = z.output<z.ZodObject<typeof scheduleOptions>>;

/** Learning rate of the 0-based `step` of `total`: linear warm-up, then a half cosine down to the floor. */
export function learningRate(options: ScheduleOptions, step: number, total: number): number {
  const warmup = Math.ceil(options.warmup_ratio * total);
  if (step < warmup) return (options.lr * (step + 1)) / warmup;
  if (options.lr_scheduler === 'constant') return options.lr;
  const progress = (step - warmup) / Math.max(1, total - warmup);
  const cosine = 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
  return options.lr * (options.min_lr_ratio + (1 - options.min_lr_ratio) * cosine);
}
