/** A teacher behind HTTP, as tests ask it: quick to try again. */
import type { Tokenizer } from '../../src/chat/tokenizer.ts';
import type { SamplingOptions } from '../../src/sampling/sampler.ts';
import type { ServedOptions } from '../../src/sampling/served/options.ts';
import { Served } from '../../src/sampling/served/served.ts';
import { Teacher } from '../../src/sampling/teacher.ts';

export interface TestTeacher extends Partial<Omit<ServedOptions, 'endpoints' | 'tokenizer'>> {
  readonly sampling?: Partial<SamplingOptions>;
  readonly kd_topk?: number;
  readonly seed?: number;
}

/** A server, or several, with three requests at once and pauses of milliseconds unless said otherwise. */
export function servedBy(
  endpoints: readonly string[],
  tokenizer: Tokenizer,
  options: Partial<ServedOptions> = {},
): Served {
  return new Served({
    kind: 'llama.cpp',
    endpoints: [...endpoints],
    concurrency: 3,
    timeout: 5,
    retries: 6,
    firstPause: 5,
    tokenizer,
    keyBy: 'a variable',
    modelBy: 'served',
    ...options,
  });
}

export function servedTeacher(
  endpoints: readonly string[],
  tokenizer: Tokenizer,
  { sampling = {}, kd_topk = 10, seed = 5, ...options }: TestTeacher = {},
): Teacher {
  const drawn = { temperature: 1, top_p: 1, top_k: -1, generate_max_len: 64, n_samples_per_prompt: 2 };
  return new Teacher(servedBy(endpoints, tokenizer, options), {
    sampling: { ...drawn, ...sampling },
    kd_topk,
    seed,
  });
}
