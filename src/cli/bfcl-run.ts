/** Runs an evaluation on BFCL in sight of the user: reads, asks, judges, and leaves a folder of results. */
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../base/errors.ts';
import { type Answered, askMultiTurn, askSingleTurn } from '../eval/bfcl/ask.ts';
import { categoriesNamed, isCategory } from '../eval/bfcl/categories.ts';
import type { DecodeRule } from '../eval/bfcl/decode.ts';
import { type Entry, readEntries } from '../eval/bfcl/entries.ts';
import {
  categoriesIn,
  lacksLongContext,
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
  responseFiles,
  RESPONSES,
  responseLine,
  ResponseLog,
  type Responses,
} from '../eval/responses.ts';
import { claimFolder, resultFolderName, resultParent, watched } from './benchmark-run.ts';
import type { CliContext } from './context.ts';

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
  /** Entries whose prompts fill the model's positions: they could not be asked, and count as wrong. */
  readonly unasked: number;
  /** Whether the long context was left out for want of its constants. */
  readonly lacksLongContext: boolean;
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
  if (answered.size === 0) {
    throw new UserError(
      'BFCL_RESPONSES',
      `${path} answers nothing of BFCL (lines left out: ${faulty.length}); each line must be {"id": ..., "result": ...}.`,
    );
  }
  const stamp = files.map((file) => [resolve(file), statSync(file).mtimeMs]);
  const name = basename(resolve(path)).replace(/\.jsonl?$/, '');
  const folder = options.out ?? join(options.runs, resultFolderName('bfcl', name, stamp));
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
  const name = resultFolderName('bfcl', answering.name, identity);
  const folder = options.out ?? join(resultParent(model, options.runs), name);
  claimFolder(folder, identity);
  using log = new ResponseLog(join(folder, RESPONSES));
  const before = asked.read([log.path]).results;
  const verdicts = new Map<string, Verdict>();
  for (const entry of asked.entries) {
    const response = before.get(entry.id);
    if (response !== undefined) verdicts.set(entry.id, judge(entry, response, decode));
  }
  const watch = {
    name: 'bfcl',
    total: asked.entries.length,
    done: verdicts.size,
    correct: [...verdicts.values()].filter(isRight).length,
    quiet: options.json,
  };
  let unasked = 0;
  await watched(context, watch, async (signal, step) => {
    const open = asked.entries.filter(({ id }) => !verdicts.has(id));
    const settings = { maxTokens, temperature, openThought, rule: decode, signal };
    const take = ({ entry, result, tokens }: Answered<Entry, Response>): void => {
      if (result === undefined) {
        unasked += 1;
        step(tokens, false);
        return;
      }
      log.append(responseLine(entry.id, result));
      const verdict = judge(entry, result, decode);
      verdicts.set(entry.id, verdict);
      step(tokens, isRight(verdict));
    };
    const single = open.flatMap((entry) => (entry.kind === 'single' ? [entry] : []));
    for await (const answer of askSingleTurn(answering, single, settings)) take(answer);
    const multi = open.flatMap((entry) => (entry.kind === 'multi' ? [entry] : []));
    for await (const answer of askMultiTurn(answering, multi, settings)) take(answer);
  });
  const judged = asked.entries.map((entry) => verdicts.get(entry.id) ?? judge(entry, undefined, decode));
  return { ...finish(options, folder, answering.name, judged, []), unasked };
}

function isRight({ error }: Verdict): boolean {
  return error === null;
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

/** Writes verdicts and scores. */
function finish(
  { data, category, decode, limit }: BfclOptions,
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
  const lacks = category === undefined && lacksLongContext(data);
  return { scores, faulty, unasked: 0, lacksLongContext: lacks, folder };
}
