/** Runs a benchmark in sight of the user: from a file of responses, or with a model that answers. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type {
  AskOptions,
  Benchmark,
  BenchmarkSpec,
  Selection,
  Entry,
} from '../../packages/benchmarks/src/benchmark.ts';
import {
  type FaultyResponse,
  readResponses,
  RESPONSE_FAULTS,
  responseFiles,
} from '../../packages/benchmarks/src/responses.ts';
import { finishEvaluation, type Outcome, Session } from '../../packages/benchmarks/src/session.ts';
import { isAbort, UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import { digestOf, identityOf } from '../base/identity.ts';
import { lockFolder } from '../base/lock.ts';
import { openSampler } from '../sampling/open.ts';
import type { Sampler } from '../sampling/sampler.ts';
import { noticesOf } from '../train/device-probe.ts';
import type { CliContext } from './context.ts';
import { answeringFlags, type FlagsOf, optional, runsFlag, text, toggle, whole } from './flags.ts';
import { Progress } from './progress.ts';
import { Stop } from './stop.ts';
import { styleFor } from './terminal.ts';

/** Flags of every benchmark's command that say how, and not what, is asked. */
export const benchmarkFlags = {
  model: optional(text('Checkpoint folder, GGUF file, or address of an OpenAI-compatible server', 'MODEL')),
  responses: optional(
    text('File of responses to score, one {"id", "result"} a line, or a folder of them', 'FILE'),
  ),
  device: answeringFlags.device,
  engine: answeringFlags.engine,
  served: optional(text('Name of the model on the server', 'NAME')),
  parallel: whole(1, 'Requests that a server is sent at once', 8),
  out: optional(
    text('Folder of the results; default: one under --runs, or in the run that a checkpoint is of', 'DIR'),
  ),
  runs: runsFlag,
  json: toggle('Print the scores as one JSON object'),
};
export type BenchmarkFlags = FlagsOf<typeof benchmarkFlags>;

/** A loaded benchmark, and what is asked of it. */
export interface Evaluation {
  readonly spec: BenchmarkSpec;
  readonly benchmark: Benchmark;
  readonly options: AskOptions;
  readonly flags: BenchmarkFlags;
}

/** Scores a file or a folder of responses. Categories that it has no response of are left out, unless they were asked for. */
export function scoreResponses({ spec, benchmark, options, flags }: Evaluation, path: string): Outcome {
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
  const folder = flags.out ?? join(flags.runs, resultFolderName(spec.name, model, stamp));
  const responded = { model, entries, results, faulty };
  return finishEvaluation(benchmark, { ...options, open_thought: false }, folder, responded);
}

/** Lets a model answer what it has not answered yet, and scores it; throws Interrupted when the user stops it. */
export async function answerBenchmark(
  context: CliContext,
  { spec, benchmark, options, flags }: Evaluation,
  model: string,
): Promise<Outcome> {
  const { data, generate_max_len, temperature } = options;
  const selection = benchmark.entries(options);
  using sampler = await openBenchmarked(context, model, flags);
  const answersBy = spec.identity.answers(options);
  const dataIdentity = identityOf(spec.contents(data));
  const identity = [sampler.identity, dataIdentity, generate_max_len, temperature, ...answersBy];
  const name = resultFolderName(spec.name, sampler.name, identity);
  const folder = flags.out ?? join(resultParent(model, flags.runs), name);
  claimFolder(folder, identity);
  using _lock = lockFolder(folder);
  using session = new Session(benchmark, sampler, options, selection, folder);
  return await answered(context, spec.name, session, flags.json);
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

/** Makes sure that a folder's responses are of this model and these options; throws a UserError if they are not. */
function claimFolder(folder: string, identity: unknown): void {
  const path = join(folder, 'identity.json');
  const text = `${JSON.stringify(identity)}\n`;
  if (!existsSync(path)) writeAtomic(path, text);
  else if (readText(path) !== text) {
    throw new UserError(
      'RESULT_FOLDER',
      `${folder} has responses to other data, or responses of another model or of other options; choose another --out.`,
    );
  }
}

/** Opens the model that is to answer; a server gets the key in the environment. */
async function openBenchmarked(
  { process }: CliContext,
  model: string,
  { device, engine, parallel, served }: BenchmarkFlags,
): Promise<Sampler> {
  const apiKey = process.env['OPENAI_API_KEY'];
  const opened = await openSampler(model, {
    device,
    ...(engine === undefined ? {} : { engine }),
    parallel,
    ...(served === undefined ? {} : { served }),
    ...(apiKey === undefined ? {} : { apiKey }),
    // A progress line may stand there.
    tell: (text) => process.stderr.write(`${process.stderr.isTTY === true ? '\r\x1b[2K' : ''}${text}\n`),
  });
  const notices = opened.device === undefined ? [] : noticesOf(opened.device);
  for (const notice of notices) process.stderr.write(`note: ${notice}\n`);
  return opened;
}

/**
 * Has a session answered in sight of the user, who may stop it, and finishes it; throws Interrupted if he did. `quiet`: no progress, as
 * standard output and error are for programs.
 */
async function answered(
  { process, services }: CliContext,
  stage: string,
  session: Session,
  quiet: boolean,
): Promise<Outcome> {
  const { total, done, correct } = session;
  const style = styleFor(process.stderr, process.env);
  const now = (): number => services.now();
  const progress = new Progress({ stream: process.stderr, style, stages: [stage], now });
  using stop = new Stop(services);
  services.goOnUnread();
  let [step, right, allTokens] = [done, correct, 0];
  const start = now();
  if (!quiet) progress.handle({ type: 'stage', stage, kind: 'eval', total, done, watch: ['exact_match'] });
  try {
    for await (const answer of session.answers(stop.signal)) {
      step += 1;
      right += answer.isRight ? 1 : 0;
      allTokens += answer.tokens;
      // Answers come in bursts: only their means since the start say how fast it goes.
      const asked = step - done;
      const [tokens, seconds] = [allTokens / asked, (now() - start) / 1000 / asked];
      const metrics = { exact_match: right / step };
      if (!quiet) progress.handle({ type: 'step', stage, step, total, tokens, seconds, metrics });
    }
  } catch (thrown) {
    if (!isAbort(thrown, stop.signal)) throw thrown;
  } finally {
    progress.end();
  }
  if (stop.signal.aborted)
    throw stop.interrupted(`Stopped after ${step} of ${total} answers; re-run the same command to resume.`);
  return session.finish();
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
