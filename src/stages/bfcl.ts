/** BFCL v3's accuracy of several models. */
import { z } from 'zod';
import { benchmarkContents } from '../../packages/benchmarks/src/data.ts';
import { BfclSession, selectEntries } from '../../packages/benchmarks/src/bfcl/run.ts';
import { BFCL_OFFICIAL } from '../../packages/benchmarks/src/official.ts';
import { benchmarkOptions, runBenchmark, sessionOptions } from './benchmark.ts';
import { noModels } from './measuring.ts';
import { defineStage } from './stage.ts';

export const bfcl = defineStage({
  about: "BFCL v3's accuracy of several models, by its official prompts and verdicts",
  options: {
    ...benchmarkOptions,
    decode: z
      .enum(['v3', 'head'])
      .default('v3')
      .describe("rule of decoding calls: version 3's or version 4's"),
    temperature: benchmarkOptions.temperature.default(BFCL_OFFICIAL.temperature),
    generate_max_len: benchmarkOptions.generate_max_len.default(BFCL_OFFICIAL.maxTokens),
  },
  makes: 'evaluation',
  watch: ['exact_match'],
  contents: benchmarkContents,
  check: ({ models }) => noModels(models),
  run(context, given) {
    const options = sessionOptions(given);
    const selection = selectEntries(options);
    return runBenchmark(
      context,
      given,
      (model, folder) => new BfclSession(model, { ...options, decode: given.decode }, selection, folder),
    );
  },
});
