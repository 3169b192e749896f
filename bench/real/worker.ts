/**
 * One candidate of `npm run bench -- --real`, in a process of its own, so that its peak of memory is its own. Takes a
 * job as JSON; answers "step" on standard input with one line of JSON: seconds of each phase, loss, tokens, peak.
 */
import { createInterface } from 'node:readline';
import { Device } from '../../src/ggml/device.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { Generator } from '../../src/model/generate/generation.ts';
import { computeCopies } from '../../src/model/compute-copies.ts';
import { distillation, policyGradient } from '../../src/losses/all.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { Trainer } from '../../src/train/trainer.ts';
import {
  ckdTrees,
  CLIP,
  COMPLETION_TOKENS,
  flat,
  FLAT_ROWS,
  type Job,
  jobSchema,
  KL,
  LR,
  SAMPLES,
  STUDENT_TOP_M,
  TAIL,
  TOP_K,
} from './shapes.ts';

const job: Job = jobSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
const device = Device.open('cpu', job.threads);
const { config, parameters } = loadModel(device, job.checkpoint, { trainable: true });

const objective =
  job.method === 'ckd'
    ? distillation({
        kd_kl_type: 'fkl',
        kd_topk: TOP_K,
        kd_student_topm: STUDENT_TOP_M,
        kd_kl_l1_coef: TAIL,
        kd_ratio: 1,
      })
    : policyGradient({ eps_clip: CLIP, init_kl_coef: KL, kl_estimator: 'k3' });

/** A trainer that knows how long its gradients took. */
class TimedTrainer extends Trainer {
  gradientSeconds = 0;

  override async accumulate(...args: Parameters<Trainer['accumulate']>): ReturnType<Trainer['accumulate']> {
    const start = performance.now();
    const result = await super.accumulate(...args);
    this.gradientSeconds = (performance.now() - start) / 1000;
    return result;
  }
}

const trainer = new TimedTrainer(config, parameters, objective, {
  adam_beta1: 0.9,
  adam_beta2: 0.95,
  adam_eps: 1e-8,
  weight_decay: 0,
  max_norm: 1,
  microBatchTokens: 1e6,
  micro_train_batch_size: job.layout === 'tree' ? 1 : FLAT_ROWS,
  ...(job.dtype === 'f32' ? {} : { weights: computeCopies(parameters, job.dtype) }),
});
const trees = ckdTrees(job.prompts, config.vocabSize);

/** Examples that the rollout drew, with rewards of the shape that counts: some of a group right, some wrong. */
async function rollout(): Promise<TrainExample[]> {
  const generator = new Generator(device, config, parameters);
  const options = { generate_max_len: COMPLETION_TOKENS.most, stopIds: [], seed: 1, temperature: 1 };
  const prompts = trees.map(({ prompt }) => prompt);
  const groups =
    job.layout === 'tree'
      ? await generator.generate(prompts, { ...options, n_samples_per_prompt: SAMPLES })
      : await generator.generate(
          prompts.flatMap((prompt) => Array.from({ length: SAMPLES }, () => prompt)),
          { ...options, n_samples_per_prompt: 1 },
        );
  generator[Symbol.dispose]();
  return groups.map((samples, i) => ({
    prompt: prompts[job.layout === 'tree' ? i : Math.floor(i / SAMPLES)]!,
    completions: samples.map(({ tokens, logprobs }, s) => ({
      tokens,
      rows: rowsFrom(tokens),
      inputs: {
        advantages: new Float32Array(tokens.length).fill((s + i) % 2 === 0 ? 1 : -1),
        old_logprobs: logprobs,
        ref_logprobs: logprobs,
      },
    })),
  }));
}

async function step(): Promise<object> {
  const start = performance.now();
  let examples = job.layout === 'tree' ? trees : flat(trees);
  const seconds: Record<string, number> = {};
  if (job.method === 'simrl') {
    examples = await rollout();
    seconds['rollout'] = (performance.now() - start) / 1000;
  }
  const drawn = performance.now();
  const { loss, tokens } = await trainer.step(examples, LR);
  seconds['gradients'] = trainer.gradientSeconds;
  seconds['update'] = (performance.now() - drawn) / 1000 - trainer.gradientSeconds;
  return { phases: seconds, loss, tokens, peak: process.resourceUsage().maxRSS * 1024 };
}

console.log(JSON.stringify({ version: device.title }));
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== 'step') break;
  console.log(JSON.stringify(await step()));
}
