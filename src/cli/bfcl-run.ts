/** Runs an evaluation on BFCL in sight of the user: reads, asks, judges, and leaves a folder of results. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isAbort, UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import { hashString } from '../base/rng.ts';
import { type Answered, askMultiTurn, askSingleTurn } from '../eval/bfcl/ask.ts';
import { categoriesNamed, isCategory } from '../eval/bfcl/categories.ts';
import type { DecodeRule } from '../eval/bfcl/decode.ts';
import { type Entry, readEntries } from '../eval/bfcl/entries.ts';
import {
  categoriesIn,
  responseFiles,
  responseLine,
  RESPONSES,
  type Scores,
  writeScores,
  writeVerdicts,
} from '../eval/bfcl/results.ts';
import {
  countErrors,
  countVerdicts,
  judge,
  readResponse,
  type Response,
  SAMPLE_SEED,
  sampleEntries,
  type Verdict,
} from '../eval/bfcl/verdicts.ts';
import { openAnsweringModel } from '../eval/models.ts';
import {
  countFaults,
  type FaultyResponse,
  readResponses,
  ResponseLog,
  type Responses,
} from '../eval/responses.ts';
import type { CliContext } from './context.ts';
import { Interrupted, INTERRUPTED_EXIT } from './context.ts';
import { Progress } from './progress.ts';
import { styleFor } from './style.ts';

export interface BfclOptions {
  readonly data: string;
  readonly category?: readonly string[];
  readonly limit?: number;
  readonly decode: DecodeRule;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly openThought: boolean;
  readonly device: string;
  readonly served?: string;
  readonly parallel: number;
  readonly out?: string;
  readonly runs: string;
  readonly json: boolean;
}

export interface BfclOutcome {
  readonly scores: Scores;
  readonly faulty: readonly FaultyResponse[];
  /** Where verdicts and scores are. */
  readonly folder: string;
}

/** Scores a file or a folder of responses. Categories that it has no response of are left out, unless they were asked for. */
export function scoreBfcl(options: BfclOptions, path: string): BfclOutcome {
  const files = responseFiles(path);
  const asked = select(options);
  const { results, faulty } = asked.read(files);
  const answered = new Set(asked.entries.filter(({ id }) => results.has(id)).map(({ category }) => category));
  const entries = asked.entries.filter(
    ({ category }) => options.category !== undefined || answered.has(category),
  );
  if (entries.length === 0) {
    throw new UserError(
      'BFCL_RESPONSES',
      `${path} answers nothing of BFCL (${faulty.length} lines were left out); each line must be {"id": ..., "result": ...}.`,
    );
  }
  const stamp = files.map((file) => [resolve(file), statSync(file).mtimeMs]);
  const name = basename(resolve(path)).replace(/\.jsonl?$/, '');
  const folder = options.out ?? join(options.runs, folderName(name, stamp));
  const verdicts = entries.map((entry) => judge(entry, results.get(entry.id), options.decode));
  return finish(options, folder, name, verdicts, faulty);
}

