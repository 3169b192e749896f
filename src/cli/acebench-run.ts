/** Runs an evaluation on ACEBench in sight of the user. */
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../base/errors.ts';
import type { Entry } from '../eval/acebench/dataset.ts';
import type { Revision } from '../eval/acebench/revision.ts';
import {
  askEntries,
  OFFICIAL,
  SAMPLE_SEED,
  scoredText,
  selectEntries,
  type SelectOptions,
  type Thinking,
  writeResults,
} from '../eval/acebench/run.ts';
import {
  countErrors,
  judgeEntries,
  judgeEntry,
  type JudgedEntry,
  meanOf,
  scoreCategories,
  type Scores,
} from '../eval/acebench/scores.ts';
import { openAnsweringModel } from '../eval/models.ts';
import {
  countFaults,
  type FaultyResponse,
  readResponses,
  responseFiles,
  RESPONSES,
  responseLine,
  ResponseLog,
} from '../eval/responses.ts';
import { claimFolder, resultFolderName, resultParent, watched } from './benchmark-run.ts';
import type { CliContext } from './context.ts';

export interface AcebenchOptions extends SelectOptions {
  readonly revision: Revision;
  readonly thinking: Thinking;
  readonly openThought: boolean;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly device: string;
  readonly served?: string;
  readonly parallel: number;
  readonly out?: string;
  readonly runs: string;
  readonly json: boolean;
}

export interface AcebenchOutcome {
  readonly scores: Scores;
  readonly faulty: readonly FaultyResponse[];
  /** Replies that hold thoughts, which were scored with the rest. */
  readonly thoughts: number;
  /** Prompts that fill the model's positions: they were not asked, and count as wrong. */
  readonly unasked: number;
  /** Where verdicts and scores are. */
  readonly folder: string;
}

/** Scores a file or a folder of responses. Categories that it has no response of are left out, unless they were asked for. */
export function scoreAcebench(options: AcebenchOptions, path: string): AcebenchOutcome {
  const files = responseFiles(path);
  const { entries, knows } = selectEntries(options);
  const { results, faulty } = readReplies(files, knows);
  const answered = new Set(entries.filter(({ id }) => results.has(id)).map(({ category }) => category));
  const chosen = entries.filter(({ category }) => options.category !== undefined || answered.has(category));
  if (answered.size === 0) {
    throw new UserError(
      'ACEBENCH_RESPONSES',
      `${path} answers nothing that is asked (${faulty.length} lines were left out); each line must be {"id": ..., "result": ...}.`,
    );
  }
  const name = basename(resolve(path)).replace(/\.jsonl?$/, '');
  const stamp = files.map((file) => [resolve(file), statSync(file).mtimeMs]);
  const folder = options.out ?? join(options.runs, resultFolderName('acebench', name, stamp));
  return finish(options, folder, name, chosen, results, faulty);
}

/** Lets a model answer what it has not answered yet, and scores it; throws Interrupted when the user stops it. */
export async function answerAcebench(
  context: CliContext,
  options: AcebenchOptions,
  model: string,
): Promise<AcebenchOutcome> {
  const { device, parallel, served, maxTokens, temperature, thinking, openThought, revision } = options;
  const apiKey = context.process.env['OPENAI_API_KEY'];
  const { entries, knows } = selectEntries(options);
  using answering = await openAnsweringModel(model, {
    device,
    parallel,
    ...(served === undefined ? {} : { served }),
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  const isOff = thinking === 'off';
  const identity = [answering.identity, resolve(options.data), maxTokens, temperature, isOff, openThought];
  const name = resultFolderName('acebench', answering.name, identity);
  const folder = options.out ?? join(resultParent(model, options.runs), name);
  claimFolder(folder, identity);
  using log = new ResponseLog(join(folder, RESPONSES));
  const replies = new Map(readReplies([log.path], knows).results);
  const open = entries.filter(({ id }) => !replies.has(id));
  const before = judgeEntries(
    entries.filter(({ id }) => replies.has(id)),
    scoredReplies(replies, thinking),
    revision,
  );
  const watch = {
    name: 'acebench',
    total: entries.length,
    done: before.length,
    correct: before.filter(({ valid }) => valid).length,
    quiet: options.json,
  };
  let unasked = 0;
  await watched(context, watch, async (signal, step) => {
    const ask = { maxTokens, temperature, topP: OFFICIAL.topP, openThought, signal };
    const asked = askEntries(answering, open, isOff ? { ...ask, enableThinking: false } : ask);
    for await (const { entry, text, tokens } of asked) {
      if (text === undefined) {
        unasked += 1;
        step(tokens, false);
        continue;
      }
      log.append(responseLine(entry.id, text));
      replies.set(entry.id, text);
      step(tokens, judgeEntry(entry, scoredText(text, thinking), revision).valid);
    }
  });
  return { ...finish(options, folder, answering.name, entries, replies, []), unasked };
}

/** Responses of the benchmark are texts; those of its agents, which are asked otherwise, are passed over. */
function readReplies(
  files: readonly string[],
  knows: (id: string) => boolean,
): ReturnType<typeof readResponses<string>> {
  return readResponses(files, {
    knows,
    read: (result, id) => {
      if (id.startsWith('agent_')) return '';
      return typeof result === 'string' ? result : undefined;
    },
  });
}

function scoredReplies(
  replies: ReadonlyMap<string, string>,
  thinking: Thinking,
): ReadonlyMap<string, string> {
  return new Map([...replies].map(([id, text]) => [id, scoredText(text, thinking)]));
}

/** Judges all that was asked, and writes verdicts and scores. */
function finish(
  options: AcebenchOptions,
  folder: string,
  model: string,
  entries: readonly Entry[],
  replies: ReadonlyMap<string, string>,
  faulty: readonly FaultyResponse[],
): AcebenchOutcome {
  const { revision, limit, thinking } = options;
  const judged: readonly JudgedEntry[] = judgeEntries(entries, scoredReplies(replies, thinking), revision);
  const categories = [...scoreCategories(entries, judged, revision)];
  const scores: Scores = {
    benchmark: 'ACEBench',
    revision,
    model,
    sample: limit ?? null,
    seed: SAMPLE_SEED,
    thinking,
    categories,
    normal: meanOf(categories, 'normal'),
    special: meanOf(categories, 'special'),
    errors: countErrors(judged),
    faults: Object.fromEntries(countFaults(faulty).map(({ fault, count }) => [fault, count])),
  };
  writeResults(folder, judged, scores);
  const isThought = ({ id }: Entry): boolean => replies.get(id)?.includes('<think>') === true;
  const thoughts = thinking === 'strip' ? 0 : entries.filter(isThought).length;
  return { scores, faulty, thoughts, unasked: 0, folder };
}
