/** `tinystar eval NAME` of a benchmark; the flags of what is asked are the options of its zod shape. */
import type { Command } from '@stricli/core';
import type { z } from 'zod';
import type { AskOptions, BenchmarkSpec } from '../../../packages/benchmarks/src/benchmark.ts';
import { UserError } from '../../base/errors.ts';
import { benchmarkResult } from '../benchmark-result.ts';
import { answerBenchmark, benchmarkFlags, scoreResponses } from '../benchmark-run.ts';
import { among, command } from '../command.ts';
import { type CliContext, outStyle } from '../context.ts';
import { type FlagsOf, option, text } from '../flags.ts';
import { keptInput } from '../inputs.ts';

/** The command of a benchmark. */
export function benchmarkCommand(spec: BenchmarkSpec): Command<CliContext> {
  const shared = { data: text(spec.help.data, 'DIR'), ...benchmarkFlags };
  const own = Object.entries(spec.options).map(([name, schema]) => [name, option(schema as z.ZodType)]);
  async function evaluate(context: CliContext, given: FlagsOf<typeof shared>): Promise<void> {
    const { data, model, responses, runs, json } = given;
    if ((model === undefined) === (responses === undefined))
      throw new UserError(
        `${spec.name.toUpperCase()}_SOURCE`,
        'Give either --model, to have it answer, or --responses, to score what is there.',
      );
    const options = { ...among(given, spec.options), data } as AskOptions;
    const benchmark = await spec.load();
    const evaluation = { spec, benchmark, options, flags: given };
    const outcome =
      model !== undefined
        ? await answerBenchmark(context, evaluation, model)
        : scoreResponses(evaluation, keptInput(responses ?? '', runs));
    const { scores, folder } = outcome;
    context.process.stdout.write(
      json
        ? `${JSON.stringify({ ...scores, folder })}\n`
        : `\n${benchmarkResult(spec.title, benchmark, outcome, outStyle(context))}\nverdicts and scores  ${folder}\n`,
    );
  }
  return command({
    brief: `Score models on ${spec.title}`,
    about: spec.help.text,
    examples: spec.help.examples,
    flags: { ...shared, ...(Object.fromEntries(own) as object) },
    run: evaluate,
  });
}
