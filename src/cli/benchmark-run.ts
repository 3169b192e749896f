/** What benchmarks share when a model answers them in sight of the user: the folder of the results, progress, Ctrl-C. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isAbort, UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import { identityOf } from '../base/identity.ts';
import { benchmarkContents } from '../../packages/benchmarks/src/data.ts';
import type { Engine } from '../sampling/gguf.ts';
import { openSampler } from '../sampling/open.ts';
import type { Sampler } from '../sampling/sampler.ts';
import {
  countFaults,
  type FaultyResponse,
  RESPONSE_FAULTS,
} from '../../packages/benchmarks/src/responses.ts';
import type { Session } from '../../packages/benchmarks/src/session.ts';
import { noticesOf } from '../train/device-probe.ts';
import type { CliContext } from './context.ts';
import { Progress } from './progress.ts';
import { Stop } from './stop.ts';
import { styleFor, type Style } from './style.ts';

/** The name of a folder of results: another one when other answers are to be expected. */
export function resultFolderName(benchmark: string, model: string, identity: unknown): string {
  return `${benchmark}-${model.replaceAll(/[^\w.-]+/g, '-')}-${identityOf(identity)}`;
}

/** The identity of a benchmark's data. */
export const dataIdentity = (folder: string): string => identityOf(benchmarkContents(folder));

/** Where results of a model belong: in the run that its checkpoint is of, or else in the folder of runs. */
export function resultParent(model: string, runs: string): string {
  if (/^https?:/.test(model)) return runs;
  for (let folder = resolve(model); dirname(folder) !== folder; folder = dirname(folder)) {
    if (existsSync(join(folder, 'recipe.yaml')) && existsSync(join(folder, 'log.jsonl')))
      return join(folder, 'benchmarks');
  }
  return runs;
}

/** Makes sure that a folder's responses are of this model and these options; throws a UserError if they are not. */
export function claimFolder(folder: string, identity: unknown): void {
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

/** What every command of a benchmark is told. */
export interface BenchmarkFlags {
  readonly device: string;
  readonly engine?: Engine;
  readonly served?: string;
  readonly parallel: number;
  readonly out?: string;
  readonly runs: string;
  readonly json: boolean;
}

/** Opens the model that is to answer; a server gets the key in the environment. */
export async function openBenchmarked(
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
export async function answered<Outcome>(
  { process, services }: CliContext,
  stage: string,
  session: Session<Outcome>,
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
    throw stop.interrupted(`Stopped after ${step} of ${total} answers; run the same command to go on.`);
  return session.finish();
}

/** What a file of responses was asked for, and what it has. */
export interface Unanswered {
  readonly benchmark: 'BFCL' | 'ACEBench';
  /** The file or folder. */
  readonly path: string;
  /** What of it can be responses, by id. */
  readonly results: ReadonlyMap<string, unknown>;
  readonly faulty: readonly FaultyResponse[];
  /** What it has no response to. */
  readonly asked: readonly { readonly id: string }[];
  readonly category?: readonly string[];
  readonly limit?: number;
}

/** Why there is nothing to score: no line is a response, or those that are answer something else than what is asked. */
export function nothingAnswered(unanswered: Unanswered): UserError {
  const { benchmark, path, results, faulty, asked, category, limit } = unanswered;
  const code = `${benchmark.toUpperCase()}_RESPONSES`;
  const [first] = faulty;
  if (results.size === 0) {
    const why =
      first === undefined
        ? 'it is empty'
        : `lines left out: ${faulty.length}, the first because ${RESPONSE_FAULTS[first.fault]}`;
    return new UserError(
      code,
      `${path} answers nothing of ${benchmark} (${why}); each line must be {"id": ..., "result": ...}.`,
    );
  }
  const options = [
    ...(limit === undefined ? [] : [`--limit ${limit}`]),
    ...(category === undefined ? [] : [`--category ${category.join(',')}`]),
  ].join(' and ');
  const [one] = asked;
  const example = one === undefined ? '' : ` (${one.id} is one)`;
  const [which, advice] =
    options === ''
      ? [`that the data have${example}`, 'give the data that it answers with --data']
      : [`that ${options} asks for${example}`, `leave out ${options}, or have those answered`];
  const count = results.size === 1 ? '1 entry' : `${results.size} entries`;
  return new UserError(
    code,
    `${path} answers ${count} of ${benchmark}, and none of the ${asked.length} ${which}; ${advice}.`,
  );
}

/** Lines that were left out, by fault, with the first place of each; empty if there are none. */
export function faultLines(faulty: readonly FaultyResponse[], style: Style): string {
  if (faulty.length === 0) return '';
  const lines = countFaults(faulty).map(({ fault, count, first }) => {
    const id = first.id === undefined ? '' : `, ${first.id}`;
    const place = `${count === 1 ? '' : 'first '}line ${first.line} of ${first.path}${id}`;
    return `  ${count} × ${fault}: ${RESPONSE_FAULTS[fault]} (${place})\n`;
  });
  return `${style.bad('left out')}: ${faulty.length} ${faulty.length === 1 ? 'line' : 'lines'} of responses\n${lines.join('')}`;
}

/** What is said of prompts that could not be asked; empty if there are none. */
export function unaskedLine(unasked: number, style: Style): string {
  if (unasked === 0) return '';
  const what = unasked === 1 ? '1 prompt fills' : `${unasked} prompts fill`;
  return `${style.bad('note')}: ${what} the model's positions, so that nothing was asked; they count as wrong (no_response)\n`;
}
