/** Stages in which models answer a public benchmark, by its official prompts and verdicts: one kind a benchmark. */
import { join } from 'node:path';
import type { AskOptions, BenchmarkSpec } from '../../packages/benchmarks/src/benchmark.ts';
import { benchmarks } from '../../packages/benchmarks/src/index.ts';
import { Session } from '../../packages/benchmarks/src/session.ts';
import { RESULTS } from '../eval/formats.ts';
import { Local } from '../sampling/local.ts';
import { type RunEvent, stepEvent } from '../train/events.ts';
import { modelsOption, noModels } from './measuring.ts';
import {
  defineStage,
  type OptionsOf,
  type Outputs,
  pathTo,
  type StageContext,
  type StageKind,
} from './stage.ts';

const commonOptions = {
  models: modelsOption,
  data: pathTo('any').describe("folder of the benchmark's data, relative to the recipe"),
};

type BenchmarkStageOptions = AskOptions & OptionsOf<typeof commonOptions>;

const ANSWERS_A_STEP = 16;

/** Lets the stage's models answer a benchmark; each one's folder of results is what `tinystar eval` would leave. */
async function* runBenchmark(
  context: StageContext,
  spec: BenchmarkSpec,
  options: BenchmarkStageOptions,
): AsyncGenerator<RunEvent, Outputs> {
  const folder = join(context.folder, RESULTS);
  const benchmark = await spec.load();
  const selection = benchmark.entries(options);
  const entries = Object.entries(options.models);
  for (const [index, [label, reference]] of entries.entries()) {
    using model = context.openModel(reference, { trainable: false });
    using answering = new Local(context.device, { ...model, weights: model.parameters, name: label });
    const results = join(folder, `${index}-${label.replaceAll(/[^\w.-]+/g, '-')}`);
    using session = new Session(benchmark, answering, options, selection, results);
    const total = entries.length * session.total;
    const before = index * session.total;
    if (index === 0)
      yield { type: 'stage', stage: context.name, kind: context.kind, total, done: session.done };
    let [answers, right, tokens, start] = [session.done, session.correct, 0, context.now()];
    for await (const answer of session.answers(context.signal)) {
      answers += 1;
      right += answer.isRight ? 1 : 0;
      tokens += answer.tokens;
      if (answers % ANSWERS_A_STEP !== 0 && answers < session.total) continue;
      // Steps are answers, counted on from those of the models before.
      yield stepEvent({
        stage: context.name,
        step: before + answers,
        total,
        tokens,
        seconds: (context.now() - start) / 1000,
        metrics: { exact_match: right / answers },
      });
      [tokens, start] = [0, context.now()];
    }
    context.signal.throwIfAborted();
    const { unasked } = session.finish();
    if (unasked > 0) {
      const text = `${unasked} of ${session.total} prompts fill the positions of ${label} and count as wrong`;
      yield { type: 'warning', stage: context.name, text };
    }
  }
  return { results: folder };
}

const stageOf = (spec: BenchmarkSpec): StageKind =>
  defineStage({
    about: `${spec.title}'s accuracy of several models, by its official prompts and verdicts`,
    options: { ...commonOptions, ...spec.options },
    makes: 'evaluation',
    watch: ['exact_match'],
    contents: (data) => spec.contents(data),
    check: ({ models }) => noModels(models),
    run: (context, options) => runBenchmark(context, spec, options as BenchmarkStageOptions),
  }) as unknown as StageKind;

type Benchmarks = typeof benchmarks;

/** A kind of stage for each benchmark, in the order of their names, as other kinds are. */
export const benchmarkStages = Object.fromEntries(
  Object.values(benchmarks)
    .map((spec) => [spec.name, stageOf(spec)] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1)),
) as unknown as {
  readonly [Name in keyof Benchmarks]: StageKind<
    typeof commonOptions & Benchmarks[Name]['options'],
    'evaluation'
  >;
};
