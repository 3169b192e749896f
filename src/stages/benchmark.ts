/** Stages in which models answer a public benchmark, by its official prompts and verdicts. */
import { join } from 'node:path';
import { z } from 'zod';
import { isAbort } from '../base/errors.ts';
import { RESULTS } from '../eval/formats.ts';
import { Local } from '../sampling/local.ts';
import type { Sampler } from '../sampling/sampler.ts';
import type { Session } from '../../packages/benchmarks/src/session.ts';
import type { RunEvent } from '../train/events.ts';
import { memoryMb } from '../train/loop.ts';
import { modelsOption } from './measuring.ts';
import { count, type OptionsOf, type Outputs, pathTo, type StageContext } from './stage.ts';

export const benchmarkOptions = {
  models: modelsOption,
  data: pathTo('any').describe("folder of the benchmark's data, relative to the recipe"),
  category: z
    .array(z.string().min(1))
    .min(1)
    .exactOptional()
    .describe('categories or groups of them; all without it'),
  limit: count.exactOptional().describe('a sample of this many a category: not the official score'),
  open_thought: z
    .boolean()
    .default(false)
    .describe(
      'end prompts with <think>, for models that the code of STAR itself trained; officially they do not',
    ),
  temperature: z.number().min(0),
  generate_max_len: count.describe('tokens of an answer'),
};
type BenchmarkOptions = OptionsOf<typeof benchmarkOptions>;

/** Outcome of a benchmark. */
interface Outcome {
  readonly unasked: number;
}

/** Options of a session, whatever the benchmark. */
export function sessionOptions(given: BenchmarkOptions) {
  const {
    data,
    category,
    limit,
    temperature,
    generate_max_len: maxTokens,
    open_thought: openThought,
  } = given;
  return {
    data,
    ...(category === undefined ? {} : { category }),
    ...(limit === undefined ? {} : { limit }),
    temperature,
    maxTokens,
    openThought,
  };
}

/** Answers between two steps in the log. */
const ANSWERS_A_STEP = 16;

/** Has one session answered; steps are answers, counted on from those of the models before. */
async function* answered(
  context: StageContext,
  session: Session<Outcome>,
  { before, total }: { readonly before: number; readonly total: number },
): AsyncGenerator<RunEvent> {
  let [answers, right, tokens] = [session.done, session.correct, 0];
  let start = context.now();
  for await (const answer of session.answers(context.signal)) {
    answers += 1;
    right += answer.isRight ? 1 : 0;
    tokens += answer.tokens;
    if (answers % ANSWERS_A_STEP !== 0 && answers < session.total) continue;
    const seconds = (context.now() - start) / 1000;
    const metrics = {
      exact_match: right / answers,
      tokens_per_second: seconds > 0 ? tokens / seconds : 0,
      memory_mb: memoryMb(),
    };
    yield { type: 'step', stage: context.name, step: before + answers, total, tokens, seconds, metrics };
    [tokens, start] = [0, context.now()];
  }
}

/** Lets the stage's models answer its benchmark; each one's folder of results is what `tinystar eval` would leave. */
export async function* runBenchmark(
  context: StageContext,
  given: BenchmarkOptions,
  open: (model: Sampler, folder: string) => Session<Outcome>,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  const folder = join(context.folder, RESULTS);
  const entries = Object.entries(given.models);
  for (const [index, [label, reference]] of entries.entries()) {
    using model = context.openModel(reference, { trainable: false });
    using answering = new Local(context.device, { ...model, weights: model.parameters, name: label });
    using session = open(answering, join(folder, `${index}-${label.replaceAll(/[^\w.-]+/g, '-')}`));
    const total = entries.length * session.total;
    const before = index * session.total;
    if (index === 0)
      yield { type: 'stage', stage: context.name, kind: context.kind, total, done: session.done };
    try {
      yield* answered(context, session, { before, total });
    } catch (thrown) {
      if (!isAbort(thrown, context.signal)) throw thrown;
    }
    if (context.signal.aborted) return undefined;
    const { unasked } = session.finish();
    if (unasked > 0) {
      const text = `${unasked} of ${session.total} prompts fill the positions of ${label} and count as wrong`;
      yield { type: 'warning', stage: context.name, text };
    }
  }
  return { results: folder };
}
