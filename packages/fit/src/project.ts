/** Project folders of users: functions.json, examples.jsonl and fit.yaml, of which the first alone is needed. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import { readText, writeAtomic } from '../../../src/base/files.ts';
import { INFERRED, readExampleFile } from './examples.ts';
import { throwFaults } from './faults.ts';
import { parseSettings, settingsSchema, type Settings } from './settings.ts';
import { counted } from './tools/json.ts';
import { functionsOfText } from './tools/documents.ts';
import type { Project } from './types.ts';

export const FUNCTIONS_FILE = 'functions.json';
export const EXAMPLES_FILE = 'examples.jsonl';
export const SETTINGS_FILE = 'fit.yaml';
export const HELP_FILE = 'HELP.md';

/** Runs `read`, whose faults are added to `faults`. */
function collected<T>(faults: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    const [head = '', ...lines] = thrown.message.split('\n');
    faults.push(...(lines.length === 0 ? [head] : lines.map((line) => line.trim())));
    return undefined;
  }
}

/** Opens a project folder; throws one UserError with all that is wrong with its files. */
export function openProject(folder: string): Project {
  const at = (name: string): string => join(folder, name);
  if (!existsSync(folder) || !statSync(folder).isDirectory() || !existsSync(at(FUNCTIONS_FILE)))
    throw new UserError(
      'PROJECT',
      `${at(FUNCTIONS_FILE)} is not there; make the project by "tinystar init ${folder} --tools FILE", or check the path.`,
    );
  const faults: string[] = [];
  const read = collected(faults, () => functionsOfText(readText(at(FUNCTIONS_FILE)), at(FUNCTIONS_FILE)));
  const hasExamples = existsSync(at(EXAMPLES_FILE));
  const examples =
    read === undefined || !hasExamples
      ? undefined
      : collected(faults, () => readExampleFile(at(EXAMPLES_FILE), read.functions));
  faults.push(...(examples?.faults ?? []));
  const settings: Settings | undefined = existsSync(at(SETTINGS_FILE))
    ? collected(faults, () => parseSettings(readText(at(SETTINGS_FILE)), at(SETTINGS_FILE), faults))
    : settingsSchema.parse({});
  throwFaults('PROJECT', folder, faults);
  const all = examples?.examples ?? [];
  const own = all.filter(({ isInferred }) => isInferred !== true);
  const stiff = all.length - own.length;
  const note = {
    where: at(EXAMPLES_FILE),
    text: `has ${counted(stiff, 'request')} in the words of descriptions ("made": "${INFERRED}"), which nobody says and which are not learnt from; replace them by words that people use`,
  };
  return {
    folder,
    functions: read?.functions ?? [],
    examples: own,
    settings: settings ?? settingsSchema.parse({}),
    notes: [...(read?.notes ?? []), ...(examples?.notes ?? []), ...(stiff > 0 ? [note] : [])],
  };
}

/** Copies what a person wrote of a project into another folder, but for what is there already; returns that folder. */
export function copyProject(from: string, folder: string): string {
  openProject(from);
  for (const name of [FUNCTIONS_FILE, EXAMPLES_FILE, SETTINGS_FILE]) {
    const [source, place] = [join(from, name), join(folder, name)];
    if (existsSync(source) && !existsSync(place)) writeAtomic(place, readText(source));
  }
  return folder;
}
