/** ACEBench's accuracy of several models. */
import { z } from 'zod';
import { benchmarkContents } from '../../packages/benchmarks/src/data.ts';
import { REVISIONS } from '../../packages/benchmarks/src/acebench/revision.ts';
import { selectEntries } from '../../packages/benchmarks/src/acebench/run.ts';
import { AcebenchSession } from '../../packages/benchmarks/src/acebench/session.ts';
import { ACEBENCH_OFFICIAL } from '../../packages/benchmarks/src/official.ts';
import { benchmarkOptions, runBenchmark, sessionOptions } from './benchmark.ts';
import { noModels } from './measuring.ts';
import { defineStage } from './stage.ts';

export const acebench = defineStage({
  about: "ACEBench's accuracy of several models, by its official prompts and verdicts",
  options: {
    ...benchmarkOptions,
    revision: z
      .enum(REVISIONS)
      .default('2025-10')
      .describe('whose rules: the first program, or its successor'),
    thinking: z
      .enum(['keep', 'strip', 'off'])
      .default('keep')
      .describe('score thoughts with the rest, as officially; take them off; or ask for none'),
    temperature: benchmarkOptions.temperature.default(ACEBENCH_OFFICIAL.temperature),
    generate_max_len: benchmarkOptions.generate_max_len.default(ACEBENCH_OFFICIAL.maxTokens),
  },
  makes: 'evaluation',
  watch: ['exact_match'],
  contents: benchmarkContents,
  check: ({ models }) => noModels(models),
  run(context, given) {
    const options = sessionOptions(given);
    const { revision, thinking } = given;
    const selection = selectEntries(options);
    return runBenchmark(
      context,
      given,
      (model, folder) => new AcebenchSession(model, { ...options, revision, thinking }, selection, folder),
    );
  },
});
