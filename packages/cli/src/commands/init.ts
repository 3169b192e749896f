/** `tinystar init`: the folder of a project of `fit`, from functions in any form. */
import { join } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import { initProject } from '../../../fit/src/init.ts';
import type { InitResult } from '../../../fit/src/init.ts';
import { headedTable } from '../../../report/src/table.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { optional, repeated, text, toggle } from '../flags.ts';
import type { Style } from '../terminal.ts';

/** Notes that are shown. */
const MOST_NOTES = 30;

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

function headerOf(written: string): [name: string, value: string] {
  const [, name, value] = /^([\w-]+)\s*:\s*(\S.*)$/.exec(written) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new UserError('FLAG', 'A --header must be written as "NAME: VALUE"; correct it.');
}

export const initCommand = command({
  brief: 'Make the folder of a project: functions, examples, settings',
  about:
    'Reads functions and writes them, normalised, to DIR/functions.json, with examples to begin with, settings and a page of\n' +
    'help. SOURCE is a file of tools (of OpenAI, Anthropic, MCP and others), a module of JavaScript or TypeScript that exports\n' +
    'schemas of zod or another library, an OpenAPI document or its address, an MCP server (mcp: and its command or address), or\n' +
    'a file or folder of traces, which gives examples as well. Nothing that is there already is changed.',
  examples: [
    'tinystar init home --tools tools.json --examples requests.jsonl',
    'tinystar init home --tools src/tools.ts',
    'tinystar init pets --tools https://petstore3.swagger.io/api/v3/openapi.json --only getPetById,addPet',
    'tinystar init files --tools "mcp:npx -y @modelcontextprotocol/server-filesystem /tmp"',
    'tinystar init support --tools traces/',
  ],
  flags: {
    tools: optional(text('Source of functions; without it, DIR/functions.json', 'SOURCE')),
    only: optional(text('Names of the functions to take, with commas; all without it', 'NAMES')),
    header: repeated(text('Header for an address, such as an Authorization; may be repeated', 'NAME: VALUE')),
    examples: optional(text('File of {request, calls} or {request, reply} lines to copy', 'FILE')),
    json: toggle('Print what was read as one JSON object'),
  },
  args: [{ brief: 'Folder of the project', placeholder: 'DIR' }],
  async run(context, { tools, only, header = [], examples, json }, folder) {
    const { stdout, stderr } = context.process;
    const made = await initProject(folder, {
      ...(tools === undefined ? {} : { tools }),
      ...(examples === undefined ? {} : { examples }),
      ...(only === undefined ? {} : { only: only.split(',').map((name) => name.trim()) }),
      headers: Object.fromEntries(header.map(headerOf)),
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
    for (const { where, text: words } of made.notes.slice(0, MOST_NOTES))
      stdout.write(`${style.accent('note')} ${where} ${words}\n`);
    const more = made.notes.length - MOST_NOTES;
    if (more > 0) stdout.write(`${style.accent('note')} and ${more} more; --json prints them all\n`);
    const files = made.written.length === 0 ? 'nothing: all is there' : made.written.join(', ');
    stdout.write(`\n${join(folder, '')}: wrote ${files}\n`);
    stdout.write(
      made.isInferred
        ? `Next: write 5 to 10 requests for each function into ${join(folder, 'examples.jsonl')}, then run tinystar fit ${folder}\n`
        : `Next: tinystar fit ${folder}\n`,
    );
  },
});
