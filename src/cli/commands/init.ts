/** `tinystar init`: the folder of a project of `fit`, from functions in any form. */
import { join } from 'node:path';
import { initProject } from '../../../packages/fit/src/init.ts';
import type { InitResult } from '../../../packages/fit/src/init.ts';
import { headedTable } from '../../report/table.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { optional, text, toggle } from '../flags.ts';
import type { Style } from '../terminal.ts';

/** Rows that say of each function how many arguments and examples it has. */
function functionTable({ functions, examples }: InitResult, style: Style): string {
  const rows = functions.map(({ name, parameters: { properties = {} } }) => {
    const count = examples.filter(({ calls }) => calls.some((call) => call.name === name)).length;
    return [name, String(Object.keys(properties as object).length), String(count)];
  });
  const none = examples.filter(({ calls }) => calls.length === 0).length;
  return headedTable(
    ['function', 'arguments', 'examples'],
    [...rows, [style.dim('nothing to call'), '', String(none)]],
    style,
  );
}

export const initCommand = command({
  brief: 'Make the folder of a project: functions, examples, settings',
  about:
    'Reads functions and writes them, normalised, to DIR/functions.json, with examples to begin with, settings and a page of\n' +
    'help. Nothing that is there already is changed.',
  examples: [
    'tinystar init home --tools tools.json',
    'tinystar init home --tools tools.json --examples requests.jsonl',
  ],
  flags: {
    tools: optional(text('Source of functions; without it, DIR/functions.json', 'SOURCE')),
    examples: optional(text('File of {request, calls} or {request, reply} lines to copy', 'FILE')),
    json: toggle('Print what was read as one JSON object'),
  },
  args: [{ brief: 'Folder of the project', placeholder: 'DIR' }],
  async run(context, { tools, examples, json }, folder) {
    const { stdout, stderr } = context.process;
    const made = await initProject(folder, {
      ...(tools === undefined ? {} : { tools }),
      ...(examples === undefined ? {} : { examples }),
      tell: (line) => stderr.write(`${line}\n`),
    });
    if (json) {
      const { written, isInferred, notes, functions } = made;
      const facts = { folder, written, functions: functions.length, examples: made.examples.length };
      stdout.write(`${JSON.stringify({ ...facts, inferred: isInferred, notes })}\n`);
      return;
    }
    const style = outStyle(context);
    stdout.write(functionTable(made, style));
    if (made.notes.length > 0) stdout.write('\n');
    for (const { where, text: words } of made.notes)
      stdout.write(`${style.accent('note')} ${where} ${words}\n`);
    const files = made.written.length === 0 ? 'nothing: all is there' : made.written.join(', ');
    stdout.write(`\n${join(folder, '')}: wrote ${files}\n`);
    stdout.write(
      made.isInferred
        ? `Next: write 5 to 10 requests for each function into ${join(folder, 'examples.jsonl')}, then run tinystar fit ${folder}\n`
        : `Next: tinystar fit ${folder}\n`,
    );
  },
});
