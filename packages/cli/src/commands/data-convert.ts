/** `tinystar data convert`: public data sets as records, with what is broken counted and kept apart. */
import { existsSync } from 'node:fs';
import { STANDARD } from '../../../../src/base/destination.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { convertRows, Tally } from '../../../../src/data/convert.ts';
import { formatNamed, formatNames } from '../../../../src/data/formats/index.ts';
import { recordLine } from '../../../../src/data/record.ts';
import { hubFiles, isHubName } from '../../../../src/data/streams/hub.ts';
import { fileRows } from '../../../../src/data/streams/rows.ts';
import { readTools } from '../../../../src/data/tools-file.ts';
import { command } from '../command.ts';
import { choice, onUnless, optional, text, toggle, whole } from '../flags.ts';
import { rejectsFlag, RowOutputs } from '../row-outputs.ts';

/** The local files of the inputs; data sets of the hub are downloaded. */
async function filesOf(
  inputs: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
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

export const dataConvertCommand = command({
  brief: 'Convert public data sets to records',
  about:
    'Reads xLAM, ToolACE, ToolMind, Hammer irrelevance, OpenAI chat, ShareGPT, example lines of a project and the questions\n' +
    'of BFCL and ACEBench, and writes records of one form. What is broken is left out, counted by reason, and kept with\n' +
    '--rejects.',
  examples: [
    'tinystar data convert xlam.json --output xlam.jsonl --rejects broken.jsonl',
    'tinystar data convert hf:Salesforce/xlam-function-calling-60k --output xlam.jsonl',
    'tinystar data convert home/examples.jsonl --tools home/functions.json --output train.jsonl',
  ],
  flags: {
    format: text(
      `auto, ${formatNames.slice(0, -1).join(', ')} or ${formatNames.at(-1) ?? ''}`,
      'NAME',
      'auto',
    ),
    tools: optional(text('Functions of rows that have none of their own', 'FILE')),
    output: text('Records, one a line', 'FILE'),
    rejects: rejectsFlag,
    source: optional(text("What the records are marked with; without it, the format's name", 'NAME')),
    turns: choice(['default', 'last', 'every'], 'Which answers of a conversation become records', 'default'),
    refusal: optional(text('What the assistant says in rows that no tool fits', 'TEXT')),
    json_schema: toggle("Turn the tools' parameters into JSON Schema"),
    check_gold: onUnless('Leave out answers that do not score above 0.99 against themselves'),
    limit: optional(whole(1, 'Stop after so many records')),
  },
  list: {
    brief: 'Files (.json, .jsonl, either with .gz, .parquet), - or hf:owner/name',
    placeholder: 'INPUT',
  },
  async run(context, given, ...inputs) {
    const { format, source, turns, refusal, tools, limit = Infinity } = given;
    const options = {
      jsonSchema: given.json_schema,
      checkGold: given.check_gold,
      ...(format === 'auto' ? {} : { format: formatNamed(format) }),
      ...(source === undefined ? {} : { source }),
      ...(turns === 'default' ? {} : { everyTurn: turns === 'every' }),
      ...(refusal === undefined ? {} : { refusal }),
      ...(tools === undefined ? {} : { tools: readTools(tools) }),
    };
    const files = await filesOf(inputs, context.process.env);
    using rows = new RowOutputs(context, files, given);
    const kept = new Tally();
    const converted = rows.read(files, (file) => convertRows(fileRows(file), options));
    for await (const { record, format: name } of converted) {
      rows.keep(recordLine(record));
      kept.add(name);
      if (rows.kept >= limit) break;
    }
    rows.commit(rows.kept > 0);
    if (rows.kept === 0) {
      const [most] = rows.dropped.entries();
      const why =
        most === undefined
          ? 'there is none; check the files'
          : `the most frequent reason is ${most[0]}; look at them with --rejects`;
      throw new UserError('DATA_EMPTY', `Not one row became a record: ${why}.`);
    }
    rows.tellDropped(
      'rejected',
      kept.entries().map(([name, count]) => ['records', name, String(count)]),
    );
    rows.telling.write(`${rows.kept} records in ${rows.name}, ${rows.dropped.total} rejected.\n`);
  },
});
