/**
 * The training loop, one for every method: an async generator of typed events. A stage says what one step is;
 * the loop numbers steps, saves checkpoints, stops when asked, and goes on from where a killed run was.
 */
import { dirname } from 'node:path';
import { isAbort, UserError } from '../base/errors.ts';
import { type DrawnSample, type Metrics, type RunEvent, stepEvent } from './events.ts';
import { restoreNewest, saveCheckpointStep } from './checkpoints.ts';
import { Diverged, type StepResult, type Trainer } from './trainer.ts';

export interface StepReport {
  /** Steps that the stage will have, as far as is known now; without it, the stage's own total. */
  readonly total?: number;
  readonly tokens: number;
  readonly metrics: Metrics;
  readonly samples?: readonly DrawnSample[];
  readonly warnings?: readonly string[];
  /** Facts that a watcher is told. */
  readonly notes?: readonly string[];
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
  /** Notices for the user before it begins. */
  readonly warnings?: readonly string[];
  /** A step that the signal stops must leave everything as it was before. */
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
  /** Facts that a watcher is told before the first step. */
  readonly notes?: readonly string[];
}

/** Metrics of a trainer's step. */
export function metricsOf(result: StepResult, lr: number): Metrics {
  return { loss: result.loss, ...result.parts, grad_norm: result.gradNorm, lr };
}

function divergedError(
  stage: SteppedStage,
  step: number,
  saved: number,
  folder: string,
  what: string,
): UserError {
  const kept = saved > 0 ? `the checkpoint of step ${saved} is kept` : 'there was no checkpoint yet';
  const advice =
    step === 1
      ? 'check the model and the data that it starts from, or lower lr'
      : `lower lr or raise warmup_ratio, and run again under another name (--set name=NEW) or without ${dirname(folder)}`;
  return new UserError(
    'NOT_A_NUMBER',
    `Stage ${stage.name} stopped in step ${step}: ${what}; ${kept}; ${advice}.`,
  );
}

/**
 * Runs a stage's steps from its newest checkpoint on, to its end. When `signal` fires, a checkpoint is saved and its
 * reason thrown.
 */
export async function* runSteps(
  stage: SteppedStage,
  { folder, signal, now, notes = [] }: LoopOptions,
): AsyncGenerator<RunEvent, void, undefined> {
  const restored = restoreNewest(folder, stage);
  let done = restored?.step ?? 0;
  let saved = done;
  yield { type: 'stage', stage: stage.name, kind: stage.kind, total: stage.total, done };
  const note = (text: string): RunEvent => ({ type: 'waiting', stage: stage.name, text });
  const warning = (text: string): RunEvent => ({ type: 'warning', stage: stage.name, text });
  for (const text of [...(restored?.warnings ?? []), ...(stage.warnings ?? [])]) yield warning(text);
  for (const text of notes) yield note(text);
  const save = (): RunEvent => {
    const path = saveCheckpointStep(folder, done, stage.trainer, stage.state());
    saved = done;
    return { type: 'checkpoint', stage: stage.name, step: done, path };
  };
  let complete = done >= stage.total;
  let step = done;
  try {
    while (!complete && !signal.aborted) {
      const start = now();
      step = done + 1;
      const report = await stage.step(done, signal);
      done = step;
      complete = report.finished === true || done >= stage.total;
      const seconds = (now() - start) / 1000;
      for (const text of report.warnings ?? []) yield warning(text);
      for (const text of report.notes ?? []) yield note(text);
      const { tokens, metrics, total = stage.total } = report;
      yield stepEvent({ stage: stage.name, step, total, tokens, seconds, metrics });
      if (report.samples !== undefined && report.samples.length > 0) {
        yield { type: 'sample', stage: stage.name, step: done, samples: report.samples };
      }
      // At its end a stage saves its model instead.
      if (!complete && done % stage.saveSteps === 0) yield save();
    }
    if (complete) stage.trainer.checkWeights();
  } catch (thrown) {
    if (thrown instanceof Diverged) throw divergedError(stage, step, saved, folder, thrown.message);
    // The interrupted step changed nothing: the next run repeats it.
    if (!isAbort(thrown, signal)) throw thrown;
  }
  if (!complete && saved < done) yield save();
  if (!complete) signal.throwIfAborted();
}
