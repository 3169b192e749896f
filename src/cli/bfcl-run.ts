/** Runs an evaluation on BFCL in sight of the user: from a file of responses, or with a model that answers. */
import { basename, join, resolve } from 'node:path';
import { digestOf } from '../base/identity.ts';
import {
  type AnswerOptions,
  type BfclOutcome,
  BfclSession,
  selectEntries,
  writeResults,
} from '../../packages/benchmarks/src/bfcl/run.ts';
import { lockFolder } from '../base/lock.ts';
import { judge } from '../../packages/benchmarks/src/bfcl/verdicts.ts';
import { responseFiles } from '../../packages/benchmarks/src/responses.ts';
import {
  answered,
  type BenchmarkFlags,
  claimFolder,
  dataIdentity,
  nothingAnswered,
  openBenchmarked,
  resultFolderName,
  resultParent,
} from './benchmark-run.ts';
import type { CliContext } from './context.ts';

export interface BfclOptions extends AnswerOptions, BenchmarkFlags {}

/** Scores a file or a folder of responses. Categories that it has no response of are left out, unless they were asked for. */
export function scoreBfcl(options: BfclOptions, path: string): BfclOutcome {
  const files = responseFiles(path);
  const asked = selectEntries(options);
  const { results, faulty } = asked.read(files);
  const found = new Set(asked.entries.filter(({ id }) => results.has(id)).map(({ category }) => category));
  const entries = asked.entries.filter(
    ({ category }) => options.category !== undefined || found.has(category),
  );
  if (found.size === 0) {
    throw nothingAnswered({ ...options, benchmark: 'BFCL', path, results, faulty, asked: asked.entries });
  }
  const { data, category, limit } = options;
  const stamp = [files.map(digestOf), dataIdentity(data), category, limit, options.decode];
  const model = basename(resolve(path)).replace(/\.jsonl?$/, '');
  const folder = options.out ?? join(options.runs, resultFolderName('bfcl', model, stamp));
  const verdicts = entries.map((entry) => judge(entry, results.get(entry.id), options.decode));
  return writeResults(folder, options, { model, verdicts, faulty });
}

/** Lets a model answer what it has not answered yet, and scores it; throws Interrupted when the user stops it. */
export async function answerBfcl(
  context: CliContext,
  options: BfclOptions,
  model: string,
): Promise<BfclOutcome> {
  const { data, maxTokens, temperature, openThought, decode } = options;
  const selection = selectEntries(options);
  using answering = await openBenchmarked(context, model, options);
  const identity = [answering.identity, dataIdentity(data), maxTokens, temperature, openThought, decode];
  const name = resultFolderName('bfcl', answering.name, identity);
  const folder = options.out ?? join(resultParent(model, options.runs), name);
  claimFolder(folder, identity);
  using _lock = lockFolder(folder);
  using session = new BfclSession(answering, options, selection, folder);
  return await answered(context, 'bfcl', session, options.json);
}
