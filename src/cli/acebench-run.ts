/** Runs an evaluation on ACEBench in sight of the user. */
import { basename, join, resolve } from 'node:path';
import { digestOf } from '../base/identity.ts';
import { selectEntries } from '../../packages/benchmarks/src/acebench/run.ts';
import {
  type AcebenchOutcome,
  AcebenchSession,
  type AnswerOptions,
  readReplies,
  scoreReplies,
} from '../../packages/benchmarks/src/acebench/session.ts';
import { lockFolder } from '../base/lock.ts';
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

export interface AcebenchOptions extends AnswerOptions, BenchmarkFlags {}

/** Scores a file or a folder of responses. Categories that it has no response of are left out, unless they were asked for. */
export function scoreAcebench(options: AcebenchOptions, path: string): AcebenchOutcome {
  const files = responseFiles(path);
  const selection = selectEntries(options);
  const { results: replies, faulty } = readReplies(files, selection);
  const found = new Set(
    selection.entries.filter(({ id }) => replies.has(id)).map(({ category }) => category),
  );
  const entries = selection.entries.filter(
    ({ category }) => options.category !== undefined || found.has(category),
  );
  if (found.size === 0) {
    const asked = selection.entries;
    throw nothingAnswered({ ...options, benchmark: 'ACEBench', path, results: replies, faulty, asked });
  }
  const model = basename(resolve(path)).replace(/\.jsonl?$/, '');
  const { data, category, limit } = options;
  const stamp = [
    files.map(digestOf),
    dataIdentity(data),
    category,
    limit,
    options.revision,
    options.thinking,
  ];
  const folder = options.out ?? join(options.runs, resultFolderName('acebench', model, stamp));
  return scoreReplies(folder, options, { model, entries, replies, faulty });
}

/** Lets a model answer what it has not answered yet, and scores it; throws Interrupted when the user stops it. */
export async function answerAcebench(
  context: CliContext,
  options: AcebenchOptions,
  model: string,
): Promise<AcebenchOutcome> {
  const { data, maxTokens, temperature, thinking, openThought } = options;
  const selection = selectEntries(options);
  using answering = await openBenchmarked(context, model, options);
  const isOff = thinking === 'off';
  const identity = [answering.identity, dataIdentity(data), maxTokens, temperature, isOff, openThought];
  const name = resultFolderName('acebench', answering.name, identity);
  const folder = options.out ?? join(resultParent(model, options.runs), name);
  claimFolder(folder, identity);
  using _lock = lockFolder(folder);
  using session = new AcebenchSession(answering, options, selection, folder);
  return await answered(context, 'acebench', session, options.json);
}
