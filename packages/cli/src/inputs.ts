/** Inputs of commands: standard input that is kept for a run, and models that answer. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { STANDARD } from '../../../src/base/destination.ts';
import { readBytes, writeAtomic } from '../../../src/base/files.ts';
import { openSampler, type OpenOptions } from '../../../src/sampling/open.ts';
import type { Sampler } from '../../../src/sampling/sampler.ts';
import { noticesOf } from '../../../src/train/device-probe.ts';
import type { CliContext } from './context.ts';
import { CLEAR } from './terminal.ts';

/**
 * The file that an input is; standard input is kept under the folder of runs, named by its contents, so that the same
 * command with the same input resumes the same run.
 */
export function keptInput(path: string, runs: string): string {
  if (path !== STANDARD) return path;
  const bytes = readBytes(STANDARD);
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const kept = join(runs, 'inputs', `${name}.jsonl`);
  if (!existsSync(kept)) writeAtomic(kept, bytes);
  return kept;
}

/** Opens whoever is to answer, and says what there is to know of the device. */
export async function openModel(
  { process: { stderr } }: CliContext,
  model: string,
  options: OpenOptions,
): Promise<Sampler> {
  // A progress line may stand there.
  const tell = (text: string): unknown => stderr.write(`${stderr.isTTY === true ? CLEAR : ''}${text}\n`);
  const opened = await openSampler(model, { ...options, tell });
  const notices = opened.device === undefined ? [] : noticesOf(opened.device);
  for (const notice of notices) tell(`note: ${notice}`);
  return opened;
}
