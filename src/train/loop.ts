/**
 * The training loop, one for every method: an async generator of typed events. A stage says what one step is;
 * the loop numbers steps, saves checkpoints, stops when asked, and goes on from where a killed run was.
 */
import type { DrawnSample, Metrics, RunEvent } from './events.ts';
import { restoreNewest, saveCheckpointStep } from './checkpoints.ts';
import type { StepResult, Trainer } from './trainer.ts';
import { METRICS, type MetricName } from './metrics.ts';

export interface StepReport {
  readonly tokens: number;
  readonly metrics: Metrics;
  readonly samples?: readonly DrawnSample[];
  readonly warning?: string;
  /** Set when the stage has reached its end before `total` steps (a token budget, no prompts left). */
  readonly finished?: boolean;
}

export interface SteppedStage {
  readonly name: string;
  readonly kind: string;
  /** Steps of the stage; each must depend on its number and the saved state alone. */
  readonly total: number;
  readonly trainer: Trainer;
  readonly saveSteps: number;
  step(index: number, signal: AbortSignal): Promise<StepReport>;
  /** State beyond the trainer's that a later step depends on, as JSON. */
  state(): unknown;
  restore(state: unknown): void;
}

export interface LoopOptions {
  /** Folder of the stage's checkpoints. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Milliseconds since some fixed moment. */
  readonly now: () => number;
}

/** What a trainer's step gives as metrics. */
export function metricsOf(result: StepResult, lr: number): Metrics {
  const parts = Object.fromEntries(
    Object.entries(result.parts).filter(([name]) => name in METRICS),
  ) as Partial<Record<MetricName, number>>;
  return { loss: result.loss, ...parts, grad_norm: result.gradNorm, lr };
}

/** Runs a stage's steps from its newest checkpoint on. When `signal` fires, a checkpoint is saved and the loop ends. */
export async function* runSteps(stage: SteppedStage, options: LoopOptions): AsyncGenerator<RunEvent> {
  const { folder, signal, now } = options;
  const restored = restoreNewest(folder, stage.trainer);
  if (restored !== undefined) stage.restore(restored.state);
  let done = restored?.step ?? 0;
  yield { type: 'stage', stage: stage.name, kind: stage.kind, total: stage.total, done };
  const save = (): RunEvent => ({
    type: 'checkpoint',
    stage: stage.name,
    step: done,
    path: saveCheckpointStep(folder, done, stage.trainer, stage.state()),
  });
  let lastSaved = done;
  while (done < stage.total) {
    const start = now();
    let report: StepReport;
    try {
      report = await stage.step(done, signal);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      // The interrupted step changed nothing: the next run repeats it.
      break;
    }
    done += 1;
    const seconds = (now() - start) / 1000;
    if (report.warning !== undefined) yield { type: 'warning', stage: stage.name, text: report.warning };
    const metrics: Metrics = {
      ...report.metrics,
      tokens_per_second: seconds > 0 ? report.tokens / seconds : 0,
      memory_mb: process.memoryUsage().rss / 2 ** 20,
    };
    yield {
      type: 'step',
      stage: stage.name,
      step: done,
      total: stage.total,
      tokens: report.tokens,
      seconds,
      metrics,
    };
    if (report.samples !== undefined && report.samples.length > 0) {
      yield { type: 'sample', stage: stage.name, step: done, samples: report.samples };
    }
    if (report.finished === true) break;
    if (signal.aborted) break;
    if (done % stage.saveSteps === 0) {
      yield save();
      lastSaved = done;
    }
  }
  if (signal.aborted && lastSaved < done) yield save();
}
