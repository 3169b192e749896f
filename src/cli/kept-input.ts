/** Standard input as a file, for commands that may be stopped and gone on with. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { STANDARD } from '../base/destination.ts';
import { readBytes, writeAtomic } from '../base/files.ts';

/**
 * The file that an input is; standard input is kept under the folder of runs, named by its contents, so that the same
 * command with the same input goes on with the same run.
 */
export function keptInput(path: string, runs: string): string {
  if (path !== STANDARD) return path;
  const bytes = readBytes(STANDARD);
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const kept = join(runs, 'inputs', `${name}.jsonl`);
  if (!existsSync(kept)) writeAtomic(kept, bytes);
  return kept;
}
