/** `tinystar data clean`: records without duplicates, and without what evaluations ask. */
import { basename } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../../src/base/errors.ts';
import { EvaluationQuestions } from '../../../../src/data/contamination.ts';
import { convertRows } from '../../../../src/data/convert.ts';
import { DuplicateFilter } from '../../../../src/data/duplicates.ts';
import { recordRows } from '../../../../src/data/reading.ts';
import { recordLine } from '../../../../src/data/record.ts';
import { fileRows } from '../../../../src/data/streams/rows.ts';
import { command } from '../command.ts';
import { numberBy, optional, parsed, repeated, text, whole } from '../flags.ts';
import { recordFiles, rejectsFlag, RowOutputs } from '../row-outputs.ts';

const similarity = numberBy(z.number().gt(0).max(1), 'a similarity above 0 and at most 1, such as 0.8');

/** Reads the questions of evaluation sets, in whichever format they are, with a report on them as rows of a table. */
async function questionsOf(paths: readonly string[], words: number) {
  const questions = new EvaluationQuestions(words);
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

export const dataCleanCommand = command({
  brief: 'Remove duplicates and what evaluations ask',
  about:
    'Leaves out records that repeat an earlier one, exactly or nearly, and those whose users say what a question of an\n' +
    'evaluation set says. What is left out is counted, and kept with --rejects.',
  examples: [
    'tinystar data clean xlam.jsonl toolace.jsonl --output clean.jsonl --near 0.8',
    'tinystar data clean xlam.jsonl --output clean.jsonl --against BFCL_v3_simple.json --rejects left-out.jsonl',
  ],
  flags: {
    output: text('Records that are kept', 'FILE'),
    against: repeated(
      text('An evaluation set that nothing may overlap with; several times for several', 'FILE'),
    ),
    words: whole(4, 'How many words in a row count as an overlap', 10),
    near: optional(
      parsed(similarity, 'Leave out near duplicates too, from this similarity on (such as 0.8)', 'X'),
    ),
    rejects: rejectsFlag,
  },
  list: recordFiles,
  async run(context, given, ...inputs) {
    const { against = [], near } = given;
    using rows = new RowOutputs(context, [...inputs, ...against], given);
    const { questions, report } = await questionsOf(against, given.words);
    const duplicates = new DuplicateFilter(near);
    for await (const { where, text: line, record } of rows.read(inputs, recordRows)) {
      const overlap = questions.overlap(record);
      const duplicate = overlap === undefined ? duplicates.check(record) : undefined;
      if (overlap !== undefined) {
        const message = `In common with ${overlap.id} of ${overlap.set}: ${overlap.words}`;
        rows.drop({ where, code: `contaminated by ${overlap.set}`, message, text: line });
      } else if (duplicate !== undefined) {
        const message = 'It repeats an earlier record.';
        rows.drop({ where, code: `${duplicate} duplicate`, message, text: line });
      } else rows.keep(recordLine(record));
    }
    rows.commit();
    rows.tellDropped('left out', report);
    rows.telling.write(`${rows.kept} records in ${rows.name}, ${rows.dropped.total} left out.\n`);
  },
});
