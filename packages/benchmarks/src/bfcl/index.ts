/** BFCL v3, the Berkeley Function-Calling Leaderboard, scored as the official program scores it. */
import { z } from 'zod';
import { type Contents, contentsOf, filesIn } from '../../../../src/base/identity.ts';
import { askOptions, type BenchmarkSpec } from '../benchmark.ts';
import { longContextFile } from './long-context-file.ts';

/** Official settings are those of Qwen3; a model with less room answers in what is left. */
const options = {
  ...askOptions('non_live, live, single_turn, multi_turn', { temperature: 0.001, generate_max_len: 4096 }),
  decode: z.enum(['v3', 'head']).default('v3').describe("rule of decoding calls: version 3's or version 4's"),
};

/** Digests of the data, and of the constants, which may lie elsewhere in a checkout. */
function contents(data: string): Contents {
  const constants = longContextFile(data);
  return contentsOf(data, [...new Set([...filesIn(data), ...(constants === undefined ? [] : [constants])])]);
}

export const bfcl: BenchmarkSpec<typeof options> = {
  name: 'bfcl',
  label: 'BFCL',
  title: 'BFCL v3',
  options,
  identity: {
    answers: ({ open_thought, decode }) => [open_thought, decode],
    verdicts: ({ decode }) => [decode],
  },
  help: {
    data: "Folder of BFCL v3's data, in its own layout",
    text:
      'Scores a model, or a file of responses, on the Berkeley Function-Calling Leaderboard, version 3, with the official\n' +
      'prompts, verdicts and table. A server gets the key in OPENAI_API_KEY. Re-run the same command to resume where it was\n' +
      'stopped.',
    examples: [
      'tinystar eval bfcl --data bfcl --responses result/my-model',
      'tinystar eval bfcl --data bfcl --model http://localhost:8080/v1 --category simple,live --limit 20',
    ],
  },
  contents,
  load: async () => (await import('./evaluation.ts')).evaluation,
};
