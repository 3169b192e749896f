/** New projects: functions from any source, examples to begin with, settings with their defaults, a page of help. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import { readText, writeAtomic } from '../../../src/base/files.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { INFERRED, readExampleFile } from './examples.ts';
import { throwFaults } from './faults.ts';
import { helpPage } from './help.ts';
import { requestsOfDescriptions } from './hints.ts';
import { EXAMPLES_FILE, FUNCTIONS_FILE, HELP_FILE, SETTINGS_FILE } from './project.ts';
import { settingsText } from './settings.ts';
import { functionsOfText } from './tools/documents.ts';
import { prettyJson } from './tools/pretty.ts';
import { readFunctions } from './tools/read.ts';
import type { Answered, FromSource, SourceOptions } from './tools/source.ts';
import type { Note } from './types.ts';

export interface InitOptions extends SourceOptions {
  /** Source of functions; without it, the folder's own functions.json. */
  readonly tools?: string;
  /** File of examples, which is copied. */
  readonly examples?: string;
}

export interface InitResult {
  readonly functions: readonly Tool[];
  /** Number of examples by function, words aside. */
  readonly examples: readonly Answered[];
  /** Tells whether the examples are only what the descriptions give away. */
  readonly isInferred: boolean;
  readonly notes: readonly Note[];
  /** Names of the files that were written. */
  readonly written: readonly string[];
}

const exampleLine = ({ request, calls, reply }: Answered, more: object = {}): string =>
  `${JSON.stringify({ request, ...(reply === '' ? { calls } : { reply }), ...more })}\n`;

/** Functions of a source, or of the folder itself. */
async function given(folder: string, { tools, ...options }: InitOptions): Promise<FromSource> {
  const own = join(folder, FUNCTIONS_FILE);
  if (existsSync(folder) && !statSync(folder).isDirectory())
    throw new UserError('EXISTS', `${folder} is a file; name a folder for the project.`);
  if (tools === undefined) {
    if (existsSync(own)) return { ...functionsOfText(readText(own), own), examples: [] };
    throw new UserError(
      'TOOLS',
      `${own} is not there; name a source of functions by --tools, such as a file of tools.`,
    );
  }
  if (existsSync(own))
    throw new UserError(
      'EXISTS',
      `${own} exists already and is left as it is; leave --tools out to keep it, or name another folder.`,
    );
  return readFunctions(tools, options);
}

/** The text of examples.jsonl, with its examples; throws a UserError with all faults. */
function exampleText(
  { functions, examples: found }: FromSource,
  file: string | undefined,
): { readonly text: string; readonly examples: readonly Answered[]; readonly notes: readonly Note[] } {
  if (file !== undefined) {
    const { examples, faults, notes } = readExampleFile(file, functions);
    throwFaults('EXAMPLES', file, faults);
    return { text: readText(file), examples, notes };
  }
  if (found.length > 0)
    return { text: found.map((one) => exampleLine(one)).join(''), examples: found, notes: [] };
  const inferred = requestsOfDescriptions(functions);
  const text = inferred.map((one) => exampleLine(one, { made: INFERRED })).join('');
  return { text, examples: inferred, notes: [] };
}

/** Makes the project folder, or what of it is missing; nothing that is there is changed. Throws UserErrors. */
export async function initProject(folder: string, options: InitOptions): Promise<InitResult> {
  const source = await given(folder, options);
  const place = join(folder, EXAMPLES_FILE);
  if (options.examples !== undefined && existsSync(place))
    throw new UserError(
      'EXISTS',
      `${place} exists already and is left as it is; leave --examples out to keep it, or add your lines to it.`,
    );
  const kept = existsSync(place) ? place : options.examples;
  const { text, examples, notes } = exampleText(source, kept);
  const written: string[] = [];
  const write = (name: string, content: string): void => {
    const path = join(folder, name);
    if (existsSync(path)) return;
    writeAtomic(path, content);
    written.push(name);
  };
  write(FUNCTIONS_FILE, `${prettyJson(source.functions.map(plainTool))}\n`);
  write(EXAMPLES_FILE, text);
  write(SETTINGS_FILE, settingsText());
  write(HELP_FILE, helpPage(source.functions, folder));
  const isInferred = kept === undefined && source.examples.length === 0;
  return {
    functions: source.functions,
    examples,
    isInferred,
    notes: [...source.notes, ...notes],
    written,
  };
}

const plainTool = ({ name, description, parameters }: Tool) => ({ name, description, parameters });
