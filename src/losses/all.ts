/** Every loss: a new one is one file beside this one and one line here. */
export { crossEntropy } from './cross-entropy.ts';
export { distillation } from './distillation.ts';
export { generalizedJsd } from './gkd.ts';
export { joint } from './joint.ts';
export { luffy } from './luffy.ts';
export { policyGradient } from './policy-gradient.ts';
export { preference } from './preference.ts';
