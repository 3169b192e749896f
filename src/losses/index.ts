/** Every loss. A new one is one file here and one line in this index. */
import { crossEntropy } from './cross-entropy.ts';
import { distillation } from './distillation.ts';
import { policyGradient } from './policy-gradient.ts';
import { preference } from './preference.ts';

export const losses = { crossEntropy, distillation, policyGradient, preference } as const;

export { adaptiveHead } from './distillation.ts';
export {
  COMMON_INPUTS,
  defineLoss,
  type Loss,
  type MetricDeclaration,
  type Objective,
  type ObjectiveResult,
  rowInput,
  type RowInputs,
  type RowInputSpec,
  type SequenceObjective,
} from './objective.ts';
export { crossEntropy, distillation, policyGradient, preference };
