/** `tinystar data convert`: public data sets as records, with what is broken counted and kept apart. */
import { existsSync } from 'node:fs';
import { buildCommand } from '@stricli/core';
import { STANDARD } from '../../base/destination.ts';
import { UserError } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';
import { debugFlag, examples, wholeNumber } from '../flags.ts';
import { checkOutputs, outputName, tellingStream } from '../outputs.ts';
import { RowCounter } from '../row-counter.ts';
import { table } from '../../report/table.ts';

interface Flags {
  readonly format: string;
  readonly output: string;
  readonly rejects?: string;
  readonly source?: string;
  readonly turns: 'default' | 'last' | 'every';
  readonly refusal?: string;
  readonly jsonSchema: boolean;
  readonly checkGold: boolean;
  readonly limit?: number;
  readonly debug: boolean;
}

/** The local files of the inputs; data sets of the hub are downloaded. */
async function filesOf(inputs: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  const { hubFiles, isHubName } = await import('../../data/streams/hub.ts');
  const files: string[] = [];
  for (const input of inputs) {
    if (isHubName(input)) files.push(...(await hubFiles(input, env)));
    else if (input === STANDARD || existsSync(input)) files.push(input);
    else {
      const hint = /^[^/\s]+\/[^/\s]+$/.test(input) ? ` If it is a data set's name, write hf:${input}.` : '';
      throw new UserError('FILE', `Cannot read ${input}: it does not exist; check the path.${hint}`);
    }
  }
  return files;
}

async function convert(this: CliContext, flags: Flags, ...inputs: string[]): Promise<void> {
  const [{ LineWriter }, { convertRows, Tally }, { formatNamed }, { recordLine }, { fileRows }] =
    await Promise.all([
      import('../../base/line-writer.ts'),
      import('../../data/convert.ts'),
      import('../../data/formats/index.ts'),
      import('../../data/record.ts'),
      import('../../data/streams/rows.ts'),
    ]);
  const { format, source, turns, refusal, jsonSchema, checkGold, limit = Infinity } = flags;
  const options = {
    jsonSchema,
    checkGold,
    ...(format === 'auto' ? {} : { format: formatNamed(format) }),
    ...(source === undefined ? {} : { source }),
    ...(turns === 'default' ? {} : { everyTurn: turns === 'every' }),
    ...(refusal === undefined ? {} : { refusal }),
  };
  const files = await filesOf(inputs, this.process.env);
  const outputs = { output: flags.output, rejects: flags.rejects };
  checkOutputs(files, outputs);
  using output = new LineWriter(flags.output);
  using rejects = flags.rejects === undefined ? undefined : new LineWriter(flags.rejects);
  using counter = new RowCounter(this);
  const [kept, dropped] = [new Tally(), new Tally()];
  reading: for (const file of files) {
    for await (const result of convertRows(fileRows(file), options)) {
      counter.add();
      if ('record' in result) {
        output.write(recordLine(result.record));
        kept.add(result.format);
        if (output.lines >= limit) break reading;
      } else {
        dropped.add(result.rejected.code);
        rejects?.write(JSON.stringify(result.rejected));
      }
    }
  }
  counter[Symbol.dispose]();
  if (output.lines === 0) {
    rejects?.commit();
    const [most] = dropped.entries();
    const why =
      most === undefined
        ? 'there is none; check the files'
        : `the most frequent reason is ${most[0]}; look at them with --rejects`;
    throw new UserError('DATA_EMPTY', `Not one row became a record: ${why}.`);
  }
  output.commit();
  rejects?.commit();
  const rows = [
    ...kept.entries().map(([name, count]) => ['records', name, String(count)]),
    ...dropped.entries().map(([code, count]) => ['rejected', code, String(count)]),
  ];
  const telling = tellingStream(this, outputs);
  telling.write(table(rows, ['left', 'left', 'right']));
  telling.write(`${output.lines} records in ${outputName(flags.output)}, ${dropped.total} rejected.\n`);
}

const text = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: String, brief, placeholder, optional: true }) as const;

export const dataConvertCommand = buildCommand<Flags, string[], CliContext>({
  func: convert,
  parameters: {
    flags: {
      format: {
        kind: 'parsed',
        parse: String,
        brief: 'auto, xlam, toolace, toolmind, hammer, openai, sharegpt, bfcl or acebench',
        default: 'auto',
        placeholder: 'NAME',
      },
      output: { kind: 'parsed', parse: String, brief: 'Records, one a line', placeholder: 'FILE' },
      rejects: text('Rows that were left out, each with its reason', 'FILE'),
      source: text("What the records are marked with; without it, the format's name", 'NAME'),
      turns: {
        kind: 'enum',
        values: ['default', 'last', 'every'],
        brief: 'Which answers of a conversation become records',
        default: 'default',
      },
      refusal: text('What the assistant says in rows that no tool fits', 'TEXT'),
      jsonSchema: {
        kind: 'boolean',
        brief: "Turn the tools' parameters into JSON Schema",
        default: false,
        withNegated: false,
      },
      checkGold: {
        kind: 'boolean',
        brief: 'Leave out answers that do not score above 0.99 against themselves',
        default: true,
      },
      limit: {
        kind: 'parsed',
        parse: wholeNumber(1),
        brief: 'Stop after so many records',
        optional: true,
        placeholder: 'N',
      },
      debug: debugFlag,
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        parse: String,
        brief: 'Files (.json, .jsonl, either with .gz, .parquet), - or hf:owner/name',
        placeholder: 'INPUT',
      },
    },
  },
  docs: {
    brief: 'Convert public data sets to records',
    fullDescription: examples(
      'Reads xLAM, ToolACE, ToolMind, Hammer irrelevance, OpenAI chat, ShareGPT and the questions of BFCL and ACEBench, and\n' +
        'writes records of one form. What is broken is left out, counted by reason, and kept with --rejects.',
      'tinystar data convert xlam.json --output xlam.jsonl --rejects broken.jsonl',
      'tinystar data convert hf:Salesforce/xlam-function-calling-60k --output xlam.jsonl',
    ),
  },
});
