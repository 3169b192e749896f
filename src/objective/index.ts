/** Every objective. A new one is one file here and one line in this index. */
export { crossEntropy } from './cross-entropy.ts';
export { adaptiveHead, distillation, type DistillationOptions, type Divergence } from './distillation.ts';
export { dpo } from './dpo.ts';
export { COMMON_INPUTS, type Objective, type RowInputSpec } from './objective.ts';
export { type KlEstimator, policyGradient, type PolicyGradientOptions } from './policy-gradient.ts';
