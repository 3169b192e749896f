/** Losses, and the parts that they are made of; all.ts lists them. */
import * as losses from './all.ts';

export { losses };
export { adaptiveHead } from './distillation.ts';
export {
  COMMON_INPUTS,
  type MetricDeclaration,
  type Objective,
  type ObjectiveResult,
  rowInput,
  type RowInputs,
  type RowInputSpec,
  type SequenceObjective,
} from './objective.ts';
