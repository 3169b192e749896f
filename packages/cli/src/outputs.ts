/** Files that a command writes must not be ones that it reads, nor each other; and where it says what it has written. */
import { existsSync, fstatSync, statSync, type BigIntStats } from 'node:fs';
import { resolve } from 'node:path';
import { isStandardOutput, STANDARD } from '../../../src/base/destination.ts';
import { UserError } from '../../../src/base/errors.ts';
import type { CliContext } from './context.ts';
import type { OutputStream } from './terminal.ts';

/** Flags of a command that name what it writes, with what was given for them. */
export type Outputs = Readonly<Record<string, string | undefined>>;

/** Refuses a folder that is there: it would be replaced as a whole. Throws a UserError. */
export function needNewFolder(folder: string): void {
  if (folder === STANDARD)
    throw new UserError('FLAG', 'A folder cannot go to standard output; give it a name.');
  if (existsSync(folder))
    throw new UserError('EXISTS', `${folder} exists already; name another folder or remove it first.`);
}

/** Undefined where nothing is, or it cannot be looked at, which is told when it is opened. */
function statsOf(path: string, descriptor: number): BigIntStats | undefined {
  try {
    return path === STANDARD ? fstatSync(descriptor, { bigint: true }) : statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** Tells whether writing to `output` harms what is read from `input` (or written there, for the file number 1). */
function collide(input: string, output: string, descriptor: 0 | 1): boolean {
  const [one, other] = [statsOf(input, descriptor), statsOf(output, 1)];
  if (one === undefined || other === undefined) return resolve(input) === resolve(output);
  // By links too, and by names that differ in case only. Terminals and /dev/null are for everybody.
  return (one.isFile() || one.isFIFO()) && one.dev === other.dev && one.ino === other.ino;
}

/** Throws a UserError if a command would write over what it reads, or two of its outputs into one file. */
export function checkOutputs(inputs: readonly string[], outputs: Outputs): void {
  if (inputs.filter((input) => input === STANDARD).length > 1)
    throw new UserError('FLAG', 'Standard input (-) is given twice, and can be read once; give files.');
  const given = Object.entries(outputs).flatMap(([flag, path]) =>
    path === undefined ? [] : [{ flag, path }],
  );
  for (const [index, { flag, path }] of given.entries()) {
    const input = inputs.find((one) => collide(one, path, 0));
    if (input !== undefined)
      throw new UserError(
        'FLAG',
        `--${flag} is the input ${input === STANDARD ? 'on standard input' : input}; name another file.`,
      );
    const other = given
      .slice(0, index)
      .find((one) => collide(one.path, path, 1) || (isStandardOutput(one.path) && isStandardOutput(path)));
    if (other !== undefined)
      throw new UserError(
        'FLAG',
        `--${flag} is the file of --${other.flag}, ${other.path}; name another file.`,
      );
  }
}

/** Name of an output in a sentence. */
export const outputName = (path: string): string => (path === STANDARD ? 'standard output' : path);

/** Stream on which a command says what it has done: not on standard output when what it writes goes there. */
export function tellingStream({ process }: CliContext, outputs: Outputs): OutputStream {
  return Object.values(outputs).some(isStandardOutput) ? process.stderr : process.stdout;
}
