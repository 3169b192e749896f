/**
 * `tinystar eval NAME` of a benchmark: scores a file of responses, or a model that answers in sight of the user. The flags
 * of what is asked are the options of its zod shape.
 */
import type { Command } from '@stricli/core';
import type { z } from 'zod';
import type { AskOptions, Benchmark, BenchmarkSpec } from '../../../benchmarks/src/benchmark.ts';
import { countFaults, type FaultyResponse, RESPONSE_FAULTS } from '../../../benchmarks/src/responses.ts';
import { type Evaluation, resultFolder, scoreResponses } from '../../../benchmarks/src/results.ts';
import { type Outcome, Session } from '../../../benchmarks/src/session.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { lockFolder } from '../../../../src/base/lock.ts';
import { intervalText } from '../../../report/src/numbers.ts';
import { headedTable, table } from '../../../report/src/table.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { among, command } from '../command.ts';
import { type CliContext, outStyle } from '../context.ts';
import { follow } from '../execute.ts';
import {
  answeringFlags,
  engineFlag,
  type FlagsOf,
  option,
  optional,
  runFlags,
  text,
  toggle,
  whole,
} from '../flags.ts';
import { keptInput, openModel } from '../inputs.ts';
import type { Style } from '../terminal.ts';

/** Flags of every benchmark's command that say how, and not what, is asked. */
const benchmarkFlags = {
  model: optional(text('Checkpoint folder, GGUF file, or address of an OpenAI-compatible server', 'MODEL')),
  responses: optional(
    text('File of responses to score, one {"id", "result"} a line, or a folder of them', 'FILE'),
  ),
  device: answeringFlags.device,
  engine: engineFlag,
  served: optional(text('Name of the model on the server', 'NAME')),
  tokenizer: optional(
    text("Folder or GGUF file with the served model's tokenizer, to ask in its own chat template", 'DIR'),
  ),
  parallel: whole(1, 'Requests that a server is sent at once', 8),
  out: optional(
    text('Folder of the results; default: one under --runs, or in the run that a checkpoint is of', 'DIR'),
  ),
  runs: runFlags.runs,
  json: toggle('Print the scores as one JSON object'),
};
type BenchmarkFlags = FlagsOf<typeof benchmarkFlags>;

/** Lets a model answer what it has not answered yet, and scores it; throws Interrupted when the user stops it. */
async function answer(
  context: CliContext,
  evaluation: Evaluation,
  model: string,
  flags: BenchmarkFlags,
): Promise<Outcome> {
  const { spec, benchmark, options } = evaluation;
  const apiKey = context.process.env['OPENAI_API_KEY'];
  using sampler = await openModel(context, model, { ...flags, ...(apiKey !== undefined && { apiKey }) });
  const folder = resultFolder(evaluation, sampler, model);
  using _lock = lockFolder(folder);
  using session = new Session(benchmark, sampler, options, benchmark.entries(options), folder);
  await follow(
    context,
    [spec.name],
    (signal) => answering(session, spec.name, context.services.now, signal),
    // Standard output and error are for programs.
    flags.json ? () => undefined : undefined,
  );
  return session.finish();
}

/** Answers of a session as the events of a stage. */
async function* answering(
  session: Session,
  stage: string,
  now: () => number,
  signal: AbortSignal,
): AsyncGenerator<RunEvent> {
  const { total, done, correct } = session;
  yield { type: 'stage', stage, kind: 'eval', total, done, watch: ['exact_match'] };
  let [step, right, allTokens] = [done, correct, 0];
  const start = now();
  for await (const answer of session.answers(signal)) {
    step += 1;
    right += answer.isRight ? 1 : 0;
    allTokens += answer.tokens;
    // Answers come in bursts: only their means since the start say how fast it goes.
    const asked = step - done;
    const [tokens, seconds] = [allTokens / asked, (now() - start) / 1000 / asked];
    yield { type: 'step', stage, step, total, tokens, seconds, metrics: { exact_match: right / step } };
  }
}

