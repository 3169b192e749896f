/** Results of a benchmark: those of a file of responses, and the folders that results belong into. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import { readText, writeAtomic } from '../../../src/base/files.ts';
import { digestOf, identityOf } from '../../../src/base/identity.ts';
import type { Sampler } from '../../../src/sampling/sampler.ts';
import type { AskOptions, Benchmark, BenchmarkSpec, Entry, Selection } from './benchmark.ts';
import { type FaultyResponse, readResponses, RESPONSE_FAULTS, responseFiles } from './responses.ts';
import { finishEvaluation, type Outcome } from './session.ts';

/** A loaded benchmark, and what is asked of it. */
export interface Evaluation {
  readonly spec: BenchmarkSpec;
  readonly benchmark: Benchmark;
  readonly options: AskOptions;
  /** Folder of the results; unset, one in the run that a checkpoint is of, or under `runs`. */
  readonly out?: string | undefined;
  readonly runs: string;
}

/** Scores a file or a folder of responses. Categories that it has no response of are left out, unless they were asked for. */
export function scoreResponses({ spec, benchmark, options, out, runs }: Evaluation, path: string): Outcome {
  const files = responseFiles(path);
  const selection = benchmark.entries(options);
  const { results, faulty } = readResponses(files, selection);
  const answered = selection.entries.filter(({ id }) => results.has(id));
  if (answered.length === 0) throw nothingAnswered(spec.label, path, options, selection, { results, faulty });
  const found = new Set(answered.map(({ category }) => category));
  const { data, category, limit } = options;
  const entries = selection.entries.filter((entry) => category !== undefined || found.has(entry.category));
  const model = basename(resolve(path)).replace(/\.jsonl?$/, '');
  const verdictsBy = spec.identity.verdicts(options);
  const stamp = [files.map(digestOf), identityOf(spec.contents(data)), category, limit, ...verdictsBy];
  const folder = out ?? join(runs, resultFolderName(spec.name, model, stamp));
  const responded = { model, entries, results, faulty };
  return finishEvaluation(benchmark, { ...options, open_thought: false }, folder, responded);
}

/** The name of a folder of results: another one when other answers are to be expected. */
function resultFolderName(benchmark: string, model: string, identity: unknown): string {
  return `${benchmark}-${model.replaceAll(/[^\w.-]+/g, '-')}-${identityOf(identity)}`;
}

/** The folder that results of a model belong into: in the run that its checkpoint is of, or else in the folder of runs. */
function resultParent(model: string, runs: string): string {
  if (/^https?:/.test(model)) return runs;
  for (let folder = resolve(model); dirname(folder) !== folder; folder = dirname(folder)) {
    if (existsSync(join(folder, 'recipe.yaml')) && existsSync(join(folder, 'log.jsonl')))
      return join(folder, 'benchmarks');
  }
  return runs;
}

/** The folder of a model's answers; throws a UserError if it has those of another model or to other options. */
export function resultFolder(
  { spec, options, out, runs }: Evaluation,
  sampler: Sampler,
  model: string,
): string {
  const { data, generate_max_len, temperature } = options;
  const answersBy = spec.identity.answers(options);
  const identity = [
    sampler.identity,
    identityOf(spec.contents(data)),
    generate_max_len,
    temperature,
    ...answersBy,
  ];
  const folder = out ?? join(resultParent(model, runs), resultFolderName(spec.name, sampler.name, identity));
  const path = join(folder, 'identity.json');
  const text = `${JSON.stringify(identity)}\n`;
  if (!existsSync(path)) writeAtomic(path, text);
  else if (readText(path) !== text) {
    throw new UserError(
      'RESULT_FOLDER',
      `${folder} has responses to other data, or responses of another model or of other options; choose another --out.`,
    );
  }
  return folder;
}

/** Why there is nothing to score: no line is a response, or those that are answer something else than what is asked. */
function nothingAnswered(
  label: string,
  path: string,
  { category, limit }: AskOptions,
  { entries }: Selection<Entry, unknown>,
  responses: { readonly results: ReadonlyMap<string, unknown>; readonly faulty: readonly FaultyResponse[] },
): UserError {
  const { results, faulty } = responses;
  const code = `${label.toUpperCase()}_RESPONSES`;
  const [first] = faulty;
  if (results.size === 0) {
    const why =
      first === undefined
        ? 'it is empty'
        : `lines left out: ${faulty.length}, the first because ${RESPONSE_FAULTS[first.fault]}`;
    return new UserError(
      code,
      `${path} answers nothing of ${label} (${why}); each line must be {"id": ..., "result": ...}.`,
    );
  }
  const options = [
    ...(limit === undefined ? [] : [`--limit ${limit}`]),
    ...(category === undefined ? [] : [`--category ${category.join(',')}`]),
  ].join(' and ');
  const [one] = entries;
  const example = one === undefined ? '' : ` (${one.id} is one)`;
  const [which, advice] =
    options === ''
      ? [`that the data have${example}`, 'give the data that it answers with --data']
      : [`that ${options} asks for${example}`, `leave out ${options}, or have those answered`];
  const count = results.size === 1 ? '1 entry' : `${results.size} entries`;
  return new UserError(
    code,
    `${path} answers ${count} of ${label}, and none of the ${entries.length} ${which}; ${advice}.`,
  );
}
