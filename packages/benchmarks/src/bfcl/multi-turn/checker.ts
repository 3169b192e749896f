/**
 * The multi-turn checker of BFCL v3: after each turn the model's instances have to be in the state of the ground truth's, and what the
 * ground truth's calls returned in that turn has to be among all that the model's calls have returned so far.
 */
import type { MultiTurnEntry } from './entry.ts';
import { Shared } from './shared.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';

export type MultiTurnError =
  | 'multi_turn:force_terminated'
  | 'multi_turn:empty_turn_model_response'
  | 'multi_turn:instance_state_mismatch'
  | 'multi_turn:execution_response_mismatch';

export type MultiTurnVerdict =
  | { readonly valid: true }
  | {
      readonly valid: false;
      readonly errorType: MultiTurnError;
      readonly message: string;
      /** The attributes that differ, or the results that are missing. */
      readonly details: readonly string[];
    };

/** Calls of a model: turn, step, call. */
export type DecodedTurns = readonly (readonly (readonly string[])[])[];

export interface CheckOptions extends Pick<SimulationOptions, 'modelName' | 'today' | 'shared'> {
  /** Is handed the results of each of the model's turns that was executed, step by step. */
  readonly onTurn?: (results: readonly (readonly string[])[]) => void;
}

function wrong(
  errorType: MultiTurnError,
  message: string,
  details: readonly string[] = [],
): MultiTurnVerdict {
  return { valid: false, errorType, message, details };
}

/** Counts of each result. */
class ResultPool {
  readonly #counts = new Map<string, number>();

  add(results: readonly string[]): void {
    for (const result of results) this.#counts.set(result, (this.#counts.get(result) ?? 0) + 1);
  }

  /** Those of `wanted` without a partner of their own. */
  missing(wanted: readonly string[]): string[] {
    const taken = new Map<string, number>();
    return wanted.filter((result) => {
      const before = taken.get(result) ?? 0;
      taken.set(result, before + 1);
      return before >= (this.#counts.get(result) ?? 0);
    });
  }
}

/** The first class whose instances differ; undefined where none do. */
function stateMismatch(model: Simulation, truth: Simulation): MultiTurnVerdict | undefined {
  for (const [i, instance] of truth.instances.entries()) {
    const details = model.instances[i]?.differences(instance) ?? [];
    if (details.length > 0) {
      const message = `Model instance for ${instance.className} does not match the state with ground truth instance.`;
      return wrong('multi_turn:instance_state_mismatch', message, details);
    }
  }
  return undefined;
}

/**
 * Judges the calls that a model made in an entry, by turn and step; steps that decoded to nothing have to be left out before.
 * Throws a UserError where the entry itself is broken.
 */
export function checkMultiTurn(
  entry: MultiTurnEntry,
  decodedTurns: DecodedTurns,
  options: CheckOptions = {},
): MultiTurnVerdict {
  const { onTurn, shared = new Shared(), ...others } = options;
  const simulationOptions = { ...others, shared };
  const { groundTruth } = entry;
  if (decodedTurns.length !== groundTruth.length) {
    return wrong(
      'multi_turn:force_terminated',
      `The model answered ${decodedTurns.length} turns of ${groundTruth.length}: it was stopped before the end.`,
    );
  }
  const model = new Simulation(entry, { ...simulationOptions, side: 'model' });
  const truth = new Simulation(entry, { ...simulationOptions, side: 'ground_truth' });
  const soFar = new ResultPool();
  for (const [turn, wanted] of groundTruth.entries()) {
    const steps = decodedTurns[turn] ?? [];
    const results = steps.map((step) => model.execute(step));
    onTurn?.(results);
    soFar.add(results.flat());
    const truths = truth.execute(wanted);
    // Anything goes where no call is wanted; it only acts on what comes after.
    if (wanted.length === 0) continue;
    if (steps.length === 0 || (steps.length === 1 && steps[0]?.length === 0)) {
      const message = `Model response list is empty for turn ${turn}`;
      return wrong('multi_turn:empty_turn_model_response', message);
    }
    const mismatch = stateMismatch(model, truth);
    if (mismatch !== undefined) return mismatch;
    const missing = soFar.missing(truths);
    if (missing.length > 0) {
      const message = `Model response execution results so far does not contain all the ground truth response execution results for turn ${turn}.`;
      return wrong('multi_turn:execution_response_mismatch', message, missing);
    }
  }
  return { valid: true };
}
