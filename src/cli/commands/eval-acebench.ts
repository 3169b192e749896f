/** `tinystar eval acebench`: ACEBench's English normal and special sets, scored as the official programs score them. */
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import type { AcebenchOptions } from '../acebench-run.ts';
import { ACEBENCH_OFFICIAL } from '../../../packages/benchmarks/src/official.ts';
import type { CliContext } from '../context.ts';
import { outStyle } from '../context.ts';
import { keptInput } from '../kept-input.ts';
import { debugFlag, engineFlag, examples, numberFrom, runsFlag, wholeNumber } from '../flags.ts';

interface Flags extends AcebenchOptions {
  readonly model?: string;
  readonly responses?: string;
  readonly debug: boolean;
}

async function acebench(this: CliContext, flags: Flags): Promise<void> {
  const { model, responses } = flags;
  if ((model === undefined) === (responses === undefined))
    throw new UserError(
      'ACEBENCH_SOURCE',
      'Give either --model, to have it answer, or --responses, to score what is there.',
    );
  const [{ answerAcebench, scoreAcebench }, { acebenchResult }] = await Promise.all([
    import('../acebench-run.ts'),
    import('../acebench-result.ts'),
  ]);
  const outcome =
    model !== undefined
      ? await answerAcebench(this, flags, model)
      : scoreAcebench(flags, keptInput(responses ?? '', flags.runs));
  const { scores, folder } = outcome;
  const text = flags.json
    ? `${JSON.stringify({ ...scores, folder })}\n`
    : `\n${acebenchResult(outcome, outStyle(this))}\nverdicts and scores  ${folder}\n`;
  this.process.stdout.write(text);
}

const parsed = { kind: 'parsed' } as const;
const text = { ...parsed, parse: String } as const;

export const evalAcebenchCommand = buildCommand<Flags, [], CliContext>({
  func: acebench,
  parameters: {
    flags: {
      data: { ...text, brief: "The benchmark's folder data_en, or the one above it", placeholder: 'DIR' },
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
      revision: {
        kind: 'enum',
        values: ['2025-08', '2025-10'],
        brief: 'Whose rules: those of the first program, or of its successor',
        default: '2025-10',
      },
      category: {
        ...text,
        brief: 'Categories, or normal and special, with commas',
        optional: true,
        variadic: ',',
        placeholder: 'NAMES',
      },
      limit: {
        ...parsed,
        parse: wholeNumber(1),
        brief: 'Sample at most this many entries or dialogues a category',
        optional: true,
        placeholder: 'N',
      },
      thinking: {
        kind: 'enum',
        values: ['keep', 'strip', 'off'],
        brief: 'Score thoughts with the rest, as officially; take them off; or ask for none',
        default: 'keep',
      },
      openThought: {
        kind: 'boolean',
        brief: 'End prompts with <think>, for models of the code of STAR itself; officially they do not',
        default: false,
        withNegated: false,
      },
      maxTokens: {
        ...parsed,
        parse: wholeNumber(1),
        brief: `Longest answer; officially ${ACEBENCH_OFFICIAL.maxTokens}`,
        default: String(ACEBENCH_OFFICIAL.maxTokens),
        placeholder: 'N',
      },
      temperature: {
        ...parsed,
        parse: numberFrom(0),
        brief: 'Officially 0, which takes the likeliest token',
        default: '0',
        placeholder: 'X',
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
    brief: 'Score models on ACEBench',
    fullDescription: examples(
      "Scores a model, or a file of responses, on ACEBench's English normal and special sets, with the official prompts\n" +
        'and verdicts, beside what the official answers themselves reach. A server gets the key in OPENAI_API_KEY. The same\n' +
        'command goes on where it was stopped.',
      'tinystar eval acebench --data acebench/data_en --responses result/my-model',
      'tinystar eval acebench --data acebench/data_en --model http://localhost:8080/v1 --category normal --limit 10',
    ),
  },
});
