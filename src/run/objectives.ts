/** From what a training stage says to what it minimises. */
import { crossEntropy, distillation, type Objective, policyGradient, preference } from '../losses/index.ts';
import type { StageOf, TrainingStage } from '../stages/schema.ts';

/** The objective of a stage for a model with `vocabSize` tokens. */
export function objectiveOf(stage: TrainingStage, vocabSize: number): Objective {
  switch (stage.kind) {
    case 'pretrain':
    case 'sft':
      return crossEntropy();
    case 'distill':
      return distillationOf(stage, vocabSize);
    case 'dpo':
      return preference({
        loss: stage.loss_type,
        beta: stage.beta,
        labelSmoothing: stage.label_smoothing,
        nllCoefficient: stage.nll_loss_coef,
      });
    default:
      return policyGradient({
        clip: stage.eps_clip,
        klCoefficient: stage.init_kl_coef,
        klEstimator: stage.kl_estimator,
        entropyCoefficient: stage.entropy_coef,
      });
  }
}

function distillationOf(stage: StageOf<'distill'>, vocabSize: number): Objective {
  return distillation({
    divergence: stage.kd_kl_type,
    topK: stage.kd_topk,
    studentTopM: Math.min(stage.kd_student_topm, vocabSize),
    tailCoefficient: stage.kd_kl_l1_coef,
    ratio: stage.kd_ratio,
  });
}
