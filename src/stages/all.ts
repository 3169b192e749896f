/** Every kind of stage, under the name that recipes call it: a new one is one file beside this one and one line here. */
export { distill } from './distill.ts';
export { dpo } from './dpo.ts';
export { evaluation as eval } from './eval.ts';
export { gkd } from './gkd.ts';
export { joint } from './joint.ts';
export { luffy } from './luffy.ts';
export { mentor } from './mentor.ts';
export { pretrain } from './pretrain.ts';
export { rollout } from './rollout.ts';
export { sft } from './sft.ts';
export { simrl } from './simrl.ts';
export { toolEvaluation as tool_eval } from './tool_eval.ts';
export { trajectories } from './trajectories.ts';
