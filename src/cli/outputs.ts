/** Files that a command writes must not be ones that it reads, nor each other. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { UserError } from '../base/errors.ts';

/** Whether two paths are one file, also by links and by names that differ in case only. */
function isSameFile(a: string, b: string): boolean {
  if (resolve(a) === resolve(b)) return true;
  const [one, other] = [a, b].map((path) => statSync(path, { throwIfNoEntry: false, bigint: true }));
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

/** Throws a UserError if a command would write over what it reads, or two of its outputs into one file. */
export function checkOutputs(
  inputs: readonly string[],
  outputs: { readonly output: string | undefined; readonly rejects?: string | undefined },
): void {
  const { output, rejects } = outputs;
  for (const [flag, path] of Object.entries({ output, rejects })) {
    if (path === undefined) continue;
    const input = inputs.find((one) => isSameFile(one, path));
    if (input !== undefined)
      throw new UserError('FLAG', `--${flag} is the input ${input}; name another file.`);
  }
  if (output !== undefined && rejects !== undefined && isSameFile(output, rejects))
    throw new UserError('FLAG', `--rejects is the file of --output, ${output}; name another file.`);
}
