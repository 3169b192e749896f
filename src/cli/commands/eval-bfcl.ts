/** `tinystar eval bfcl`: the Berkeley Function-Calling Leaderboard, version 3, scored as the official program scores it. */
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import { BFCL_OFFICIAL } from '../../../packages/benchmarks/src/official.ts';
import type { CliContext } from '../context.ts';
import { outStyle } from '../context.ts';
import { keptInput } from '../kept-input.ts';
import { debugFlag, engineFlag, examples, numberFrom, runsFlag, wholeNumber } from '../flags.ts';

interface Flags {
  readonly data: string;
  readonly model?: string;
  readonly responses?: string;
  readonly category?: readonly string[];
  readonly limit?: number;
  readonly decode: 'v3' | 'head';
  readonly maxTokens: number;
  readonly temperature: number;
  readonly openThought: boolean;
  readonly device: string;
  readonly engine?: 'tinystar' | 'llama.cpp';
  readonly served?: string;
  readonly parallel: number;
  readonly out?: string;
  readonly runs: string;
  readonly json: boolean;
  readonly debug: boolean;
}

async function bfcl(this: CliContext, flags: Flags): Promise<void> {
  const { model, responses } = flags;
  const [{ answerBfcl, scoreBfcl }, { bfclResult }] = await Promise.all([
    import('../bfcl-run.ts'),
    import('../bfcl-result.ts'),
  ]);
  if ((model === undefined) === (responses === undefined))
    throw new UserError(
      'BFCL_SOURCE',
      'Give either --model, to have it answer, or --responses, to score what is there.',
    );
  const outcome =
    model !== undefined
      ? await answerBfcl(this, flags, model)
      : scoreBfcl(flags, keptInput(responses ?? '', flags.runs));
  const { scores, folder } = outcome;
  if (flags.json) {
    this.process.stdout.write(`${JSON.stringify({ ...scores, folder })}\n`);
    return;
  }
  this.process.stdout.write(`\n${bfclResult(outcome, outStyle(this))}\nverdicts and scores  ${folder}\n`);
}

const parsed = { kind: 'parsed' } as const;
const text = { ...parsed, parse: String } as const;

export const evalBfclCommand = buildCommand<Flags, [], CliContext>({
  func: bfcl,
  parameters: {
    flags: {
      data: { ...text, brief: "Folder of BFCL v3's data, in its own layout", placeholder: 'DIR' },
      model: {
        ...text,
        brief: 'Checkpoint folder, GGUF file, or address of an OpenAI-compatible server',
        optional: true,
        placeholder: 'MODEL',
      },
      responses: {
        ...text,
        brief: 'File of responses to score, one {"id", "result"} a line, or a folder of them',
        optional: true,
        placeholder: 'FILE',
      },
      category: {
        ...text,
        brief: 'Categories or groups (non_live, live, single_turn, multi_turn), with commas',
        optional: true,
        variadic: ',',
        placeholder: 'NAMES',
      },
      limit: {
        ...parsed,
        parse: wholeNumber(1),
        brief: 'Sample at most this many entries a category',
        optional: true,
        placeholder: 'N',
      },
      decode: {
        kind: 'enum',
        values: ['v3', 'head'],
        brief: "Rule of decoding calls: version 3's or version 4's",
        default: 'v3',
      },
      maxTokens: {
        ...parsed,
        parse: wholeNumber(1),
        brief: `Longest answer; officially ${BFCL_OFFICIAL.maxTokens}`,
        default: String(BFCL_OFFICIAL.maxTokens),
        placeholder: 'N',
      },
      temperature: {
        ...parsed,
        parse: numberFrom(0),
        brief: 'Officially 0.001; 0 takes the likeliest token',
        default: String(BFCL_OFFICIAL.temperature),
        placeholder: 'X',
      },
      openThought: {
        kind: 'boolean',
        brief: 'End prompts with <think>, for models of the code of STAR itself; officially they do not',
        default: false,
        withNegated: false,
      },
      device: { ...text, brief: 'cpu, gpu or a name', default: 'cpu', placeholder: 'NAME' },
      engine: engineFlag,
      served: { ...text, brief: 'Name of the model on the server', optional: true, placeholder: 'NAME' },
      parallel: {
        ...parsed,
        parse: wholeNumber(1),
        brief: 'Requests that a server is sent at once',
        default: '8',
        placeholder: 'N',
      },
      out: {
        ...text,
        brief: 'Folder of the results; default: one under --runs, or in the run that a checkpoint is of',
        optional: true,
        placeholder: 'DIR',
      },
      runs: runsFlag,
      json: {
        kind: 'boolean',
        brief: 'Print the scores as one JSON object',
        default: false,
        withNegated: false,
      },
      debug: debugFlag,
    },
  },
  docs: {
    brief: 'Score models on BFCL v3',
    fullDescription: examples(
      'Scores a model, or a file of responses, on the Berkeley Function-Calling Leaderboard, version 3, with the official\n' +
        'prompts, verdicts and table. A server gets the key in OPENAI_API_KEY. The same command goes on where it was\n' +
        'stopped.',
      'tinystar eval bfcl --data bfcl --responses result/my-model',
      'tinystar eval bfcl --data bfcl --model http://localhost:8080/v1 --category simple,live --limit 20',
    ),
  },
});