/** The result as text, under the title of its benchmark. */
function benchmarkResult(
  title: string,
  benchmark: Benchmark,
  { scores, faulty, unasked, note }: Outcome,
  style: Style,
): string {
  const { model, sample, seed, errors } = scores;
  const heading = [`${style.bold(title)}${benchmark.table.edition(scores)}  ${model}`];
  const remarks = benchmark.table.remarks(scores).filter((remark) => remark !== '');
  const official =
    sample === null
      ? ''
      : `${style.bad('sample')} of at most ${sample} entries a category (seed ${seed}): not the official score\n`;
  const tables = benchmark.table.tables(scores, style).map(({ head, rows, note: below = '' }) => {
    const cells = rows.map((row) =>
      row.map((cell) => (typeof cell === 'string' ? cell : style.dim(intervalText(cell)))),
    );
    return (head === undefined ? table(cells, ['left', 'right']) : headedTable(head, cells, style)) + below;
  });
  const errorRows = Object.entries(errors).map(([error, count]) => [error, String(count)]);
  return [
    `${[...heading, ...remarks].join(', ')}\n${official}`,
    ...tables,
    errorRows.length === 0 ? '' : headedTable(['error', 'entries'], errorRows, style),
    unaskedLine(unasked, style),
    note === undefined ? '' : `${style.bad(note.label)}: ${note.text}\n`,
    faultLines(faulty, style),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Lines that were left out, by fault, with the first place of each; empty if there are none. */
function faultLines(faulty: readonly FaultyResponse[], style: Style): string {
  if (faulty.length === 0) return '';
  const lines = countFaults(faulty).map(({ fault, count, first }) => {
    const id = first.id === undefined ? '' : `, ${first.id}`;
    const place = `${count === 1 ? '' : 'first '}line ${first.line} of ${first.path}${id}`;
    return `  ${count} × ${fault}: ${RESPONSE_FAULTS[fault]} (${place})\n`;
  });
  return `${style.bad('left out')}: ${faulty.length} ${faulty.length === 1 ? 'line' : 'lines'} of responses\n${lines.join('')}`;
}

/** The note on prompts that could not be asked; empty if there are none. */
function unaskedLine(unasked: number, style: Style): string {
  if (unasked === 0) return '';
  const what = unasked === 1 ? '1 prompt fills' : `${unasked} prompts fill`;
  return `${style.bad('note')}: ${what} the model's positions, so that nothing was asked; they count as wrong (no_response)\n`;
}

/** The command of a benchmark. */
export function benchmarkCommand(spec: BenchmarkSpec): Command<CliContext> {
  const shared = { data: text(spec.help.data, 'DIR'), ...benchmarkFlags };
  const own = Object.entries(spec.options).map(([name, schema]) => [name, option(schema as z.ZodType)]);
  return command({
    brief: `Score models on ${spec.title}`,
    about: spec.help.text,
    examples: spec.help.examples,
    flags: { ...shared, ...(Object.fromEntries(own) as object) },
    async run(context, given) {
      const { data, model, responses, out, runs, json } = given;
      if ((model === undefined) === (responses === undefined))
        throw new UserError(
          `${spec.name.toUpperCase()}_SOURCE`,
          'Give either --model, to have it answer, or --responses, to score what is there.',
        );
      const options = { ...among(given, spec.options), data } as AskOptions;
      const benchmark = await spec.load();
      const evaluation = { spec, benchmark, options, out, runs };
      const outcome =
        model !== undefined
          ? await answer(context, evaluation, model, given)
          : scoreResponses(evaluation, keptInput(responses ?? '', runs));
      const { scores, folder } = outcome;
      context.process.stdout.write(
        json
          ? `${JSON.stringify({ ...scores, folder })}\n`
          : `\n${benchmarkResult(spec.title, benchmark, outcome, outStyle(context))}\nverdicts and scores  ${folder}\n`,
      );
    },
  });
}
