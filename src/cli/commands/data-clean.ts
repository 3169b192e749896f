/** `tinystar data clean`: records without duplicates, and without what evaluations ask. */
import { basename } from 'node:path';
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import type { EvaluationQuestions } from '../../data/contamination.ts';
import type { Rejected } from '../../data/reading.ts';
import type { CliContext } from '../context.ts';
import { debugFlag, examples, numberFrom, wholeNumber } from '../flags.ts';
import { checkOutputs, outputName, tellingStream } from '../outputs.ts';
import { RowCounter } from '../row-counter.ts';
import { table } from '../../report/table.ts';

interface Flags {
  readonly output: string;
  readonly against?: readonly string[];
  readonly words: number;
  readonly near?: number;
  readonly rejects?: string;
  readonly debug: boolean;
}

interface Compared {
  readonly questions: EvaluationQuestions;
  /** What was read, as rows of a table. */
  readonly report: readonly (readonly string[])[];
}

/** Reads the questions of evaluation sets, in whichever format they are. */
async function questionsOf(paths: readonly string[], words: number): Promise<Compared> {
  const [{ EvaluationQuestions: Questions }, { convertRows }, { fileRows }] = await Promise.all([
    import('../../data/contamination.ts'),
    import('../../data/convert.ts'),
    import('../../data/streams/rows.ts'),
  ]);
  const questions = new Questions(words);
  const report: string[][] = [];
  for (const path of paths) {
    let [read, broken] = [0, 0];
    for await (const result of convertRows(fileRows(path), { checkGold: false })) {
      if ('record' in result) {
        questions.add(basename(path), result.record);
        read += 1;
      } else broken += 1;
    }
    report.push(['compared with', basename(path), String(read)]);
    if (broken > 0) report.push(['not readable', basename(path), String(broken)]);
    if (read === 0)
      throw new UserError('DECONTAMINATE', `${path} has no questions that can be read; check its format.`);
  }
  return { questions, report };
}

async function clean(this: CliContext, flags: Flags, ...inputs: string[]): Promise<void> {
  const [{ LineWriter }, { Tally }, { DuplicateFilter }, { recordRows }, { recordLine }] = await Promise.all([
    import('../../base/line-writer.ts'),
    import('../../data/convert.ts'),
    import('../../data/duplicates.ts'),
    import('../../data/reading.ts'),
    import('../../data/record.ts'),
  ]);
  const outputs = { output: flags.output, rejects: flags.rejects };
  checkOutputs([...inputs, ...(flags.against ?? [])], outputs);
  const { questions, report } = await questionsOf(flags.against ?? [], flags.words);
  const duplicates = new DuplicateFilter(flags.near === undefined ? {} : { near: flags.near });
  using output = new LineWriter(flags.output);
  using rejects = flags.rejects === undefined ? undefined : new LineWriter(flags.rejects);
  using counter = new RowCounter(this);
  const dropped = new Tally();
  const drop = (rejected: Rejected): void => {
    dropped.add(rejected.code);
    rejects?.write(JSON.stringify(rejected));
  };
  for (const file of inputs) {
    for await (const row of recordRows(file)) {
      counter.add();
      if ('rejected' in row) {
        drop(row.rejected);
        continue;
      }
      const { where, text, record } = row;
      const overlap = questions.overlap(record);
      const duplicate = overlap === undefined ? duplicates.check(record) : undefined;
      if (overlap !== undefined) {
        const message = `In common with ${overlap.id} of ${overlap.set}: ${overlap.words}`;
        drop({ where, code: `contaminated by ${overlap.set}`, message, text });
      } else if (duplicate !== undefined)
        drop({ where, code: `${duplicate} duplicate`, message: 'It repeats an earlier record.', text });
      else output.write(recordLine(record));
    }
  }
  counter[Symbol.dispose]();
  output.commit();
  rejects?.commit();
  const rows = dropped.entries().map(([code, count]) => ['left out', code, String(count)]);
  const telling = tellingStream(this, outputs);
  telling.write(table([...report, ...rows], ['left', 'left', 'right']));
  telling.write(`${output.lines} records in ${outputName(flags.output)}, ${dropped.total} left out.\n`);
}

function similarity(text: string): number {
  const value = numberFrom(0)(text);
  if (value === 0 || value > 1)
    throw new UserError('FLAG', 'must be a similarity above 0 and at most 1, such as 0.8');
  return value;
}

export const dataCleanCommand = buildCommand<Flags, string[], CliContext>({
  func: clean,
  parameters: {
    flags: {
      output: { kind: 'parsed', parse: String, brief: 'Records that are kept', placeholder: 'FILE' },
      against: {
        kind: 'parsed',
        parse: String,
        brief: 'An evaluation set that nothing may overlap with; several times for several',
        variadic: true,
        optional: true,
        placeholder: 'FILE',
      },
      words: {
        kind: 'parsed',
        parse: wholeNumber(4),
        brief: 'How many words in a row count as an overlap',
        default: '10',
        placeholder: 'N',
      },
      near: {
        kind: 'parsed',
        parse: similarity,
        brief: 'Leave out near duplicates too, from this similarity on (such as 0.8)',
        optional: true,
        placeholder: 'X',
      },
      rejects: {
        kind: 'parsed',
        parse: String,
        brief: 'Records that were left out, each with its reason',
        optional: true,
        placeholder: 'FILE',
      },
      debug: debugFlag,
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { parse: String, brief: 'Records, as data convert writes them', placeholder: 'FILE' },
    },
  },
  docs: {
    brief: 'Remove duplicates and what evaluations ask',
    fullDescription: examples(
      'Leaves out records that repeat an earlier one, exactly or nearly, and those whose users say what a question of an\n' +
        'evaluation set says. What is left out is counted, and kept with --rejects.',
      'tinystar data clean xlam.jsonl toolace.jsonl --output clean.jsonl --near 0.8',
      'tinystar data clean xlam.jsonl --output clean.jsonl --against BFCL_v3_simple.json --rejects left-out.jsonl',
    ),
  },
});
