/**
 * Events of a run: one stream of typed events. The progress bar, the metrics log, the report and
 * the tests are consumers of this stream and of nothing else.
 */
import type { MetricName } from './metrics.ts';

export type Metrics = Partial<Record<MetricName, number>>;

export interface StageRun {
  readonly name: string;
  readonly kind: string;
  /** The stage's own seed, or one derived from the recipe's and its name. */
  readonly seed: number;
  readonly folder: string;
  /** Asks for a stop after the current step, with a checkpoint. */
  readonly signal: AbortSignal;
  /** Milliseconds since some fixed moment. */
  readonly now: () => number;
}

export function entriesOf(metrics: Metrics): [MetricName, number][] {
  return Object.entries(metrics) as [MetricName, number][];
}

/** Means of the metrics that several things have in common. */
export function meanMetrics(all: readonly Metrics[]): Metrics {
  const names = entriesOf(all[0] ?? {}).map(([name]) => name);
  return Object.fromEntries(
    names.map((name) => [name, all.reduce((sum, metrics) => sum + (metrics[name] ?? 0), 0) / all.length]),
  );
}

/** One drawn completion with its reward, for samples.jsonl and the report. */
export interface DrawnSample {
  readonly id: string;
  readonly prompt: string;
  readonly generation: string;
  readonly reward: number;
}

export type RunEvent = { readonly stage: string } & (
  | {
      readonly type: 'stage';
      readonly kind: string;
      readonly total: number;
      readonly done: number;
      /** Metrics worth watching: the first one that a step has; else the loss. */
      readonly watch?: readonly MetricName[];
      /** Trainer of the stage, with versions, where that is not this program. */
      readonly by?: string;
    }
  | {
      readonly type: 'step';
      /** 1-based number of the optimisation step (or prompt batch) that just ended. */
      readonly step: number;
      readonly total: number;
      /** Tokens that went through the model in this step, padding excluded. */
      readonly tokens: number;
      readonly seconds: number;
      readonly metrics: Metrics;
    }
  | { readonly type: 'sample'; readonly step: number; readonly samples: readonly DrawnSample[] }
  | { readonly type: 'checkpoint'; readonly step: number; readonly path: string }
  /** Wait, or a fact of what begins, that a watcher is told of; of no interest later. */
  | { readonly type: 'waiting'; readonly text: string }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'done'; readonly seconds: number; readonly outputs: Readonly<Record<string, string>> }
);

type StepEvent = Extract<RunEvent, { readonly type: 'step' }>;

/** A step that has ended, with its speed and the memory of the process beside its own metrics. */
export function stepEvent(step: Omit<StepEvent, 'type'>): RunEvent {
  const { tokens, seconds, metrics } = step;
  const measured = {
    tokens_per_second: seconds > 0 ? tokens / seconds : 0,
    memory_mb: process.memoryUsage().rss / 2 ** 20,
  };
  return { type: 'step', ...step, metrics: { ...metrics, ...measured } };
}

/** Prompts of a step whose samples are shown, and samples of each. */
export const SHOWN = 2;

/** Some of the samples that were drawn, if there are any. */
export function* sampleEvents(stage: string, step: number, prompts: readonly Drawn[]): Generator<RunEvent> {
  const samples = someSamples(prompts);
  if (samples.length > 0) yield { type: 'sample', stage, step, samples };
}

interface Drawn {
  readonly id: string;
  readonly prompt: string;
  readonly samples: readonly { readonly text: string; readonly reward: number }[];
}

export const someSamples = (prompts: readonly Drawn[]): DrawnSample[] =>
  prompts
    .slice(0, SHOWN)
    .flatMap(({ id, prompt, samples }) =>
      samples.slice(0, SHOWN).map(({ text: generation, reward }) => ({ id, prompt, generation, reward })),
    );
