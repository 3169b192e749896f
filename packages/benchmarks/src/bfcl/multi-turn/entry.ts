/** One entry of a multi-turn category. */
import { UserError } from '../../../../../src/base/errors.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../../../../src/json/python.ts';
import type { LongContext } from './long-context.ts';

export interface MultiTurnEntry {
  readonly id: string;
  /** First state of each class, by its name. */
  readonly initialConfig: PyDict;
  readonly involvedClasses: readonly string[];
  /** The calls of each turn, as text. */
  readonly groundTruth: readonly (readonly string[])[];
  /** The constants that make outputs long; present exactly in the categories of long context. */
  readonly longContext: LongContext | undefined;
}

/** Tells whether an entry or category belongs to the long context, by its name. */
export function isLongContext(name: string): boolean {
  return name.includes('long_context') || name.includes('composite');
}

function isText(value: PyValue): value is string {
  return typeof value === 'string';
}

/** A list of texts; throws a UserError otherwise. */
function texts(value: PyValue | undefined, where: string): readonly string[] {
  if (isList(value) && value.every(isText)) return value;
  throw new UserError('MULTI_TURN_ENTRY', `${where} has to be a list of texts.`);
}

/**
 * Puts an entry together from its row of questions and its row of possible answers. `longContext` is left aside for categories that have
 * none, and has to be there for the others. Throws a UserError for rows that lack a field.
 */
export function readMultiTurnEntry(
  question: PyDict,
  answer: PyDict,
  longContext: LongContext | undefined,
): MultiTurnEntry {
  const id = question.get('id');
  if (typeof id !== 'string')
    throw new UserError('MULTI_TURN_ENTRY', 'A multi-turn entry has no id, which has to be a text.');
  const initialConfig = question.get('initial_config');
  const groundTruth = answer.get('ground_truth');
  if (!isDict(initialConfig))
    throw new UserError('MULTI_TURN_ENTRY', `initial_config of ${id} has to be an object.`);
  if (!isList(groundTruth))
    throw new UserError('MULTI_TURN_ENTRY', `ground_truth of ${id} has to be a list of turns.`);
  const long = isLongContext(id);
  if (long && longContext === undefined) {
    throw new UserError(
      'LONG_CONTEXT',
      `${id} needs the benchmark's long-context constants, which were not found; put long_context.py, of the official program, beside its data.`,
    );
  }
  return {
    id,
    initialConfig,
    involvedClasses: texts(question.get('involved_classes'), `involved_classes of ${id}`),
    groundTruth: groundTruth.map((turn, i) => texts(turn, `Turn ${i} of ground_truth of ${id}`)),
    longContext: long ? longContext : undefined,
  };
}
