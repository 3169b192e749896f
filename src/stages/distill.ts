/** Distillation from stored rollouts: each prompt with its kept answers is one tree. */
import { UserError } from '../base/errors.ts';
import type { TokenIds } from '../base/token-ids.ts';
import { adaptiveHead } from '../losses/index.ts';
import { rowsFrom, type TrainCompletion, type TrainExample } from '../train/examples.ts';
import { hasDistribution } from '../topk/format.ts';
import type { StoredPrompt, StoredSample } from '../train/rollout-store.ts';

export type MaskKind = 'all' | 'think' | 'answer';

/** Indices of the tokens that count: all, up to and including the last </think>, or what follows it. */
export function maskedRows(tokens: TokenIds, mask: MaskKind, thinkEndId: number): number[] {
  const all = rowsFrom(tokens);
  if (mask === 'all') return all;
  const end = tokens.lastIndexOf(thinkEndId);
  // A thought that never ends is all thinking.
  const length = end < 0 ? tokens.length : end + 1;
  return all.filter((i) => (mask === 'think') === i < length);
}

/** The first `k` of each row's `stored` values, for some rows. */
function firstOf<T extends Int32Array | Float32Array>(
  values: T,
  stored: number,
  k: number,
  rows: readonly number[],
  make: (n: number) => T,
): T {
  const picked = make(rows.length * k);
  rows.forEach((row, i) => picked.set(values.subarray(row * stored, row * stored + k), i * k));
  return picked;
}

export interface DistillRows {
  readonly topK: number;
  readonly mask: MaskKind;
  readonly thinkEndId: number;
  /** Tells whether the objective wants AKL's head mask. */
  readonly head: boolean;
}

function completionOf(sample: StoredSample, options: DistillRows): TrainCompletion {
  const { topK: k } = options;
  const stored = sample.topK;
  if (stored === 0) {
    throw new UserError(
      'TOP_K',
      'The rollouts hold no log-probabilities, as their teacher gives none; train on them with a stage of kind sft.',
    );
  }
  if (k > stored) {
    throw new UserError(
      'TOP_K',
      `kd_topk is ${k}, and the rollouts hold only ${stored} log-probabilities a token; lower kd_topk or raise it in the rollout stage.`,
    );
  }
  const top = sample.readTop();
  // A server may leave out a token's distribution; such a token does not count.
  const rows = maskedRows(sample.tokens, options.mask, options.thinkEndId).filter((row) =>
    hasDistribution(top, stored, row),
  );
  const logprobs = firstOf(top.logprobs, stored, k, rows, (n) => new Float32Array(n));
  const inputs: Record<string, Float32Array | Int32Array> = {
    teacher_ids: firstOf(top.ids, stored, k, rows, (n) => new Int32Array(n)),
    teacher_logprobs: logprobs,
  };
  if (options.head) {
    const head = new Float32Array(logprobs.length);
    for (let i = 0; i < head.length; i += k) head.set(adaptiveHead(logprobs.subarray(i, i + k)), i);
    inputs['teacher_head'] = head;
  }
  return { tokens: sample.tokens, rows, inputs };
}

/** A stored prompt as a training example. */
export function distillExample(prompt: StoredPrompt, options: DistillRows): TrainExample {
  return {
    prompt: prompt.promptIds,
    completions: prompt.samples.map((sample) => completionOf(sample, options)),
  };
}

/** A stored prompt as an example for cross-entropy on the teacher's answers (sequence-level distillation). */
export function sequenceExample(prompt: StoredPrompt): TrainExample {
  const completions = prompt.samples.map(({ tokens }) => ({ tokens, rows: rowsFrom(tokens), inputs: {} }));
  return { prompt: prompt.promptIds, completions };
}

/** Prompts in order until `limit` answers are used. */
export function limitSamples(
  prompts: readonly StoredPrompt[],
  limit: number | undefined,
): readonly StoredPrompt[] {
  if (limit === undefined) return prompts;
  let used = 0;
  return prompts.filter(({ samples }) => {
    const fits = used < limit;
    used += samples.length;
    return fits;
  });
}
