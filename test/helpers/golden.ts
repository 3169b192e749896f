/** The reference checkpoint, batch and numbers in test/fixtures/qwen3-2layer (PyTorch, float32). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parameterSpecs, type ModelConfig } from '../../src/model/arch/config.ts';
import { configFromHuggingFace } from '../../src/model/checkpoint/hf-config.ts';
import { SafetensorsFile } from '../../src/model/checkpoint/safetensors.ts';
import type { PromptTree, TreeLayout } from '../../src/model/tree/tree.ts';
import { predictorIndex } from '../../src/model/tree/tree.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { crossEntropy, distillation, policyGradient, preference } from '../../src/losses/all.ts';
import { adaptiveHead } from '../../src/losses/distillation.ts';
import { type Objective } from '../../src/losses/objective.ts';
import type { Rows } from '../../src/train/training-graph.ts';
import type { Device } from '../../src/ggml/device.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';

export const GOLDEN = fileURLToPath(new URL('../fixtures/qwen3-2layer/', import.meta.url));

export interface Expected {
  losses: Record<string, number>;
  prompt_lengths: number[];
  lengths: number[];
  top_k: number;
  top_m: number;
  tail_coef: number;
  clip: number;
  kl_coef: { grpo: number; grpo_kl: number };
  dpo_beta: number;
}

export const expected = JSON.parse(readFileSync(`${GOLDEN}expected.json`, 'utf8')) as Expected;
export const goldenConfig: ModelConfig = configFromHuggingFace(
  JSON.parse(readFileSync(`${GOLDEN}config.json`, 'utf8')),
  'config.json',
);

/** The reference weights on a device. */
export function goldenWeights(device: Device): ParameterSet {
  using file = SafetensorsFile.open(`${GOLDEN}model.safetensors`);
  const weights = new ParameterSet(device, parameterSpecs(goldenConfig), 'trainable');
  for (const { name } of weights.specs) weights.set(name, file.readF32(name));
  return weights;
}

const WIDTH = 20;

/** The objectives of expected.json, by their names there. */
export function goldenObjective(name: string): Objective {
  const { top_k: kd_topk, top_m: kd_student_topm, tail_coef, clip, kl_coef, dpo_beta: beta } = expected;
  const kd = { kd_topk, kd_student_topm, kd_ratio: 1, kd_kl_l1_coef: 0 } as const;
  switch (name) {
    case 'sft':
      return crossEntropy();
    case 'fkl':
    case 'rkl':
    case 'akl':
      return distillation({ ...kd, kd_kl_type: name });
    case 'ckd':
      return distillation({ ...kd, kd_kl_type: 'fkl', kd_kl_l1_coef: tail_coef });
    case 'grpo':
    case 'grpo_kl':
      return policyGradient({ eps_clip: clip, init_kl_coef: kl_coef[name], kl_estimator: 'k2' });
    case 'dpo':
      return preference({ loss_type: 'dpo', beta, label_smoothing: 0, nll_loss_coef: 0 });
    default:
      throw new Error(name);
  }
}

const integers = (file: SafetensorsFile, name: string): Int32Array =>
  new Int32Array(file.readBytes(name).buffer);

/** Prompt, completion and per-position data of the three sequences. */
function goldenSequences(): { ids: Int32Array; prompt: number; length: number }[] {
  using batch = SafetensorsFile.open(`${GOLDEN}batch.safetensors`);
  const ids = integers(batch, 'input_ids');
  return expected.lengths.map((length, i) => ({
    ids: ids.slice(i * WIDTH, i * WIDTH + length),
    prompt: expected.prompt_lengths[i]!,
    length,
  }));
}

export const goldenTrees = {
  /** Each sequence a prompt without completions. */
  flat(): { layout: TreeLayout; trees: PromptTree[] } {
    const trees = goldenSequences().map(({ ids }) => ({ prompt: asTokenIds(ids), completions: [] }));
    return { layout: { prompts: 3, promptTokens: WIDTH, samples: 0, completionTokens: 0 }, trees };
  },
  /** Each sequence cut into its prompt and one completion. */
  tree(): { layout: TreeLayout; trees: PromptTree[] } {
    const trees = goldenSequences().map(({ ids, prompt }) => ({
      prompt: asTokenIds(ids.slice(0, prompt)),
      completions: [asTokenIds(ids.slice(prompt))],
    }));
    return { layout: { prompts: 3, promptTokens: 16, samples: 1, completionTokens: 16 }, trees };
  },
};

/**
 * The rows under the loss mask, for either layout; `others` is the file of the old and the reference policy's
 * log-probabilities.
 */
export function goldenRows(
  kind: 'flat' | 'tree',
  objective: Objective,
  others = `${GOLDEN}batch.safetensors`,
): Rows {
  using batch = SafetensorsFile.open(`${GOLDEN}batch.safetensors`);
  const { layout, trees } = goldenTrees[kind]();
  const mask = batch.readF32('loss_mask');
  const columns: Record<string, Float32Array> = {};
  columns['advantages'] = batch.readF32('advantages');
  using policies = SafetensorsFile.open(others);
  for (const name of ['old_logprobs', 'ref_logprobs']) columns[name] = policies.readF32(name);
  const topIds = integers(batch, 'teacher_topk_ids');
  const topLogprobs = batch.readF32('teacher_topk_logprobs');
  const k = expected.top_k;
  const total = mask.reduce((a, b) => a + b, 0);
  const predictors: number[] = [];
  const inputs: Record<string, number[]> = Object.fromEntries(
    [
      'targets',
      'weights',
      'advantages',
      'old_logprobs',
      'ref_logprobs',
      'teacher_ids',
      'teacher_logprobs',
      'teacher_head',
      'pair_signs',
    ].map((n) => [n, []]),
  );
  goldenSequences().forEach(({ ids, prompt, length }, i) => {
    for (let t = 0; t < length - 1; t++) {
      const at = i * (WIDTH - 1) + t;
      if (mask[at] !== 1) continue;
      if (kind === 'flat') predictors.push(i * WIDTH + t);
      else predictors.push(predictorIndex(layout, trees[i]!, i, 0, t + 1 - prompt));
      inputs['targets']!.push(ids[t + 1]!);
      // A mean over tokens, or over the one pair.
      inputs['weights']!.push(objective.rowwise ? 1 / total : 1);
      for (const name of Object.keys(columns)) inputs[name]!.push(columns[name]![at]!);
      const logprobs = topLogprobs.slice(at * k, at * k + k);
      inputs['teacher_ids']!.push(...topIds.slice(at * k, at * k + k));
      inputs['teacher_logprobs']!.push(...logprobs);
      inputs['teacher_head']!.push(...adaptiveHead(logprobs));
      // The reference's pair are two trees; here it is the pair of the first one, and the others have none.
      inputs['pair_signs']!.push([1, -1, 0][i]!, 0, 0);
    }
  });
  const wanted = ['targets', 'weights', ...Object.keys(objective.inputs)];
  return {
    predictors: Int32Array.from(predictors),
    inputs: Object.fromEntries(
      wanted.map((name) => [
        name,
        name === 'targets' || name === 'teacher_ids'
          ? Int32Array.from(inputs[name]!)
          : Float32Array.from(inputs[name]!),
      ]),
    ),
  };
}
