/** Operations of training, scoring and generation that a device lacks, found by building them for a model of a few weights. */
import { UserError } from '../base/errors.ts';
import { asTokenIds } from '../base/token-ids.ts';
import { Device } from '../ggml/device.ts';
import { parameterSpecs, type ModelConfig } from '../model/arch/config.ts';
import { NEW_MODEL_FAMILY } from '../model/arch/index.ts';
import { Generator } from '../model/generate/generation.ts';
import { Scorer } from '../model/tree/scoring.ts';
import { crossEntropy, distillation, luffy, policyGradient } from '../losses/all.ts';
import type { Objective } from '../losses/objective.ts';
import { ParameterSet } from '../tensor/parameters.ts';
import { rowsFrom, type TrainExample, treeOf } from './examples.ts';
import { Trainer } from './trainer.ts';

const CONFIG: ModelConfig = {
  vocabSize: 256,
  hiddenSize: 64,
  intermediateSize: 96,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  rmsNormEps: 1e-6,
  ropeTheta: 1e6,
  tiedEmbeddings: true,
  family: NEW_MODEL_FAMILY,
  contextLength: 512,
  bosTokenId: null,
  eosTokenId: null,
};
const TOP = 8;

const OBJECTIVES: readonly Objective[] = [
  crossEntropy(),
  distillation({ kd_topk: TOP, kd_student_topm: TOP, kd_ratio: 0.5 }),
  policyGradient({ entropy_coef: 1e-3 }),
  luffy(),
];

const tokens = asTokenIds(new Int32Array(24));
const completion = { tokens, rows: rowsFrom(tokens), inputs: {} };
const PROMPT = asTokenIds(new Int32Array(40));
const EXAMPLE: TrainExample = { prompt: PROMPT, completions: [completion, completion] };

/** Builds everything on a meta device: nothing is computed. */
function buildAll(device: Device): void {
  for (const objective of OBJECTIVES) {
    using weights = new ParameterSet(device, parameterSpecs(CONFIG), 'trainable');
    using trainer = new Trainer(CONFIG, weights, objective, { microBatchTokens: 1024 });
    trainer.reserve([EXAMPLE]);
  }
  using weights = new ParameterSet(device, parameterSpecs(CONFIG), 'weights');
  using generator = new Generator(device, CONFIG, weights);
  generator.reserve([PROMPT.length], { n_samples_per_prompt: 2, generate_max_len: 16, stopIds: [] });
  using scorer = new Scorer(device, CONFIG, weights);
  scorer.reserve([treeOf(EXAMPLE)], { topK: TOP });
}

/** Notices for the user of an opened device before it computes; none where it lacks nothing. */
export function noticesOf(device: Device): readonly string[] {
  return device.mayLack ? probeDevice(device.info.name).notices : [];
}

/**
 * Looks at a device, by its name: `lacking` are operations, by ggml's names, that the CPU computes in its place (of larger
 * models there may be more), `notices` sentences for the user on these, and on what nobody can do in its place.
 */
export function probeDevice(name: string) {
  using device = Device.meta(name, 1);
  let refused: readonly string[] = [];
  try {
    buildAll(device);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    refused = [thrown.message];
  }
  return { lacking: device.notices.names, notices: [...device.notices.take(), ...refused] };
}
