/** A teacher behind HTTP, as tests ask it: quick to try again. */
import type { Tokenizer } from '../../src/chat/tokenizer.ts';
import type { Drawn, SamplingOptions } from '../../src/sampling/sampler.ts';
import type { ServedOptions } from '../../src/sampling/served/options.ts';
import { Served } from '../../src/sampling/served/served.ts';
import { type Batch, type Distributions, type Question, Teacher } from '../../src/sampling/teacher.ts';

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
    ...drawn,
    ...sampling,
    kd_topk,
    seed,
  });
}

/** Answers with their distributions; of one that is not answered, why. */
export interface Told {
  readonly question: Question;
  readonly kept: readonly (Drawn & Distributions)[];
  readonly failure: string | undefined;
}

/** All that a teacher answers, with all that it says of it. */
export async function told(
  teacher: Teacher,
  batches: readonly Batch<Question>[],
  signal = new AbortController().signal,
  select = (_: Question, drafts: readonly Drawn[]): readonly Drawn[] => drafts,
): Promise<Told[]> {
  const found: Told[] = [];
  for await (const group of teacher.draw(batches, signal)) {
    const chosen = group.map(({ question, drafts }) => ({
      question,
      promptIds: question.ids,
      samples: select(question, drafts),
    }));
    const kept = chosen.filter(({ samples }) => samples.length > 0);
    const scored = await teacher.score(kept, signal);
    for (const { question, failure } of group) {
      const place = kept.findIndex((one) => one.question === question);
      found.push({ question, failure, kept: scored[place] ?? [] });
    }
  }
  return found;
}

/** Notes for the user on a teacher before it is asked. */
export const warningsOf = ({ sampler, sampling }: Teacher): Promise<readonly string[]> | undefined =>
  sampler.check?.({ ...sampling, signal: new AbortController().signal });
