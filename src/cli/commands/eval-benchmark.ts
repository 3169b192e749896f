/** `tinystar eval NAME` of a benchmark; the flags of what is asked are the options of its zod shape. */
import { buildCommand } from '@stricli/core';
import { z } from 'zod';
import type { AskOptions, BenchmarkSpec } from '../../../packages/benchmarks/src/benchmark.ts';
import { UserError } from '../../base/errors.ts';
import type { BenchmarkFlags } from '../benchmark-run.ts';
import type { CliContext } from '../context.ts';
import { outStyle } from '../context.ts';
import { debugFlag, engineFlag, examples, numberFrom, runsFlag, wholeNumber } from '../flags.ts';
import { keptInput } from '../kept-input.ts';

interface Flags extends BenchmarkFlags {
  readonly data: string;
  readonly model?: string;
  readonly responses?: string;
  readonly [option: string]: unknown;
}

const parsed = { kind: 'parsed' } as const;
const text = { ...parsed, parse: String } as const;

/** The flag of an option: max-tokens of generate_max_len, else the same name. */
const flagName = (option: string): string =>
  option === 'generate_max_len'
    ? 'maxTokens'
    : option.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** A flag as its schema says: of a choice, a boolean, a list of names or a number. */
function flagOf(schema: z.ZodType): object {
  const isOptional = schema instanceof z.ZodExactOptional;
  const given = schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
  const inner = schema instanceof z.ZodDefault || isOptional ? schema.unwrap() : schema;
  const about = schema.description ?? (inner as z.ZodType).description ?? '';
  const brief = `${about.charAt(0).toUpperCase()}${about.slice(1)}`;
  if (inner instanceof z.ZodEnum) return { kind: 'enum', values: inner.options, brief, default: given };
  if (inner instanceof z.ZodBoolean) return { kind: 'boolean', brief, default: given, withNegated: false };
  if (inner instanceof z.ZodArray)
    return { ...text, brief, optional: true, variadic: ',', placeholder: 'NAMES' };
  const isWhole = inner instanceof z.ZodNumber && inner.isInt;
  const number = { ...parsed, parse: isWhole ? wholeNumber(1) : numberFrom(0), brief };
  const placeholder = isWhole ? 'N' : 'X';
  return isOptional
    ? { ...number, placeholder, optional: true }
    : { ...number, placeholder, default: String(given) };
}

/** The command of a benchmark. */
export function benchmarkCommand(spec: BenchmarkSpec) {
  const names = Object.keys(spec.options);
  const optionFlags = Object.entries(spec.options).map(([name, schema]) => [
    flagName(name),
    flagOf(schema as z.ZodType),
  ]);
  async function evaluate(this: CliContext, flags: Flags): Promise<void> {
    const { data, model, responses } = flags;
    if ((model === undefined) === (responses === undefined))
      throw new UserError(
        `${spec.name.toUpperCase()}_SOURCE`,
        'Give either --model, to have it answer, or --responses, to score what is there.',
      );
    const given = names.flatMap((name) => {
      const value = flags[flagName(name)];
      return value === undefined ? [] : [[name, value]];
    });
    const options = { ...Object.fromEntries(given), data } as AskOptions;
    const [{ answerBenchmark, scoreResponses }, { benchmarkResult }, benchmark] = await Promise.all([
      import('../benchmark-run.ts'),
      import('../benchmark-result.ts'),
      spec.load(),
    ]);
    const evaluation = { spec, benchmark, options, flags };
    const outcome =
      model !== undefined
        ? await answerBenchmark(this, evaluation, model)
        : scoreResponses(evaluation, keptInput(responses ?? '', flags.runs));
    const { scores, folder } = outcome;
    this.process.stdout.write(
      flags.json
        ? `${JSON.stringify({ ...scores, folder })}\n`
        : `\n${benchmarkResult(spec.title, benchmark, outcome, outStyle(this))}\nverdicts and scores  ${folder}\n`,
    );
  }
  return buildCommand<Flags, [], CliContext>({
    func: evaluate,
    parameters: {
      flags: {
        data: { ...text, brief: spec.help.data, placeholder: 'DIR' },
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
        ...Object.fromEntries(optionFlags),
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
      brief: `Score models on ${spec.title}`,
      fullDescription: examples(spec.help.text, ...spec.help.examples),
    },
  });
}
