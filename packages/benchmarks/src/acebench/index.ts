/** ACEBench's English normal and special sets, scored as the official programs score them. */
import { z } from 'zod';
import { contentsOf, filesIn } from '../../../../src/base/identity.ts';
import { askOptions, type BenchmarkSpec } from '../benchmark.ts';
import { REVISIONS } from './revision.ts';

const options = {
  ...askOptions('normal, special', { temperature: 0, generate_max_len: 1024 }),
  revision: z.enum(REVISIONS).default('2025-10').describe('whose rules: the first program, or its successor'),
  thinking: z
    .enum(['keep', 'strip', 'off'])
    .default('keep')
    .describe('score thoughts with the rest, as officially; take them off; or ask for none'),
};

export const acebench: BenchmarkSpec<typeof options> = {
  name: 'acebench',
  label: 'ACEBench',
  title: 'ACEBench',
  options,
  identity: {
    answers: ({ thinking, open_thought }) => [thinking === 'off', open_thought],
    verdicts: ({ revision, thinking }) => [revision, thinking],
  },
  help: {
    data: "The benchmark's folder data_en, or the one above it",
    text:
      "Scores a model, or a file of responses, on ACEBench's English normal and special sets, with the official prompts\n" +
      'and verdicts, beside what the official answers themselves reach. A server gets the key in OPENAI_API_KEY. Re-run\n' +
      'the same command to resume where it was stopped.',
    examples: [
      'tinystar eval acebench --data acebench/data_en --responses result/my-model',
      'tinystar eval acebench --data acebench/data_en --model http://localhost:8080/v1 --category normal --limit 10',
    ],
  },
  contents: (data) => contentsOf(data, filesIn(data)),
  load: async () => (await import('./evaluation.ts')).evaluation,
};
