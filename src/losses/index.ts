/** Every objective. A new one is one file here and one line in this index. */
export { crossEntropy } from './cross-entropy.ts';
export { adaptiveHead, distillation, type DistillationOptions, type Divergence } from './distillation.ts';
export {
  COMMON_INPUTS,
  type Objective,
  type ObjectiveResult,
  rowInput,
  type RowInputs,
  type RowInputSpec,
  type SequenceObjective,
} from './objective.ts';
export { type KlEstimator, policyGradient, type PolicyGradientOptions } from './policy-gradient.ts';
export { preference, type PreferenceLoss, type PreferenceOptions } from './preference.ts';
