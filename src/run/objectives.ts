/** From what a training stage says to what it minimises. */
import { crossEntropy, distillation, type Objective, policyGradient, preference } from '../losses/index.ts';
import type { TrainingStage } from '../stages/schema.ts';

/** The objective of a stage. */
export function objectiveOf(stage: TrainingStage): Objective {
  switch (stage.kind) {
    case 'pretrain':
    case 'sft':
      return crossEntropy();
    case 'distill':
      return distillation(stage);
    case 'dpo':
      return preference(stage);
    default:
      return policyGradient(stage);
  }
}
