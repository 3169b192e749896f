/** Inputs of commands: standard input that is kept for a run, models that answer, and tools as users write them. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { STANDARD } from '../base/destination.ts';
import { UserError } from '../base/errors.ts';
import { readBytes, readText, writeAtomic } from '../base/files.ts';
import { readTools as readDocuments } from '../chat/tool-documents.ts';
import { tryParseJson } from '../json/parse.ts';
import { isList, type PyDict } from '../json/python.ts';
import { openSampler, type OpenOptions } from '../sampling/open.ts';
import type { Sampler } from '../sampling/sampler.ts';
import { noticesOf } from '../train/device-probe.ts';
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

/** Reads a tools file, its numbers as they were written; throws a UserError that names the tool that is wrong. */
export function readTools(path: string): readonly PyDict[] {
  const parsed = tryParseJson(readText(path));
  if (!parsed.ok) {
    const why = parsed.error.message.replace(/^Not JSON: |\.$/g, '');
    throw new UserError('TOOLS', `${path} is not JSON (${why}); it must hold a list of tools.`);
  }
  try {
    const tools = readDocuments(parsed.value);
    if (tools.length > 0 || isList(parsed.value)) return tools;
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new UserError('TOOLS', `${path}: ${thrown.message.replace(/\.$/, '')}; correct it.`);
  }
  throw new UserError('TOOLS', `${path} must hold a JSON list of tools.`);
}
