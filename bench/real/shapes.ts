/** Shapes of `npm run bench -- --real`: those of published models, and batches as STAR's. */
import { z } from 'zod';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { type TrainCompletion, type TrainExample, rowsFrom } from '../../src/train/examples.ts';

export const METHODS = ['ckd', 'simrl'] as const;
export const LAYOUTS = ['tree', 'flat'] as const;

/** Job of a process of its own. */
export const jobSchema = z.object({
  method: z.enum(METHODS),
  layout: z.enum(LAYOUTS),
  /** Numbers that matrices are computed with in. */
  dtype: z.enum(['f32', 'bf16']).default('f32'),
  prompts: z.number(),
  threads: z.number(),
  /** Folder of the checkpoint that every candidate starts from. */
  checkpoint: z.string(),
});
export type Job = z.infer<typeof jobSchema>;

export const SAMPLES = 8;
export const PROMPT_TOKENS = { least: 560, most: 640 };
export const COMPLETION_TOKENS = { least: 48, most: 72 };
export const TOP_K = 100;
export const STUDENT_TOP_M = 100;
export const TAIL = 10;
export const LR = 1e-6;
/** Of the policy gradient: how far a step may move a token's probability, and the weight of the KL to the reference. */
export const CLIP = 0.2;
export const KL = 0.001;
/** Sequences of a micro-batch of the flat layouts: more do not fit beside the weights into a small machine. */
export const FLAT_ROWS = 2;

/** Of generation alone: what a rollout of a batch asks for. */
export const GENERATION = { prompts: 8, samples: 16, length: 64 };

/** Published models, by what `--model` calls them. */
export const MODELS: Readonly<Record<string, string>> = { qwen3: 'Qwen3-0.6B', smollm2: 'SmolLM2-135M' };

function between(rng: Rng, { least, most }: { least: number; most: number }): number {
  return least + rng.below(most - least + 1);
}

/** Ids and log-probabilities of a made-up teacher for every token: TOP_K of the vocabulary hold most of the mass. */
function teacherInputs(rng: Rng, tokens: number, vocabulary: number): TrainCompletion['inputs'] {
  const ids = new Int32Array(tokens * TOP_K);
  const logprobs = new Float32Array(tokens * TOP_K);
  for (let row = 0; row < tokens; row++) {
    const first = rng.below(vocabulary - TOP_K);
    const weights = Float64Array.from({ length: TOP_K }, (_, i) => Math.exp(-i / 4) * (0.5 + rng.uniform()));
    const total = weights.reduce((a, b) => a + b, 0) / 0.97;
    weights.forEach((weight, i) => {
      ids[row * TOP_K + i] = first + i;
      logprobs[row * TOP_K + i] = Math.log(weight / total);
    });
  }
  return { teacher_ids: ids, teacher_logprobs: logprobs };
}

/** Prompts with their completions and a teacher's top-k, the same for the same seed. */
export function ckdTrees(prompts: number, vocabulary: number): TrainExample[] {
  const rng = Rng.seeded(1);
  const draw = (length: number) => asTokenIds(Int32Array.from({ length }, () => rng.below(vocabulary)));
  return Array.from({ length: prompts }, () => ({
    prompt: draw(between(rng, PROMPT_TOKENS)),
    completions: Array.from({ length: SAMPLES }, () => {
      const tokens = draw(between(rng, COMPLETION_TOKENS));
      return { tokens, rows: rowsFrom(tokens), inputs: teacherInputs(rng, tokens.length, vocabulary) };
    }),
  }));
}

/** Every completion with its own copy of the prompt. */
export function flat(trees: readonly TrainExample[]): TrainExample[] {
  return trees.flatMap(({ prompt, completions }) =>
    completions.map((completion) => ({ prompt, completions: [completion] })),
  );
}
