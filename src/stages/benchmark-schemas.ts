/** The stages in which models answer a public benchmark, by its official prompts and with its official verdicts. */
import { z } from 'zod';
import { REVISIONS } from '../eval/acebench/revision.ts';
import { ACEBENCH_OFFICIAL, BFCL_OFFICIAL } from '../eval/official.ts';
import { common, count, reference } from './options.ts';

const benchmarkOptions = {
  ...common,
  models: z.record(z.string().min(1), reference).describe('label in the table: model or stage'),
  data: z.string().min(1).describe("folder of the benchmark's data, relative to the recipe"),
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
};
const temperature = z.number().min(0);

/** BFCL v3's accuracy of several models. */
export const bfclSchema = z.strictObject({
  kind: z.literal('bfcl'),
  ...benchmarkOptions,
  decode: z.enum(['v3', 'head']).default('v3').describe("rule of decoding calls: version 3's or version 4's"),
  temperature: temperature.default(BFCL_OFFICIAL.temperature),
  generate_max_len: count.default(BFCL_OFFICIAL.maxTokens).describe('tokens of an answer'),
});

/** ACEBench's accuracy of several models. */
export const acebenchSchema = z.strictObject({
  kind: z.literal('acebench'),
  ...benchmarkOptions,
  revision: z.enum(REVISIONS).default('2025-10').describe('whose rules: the first program, or its successor'),
  thinking: z
    .enum(['keep', 'strip', 'off'])
    .default('keep')
    .describe('score thoughts with the rest, as officially; take them off; or ask for none'),
  temperature: temperature.default(ACEBENCH_OFFICIAL.temperature),
  generate_max_len: count.default(ACEBENCH_OFFICIAL.maxTokens).describe('tokens of an answer'),
});
