/**
 * The training loop, one for every method: an async generator of typed events. A stage says what one step is;
 * the loop numbers steps, saves checkpoints, stops when asked, and goes on from where a killed run was.
 */
import { isAbort, UserError } from '../base/errors.ts';
import { type DrawnSample, type Metrics, type RunEvent, type StageRun, stepEvent } from './events.ts';
import { checkpointsIn, restoreNewest, saveCheckpointStep } from './checkpoints.ts';
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
  /** Steps of the stage; each must depend on its number and the saved state alone. */
  readonly total: number;
  readonly trainer: Trainer;
  /** Notices for the user before it begins. */
  readonly warnings?: readonly string[];
  /** A step that the signal stops must leave everything as it was before. */
  step(index: number, signal: AbortSignal): Promise<StepReport>;
  /** State beyond the trainer's that a later step depends on, as JSON. */
  state(): unknown;
  restore(state: unknown): void;
}

export function metricsOf({ loss, parts, gradNorm }: Omit<StepResult, 'tokens'>, lr: number): Metrics {
  return { loss, ...parts, grad_norm: gradNorm, lr };
}

/**
 * Runs a stage's steps from its newest checkpoint on, to its end, with a checkpoint every `save_steps`; `notes` are facts
 * that a watcher is told before the first. When the signal fires, a checkpoint is saved and its reason thrown.
 */
export async function* runSteps(
  { name, kind, folder, signal, now }: StageRun,
  stage: SteppedStage,
  save_steps: number,
  notes: readonly string[] = [],
): AsyncGenerator<RunEvent, void, undefined> {
  const checkpoints = checkpointsIn(folder);
  const { step: first, warnings } = restoreNewest(checkpoints, stage);
  let [done, saved, step] = [first, first, first];
  yield { type: 'stage', stage: name, kind, total: stage.total, done };
  const note = (text: string): RunEvent => ({ type: 'waiting', stage: name, text });
  const warning = (text: string): RunEvent => ({ type: 'warning', stage: name, text });
  for (const text of [...warnings, ...(stage.warnings ?? [])]) yield warning(text);
  for (const text of notes) yield note(text);
  const save = (): RunEvent => {
    const path = saveCheckpointStep(checkpoints, done, stage.trainer, stage.state());
    saved = done;
    return { type: 'checkpoint', stage: name, step: done, path };
  };
  let complete = done >= stage.total;
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
      const { tokens, metrics, samples = [], total = stage.total } = report;
      yield stepEvent({ stage: name, step, total, tokens, seconds, metrics });
      if (samples.length > 0) yield { type: 'sample', stage: name, step, samples };
      // At its end a stage saves its model instead.
      if (!complete && done % save_steps === 0) yield save();
    }
    if (complete) stage.trainer.checkWeights();
  } catch (thrown) {
    if (thrown instanceof Diverged) {
      const kept = saved > 0 ? `the checkpoint of step ${saved} is kept` : 'there was no checkpoint yet';
      const advice =
        step === 1
          ? 'check the model and the data that it starts from, or lower lr'
          : `lower lr or raise warmup_ratio, and run again under another name (--set name=NEW) or without ${folder}`;
      const text = `Stage ${name} stopped in step ${step}: ${thrown.message}; ${kept}; ${advice}.`;
      throw new UserError('NOT_A_NUMBER', text);
    }
    // The interrupted step changed nothing: the next run repeats it.
    if (!isAbort(thrown, signal)) throw thrown;
  }
  if (!complete && saved < done) yield save();
  if (!complete) signal.throwIfAborted();
}