/** Lets a model answer what it has not answered yet, and scores it; throws Interrupted when the user stops it. */
export async function answerBfcl(
  context: CliContext,
  options: BfclOptions,
  model: string,
): Promise<BfclOutcome> {
  const apiKey = context.process.env['OPENAI_API_KEY'];
  const { device, parallel, served, data, maxTokens, temperature, openThought, decode } = options;
  const asked = select(options);
  using answering = await openAnsweringModel(model, {
    device,
    parallel,
    ...(served === undefined ? {} : { served }),
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  const identity = [answering.identity, resolve(data), maxTokens, temperature, openThought, decode];
  const run = runFolderOf(model);
  const parent = run === undefined ? options.runs : join(run, 'benchmarks');
  const folder = options.out ?? join(parent, folderName(answering.name, identity));
  claim(folder, identity);
  const path = join(folder, RESPONSES);
  using log = new ResponseLog(path);
  const before = asked.read([path]).results;
  const verdicts = new Map<string, Verdict>();
  for (const entry of asked.entries) {
    const response = before.get(entry.id);
    if (response !== undefined) verdicts.set(entry.id, judge(entry, response, decode));
  }
  await watch(context, options, { total: asked.entries.length, verdicts }, async (signal, step) => {
    const open = asked.entries.filter(({ id }) => !verdicts.has(id));
    const settings = { maxTokens, temperature, openThought, rule: decode, signal };
    const take = ({ entry, result, tokens }: Answered<Entry, Response>): void => {
      log.append(responseLine(entry.id, result));
      const verdict = judge(entry, result, decode);
      verdicts.set(entry.id, verdict);
      step(verdict, tokens);
    };
    const single = open.flatMap((entry) => (entry.kind === 'single' ? [entry] : []));
    for await (const answer of askSingleTurn(answering, single, settings)) take(answer);
    const multi = open.flatMap((entry) => (entry.kind === 'multi' ? [entry] : []));
    for await (const answer of askMultiTurn(answering, multi, settings)) take(answer);
  });
  const judged = asked.entries.map((entry) => verdicts.get(entry.id) ?? judge(entry, undefined, decode));
  return finish(options, folder, answering.name, judged, []);
}

interface Selection {
  /** What is scored. */
  readonly entries: readonly Entry[];
  /** Reads responses; those of other categories, or not in the sample, are passed over. */
  read(files: readonly string[]): Responses<Response>;
}

/** The entries that the options ask for. */
function select({ data, category, limit }: BfclOptions): Selection {
  const categories = category === undefined ? categoriesIn(data) : categoriesNamed(category);
  const all = readEntries(data, categories);
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const elsewhere = (id: string): boolean => {
    const name = id.replace(/_\d+(?:-\d+-\d+)?$/, '');
    return isCategory(name) && !categories.includes(name);
  };
  return {
    entries: limit === undefined ? all : sampleEntries(all, limit),
    read: (files) =>
      readResponses(files, {
        knows: (id) => byId.has(id) || elsewhere(id),
        read: (result, id) => {
          const entry = byId.get(id);
          return entry === undefined ? [] : readResponse(entry, result);
        },
      }),
  };
}

/** Tells of a new verdict, and of the tokens that it took to write the answer. */
type Step = (verdict: Verdict, tokens: number) => void;

/** Shows progress and lets the user stop; throws Interrupted if he did. */
async function watch(
  context: CliContext,
  { json }: BfclOptions,
  { total, verdicts }: { total: number; verdicts: ReadonlyMap<string, Verdict> },
  work: (signal: AbortSignal, step: Step) => Promise<void>,
): Promise<void> {
  const { process, services } = context;
  const stage = 'bfcl';
  const style = styleFor(process.stderr, process.env);
  const progress = new Progress({
    stream: process.stderr,
    style,
    stages: [stage],
    now: () => services.now(),
  });
  const stop = new AbortController();
  const unregister = services.onInterrupt(() => {
    if (stop.signal.aborted) services.kill(INTERRUPTED_EXIT);
    stop.abort();
  });
  let last = services.now();
  let correct = [...verdicts.values()].filter(({ error }) => error === null).length;
  if (!json) progress.handle({ type: 'stage', stage, kind: 'eval', total, done: verdicts.size });
  const step: Step = ({ error }, tokens) => {
    const now = services.now();
    if (error === null) correct += 1;
    const metrics = { exact_match: correct / verdicts.size };
    const seconds = (now - last) / 1000;
    last = now;
    if (!json) progress.handle({ type: 'step', stage, step: verdicts.size, total, tokens, seconds, metrics });
  };
  try {
    await work(stop.signal, step);
  } catch (thrown) {
    if (!isAbort(thrown, stop.signal)) throw thrown;
  } finally {
    progress.end();
    unregister();
  }
  if (stop.signal.aborted)
    throw new Interrupted(
      `Stopped after ${verdicts.size} of ${total} entries; run the same command to go on.`,
    );
}

/** Writes verdicts and scores. */
function finish(
  { decode, limit }: BfclOptions,
  folder: string,
  model: string,
  verdicts: readonly Verdict[],
  faulty: readonly FaultyResponse[],
): BfclOutcome {
  writeVerdicts(folder, verdicts);
  const scores = writeScores(folder, countVerdicts(verdicts), {
    model,
    sample: limit ?? null,
    seed: SAMPLE_SEED,
    decode,
    errors: Object.fromEntries(countErrors(verdicts)),
    faults: Object.fromEntries(countFaults(faulty).map(({ fault, count }) => [fault, count])),
  });
  return { scores, faulty, folder };
}

/** A name that is another one when other answers are to be expected. */
function folderName(name: string, identity: unknown): string {
  const hash = hashString(JSON.stringify(identity)).toString(16).padStart(8, '0');
  return `bfcl-${name.replaceAll(/[^\w.-]+/g, '-')}-${hash}`;
}

/** Makes sure that a folder's responses are of this model and these options; throws a UserError if they are not. */
function claim(folder: string, identity: unknown): void {
  const path = join(folder, 'identity.json');
  const text = `${JSON.stringify(identity)}\n`;
  if (!existsSync(path)) writeAtomic(path, text);
  else if (readText(path) !== text) {
    throw new UserError(
      'BFCL_FOLDER',
      `${folder} has responses of another model or of other options; choose another --out.`,
    );
  }
}

/** The run folder that a checkpoint lies in, if it does. */
function runFolderOf(model: string): string | undefined {
  let folder = resolve(model);
  while (dirname(folder) !== folder) {
    folder = dirname(folder);
    if (existsSync(join(folder, 'recipe.yaml')) && existsSync(join(folder, 'log.jsonl'))) return folder;
  }
  return undefined;
}
