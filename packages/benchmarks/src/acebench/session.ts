/** ACEBench's evaluations: what becomes of replies, from a file or from a model that is asked. */
import { join } from 'node:path';
import type { Sampler } from '../../../../src/sampling/sampler.ts';
import { ACEBENCH_OFFICIAL } from '../official.ts';
import {
  countFaults,
  type FaultyResponse,
  readResponses,
  RESPONSES,
  responseLine,
  ResponseLog,
} from '../responses.ts';
import type { AnswerStep, Session } from '../session.ts';
import type { Entry } from './dataset.ts';
import type { Revision } from './revision.ts';
import {
  askEntries,
  SAMPLE_SEED,
  scoredText,
  type selectEntries,
  type SelectOptions,
  type Thinking,
  writeResults,
} from './run.ts';
import { countErrors, judgeEntries, judgeEntry, meanOf, scoreCategories, type Scores } from './scores.ts';

export interface ScoreOptions extends SelectOptions {
  readonly revision: Revision;
  readonly thinking: Thinking;
}

export interface AnswerOptions extends ScoreOptions {
  readonly openThought: boolean;
  readonly maxTokens: number;
  readonly temperature: number;
}

export type Selection = ReturnType<typeof selectEntries>;

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

/** Responses of the benchmark are texts; those of its agents, which are asked otherwise, are passed over. */
export function readReplies(
  files: readonly string[],
  { knows }: Selection,
): ReturnType<typeof readResponses<string>> {
  return readResponses(files, {
    knows,
    read: (result, id) => {
      if (id.startsWith('agent_')) return '';
      return typeof result === 'string' ? result : undefined;
    },
  });
}

export interface Replied {
  /** What tables call the model, or the file of responses. */
  readonly model: string;
  readonly entries: readonly Entry[];
  readonly replies: ReadonlyMap<string, string>;
  readonly faulty?: readonly FaultyResponse[];
  readonly unasked?: number;
  readonly openThought?: boolean;
}

function scoredReplies(
  replies: ReadonlyMap<string, string>,
  thinking: Thinking,
): ReadonlyMap<string, string> {
  return new Map([...replies].map(([id, text]) => [id, scoredText(text, thinking)]));
}

/** Judges all that was asked, and writes verdicts and scores. */
export function scoreReplies(
  folder: string,
  { revision, limit, thinking }: ScoreOptions,
  { model, entries, replies, faulty = [], unasked = 0, openThought = false }: Replied,
): AcebenchOutcome {
  const judged = judgeEntries(entries, scoredReplies(replies, thinking), revision);
  const categories = [...scoreCategories(entries, judged, revision)];
  const scores: Scores = {
    benchmark: 'ACEBench',
    revision,
    model,
    sample: limit ?? null,
    seed: SAMPLE_SEED,
    thinking,
    openThought,
    categories,
    normal: meanOf(categories, 'normal'),
    special: meanOf(categories, 'special'),
    errors: countErrors(judged),
    faults: Object.fromEntries(countFaults(faulty).map(({ fault, count }) => [fault, count])),
  };
  writeResults(folder, judged, scores);
  const isThought = ({ id }: Entry): boolean => replies.get(id)?.includes('<think>') === true;
  const thoughts = thinking === 'strip' ? 0 : entries.filter(isThought).length;
  return { scores, faulty, thoughts, unasked, folder };
}

/** A model answers; what it answered before is in the folder, where the rest is added. */
export class AcebenchSession implements Session<AcebenchOutcome> {
  readonly total: number;
  readonly done: number;
  readonly correct: number;
  readonly #model: Sampler;
  readonly #options: AnswerOptions;
  readonly #folder: string;
  readonly #entries: readonly Entry[];
  readonly #replies: Map<string, string>;
  readonly #log: ResponseLog;
  #unasked = 0;

  constructor(model: Sampler, options: AnswerOptions, selection: Selection, folder: string) {
    this.#model = model;
    this.#options = options;
    this.#folder = folder;
    this.#entries = selection.entries;
    this.#log = new ResponseLog(join(folder, RESPONSES));
    this.#replies = new Map(readReplies([this.#log.path], selection).results);
    const before = this.#entries.filter(({ id }) => this.#replies.has(id));
    const { thinking, revision } = options;
    const judged = judgeEntries(before, scoredReplies(this.#replies, thinking), revision);
    this.total = this.#entries.length;
    this.done = before.length;
    this.correct = judged.filter(({ valid }) => valid).length;
  }

  async *answers(signal: AbortSignal): AsyncGenerator<AnswerStep, void, undefined> {
    const { maxTokens, temperature, openThought, thinking, revision } = this.#options;
    const open = this.#entries.filter(({ id }) => !this.#replies.has(id));
    const ask = {
      generate_max_len: maxTokens,
      temperature,
      top_p: ACEBENCH_OFFICIAL.topP,
      open_thought: openThought,
      signal,
    };
    const asked = askEntries(
      this.#model,
      open,
      thinking === 'off' ? { ...ask, enable_thinking: false } : ask,
    );
    for await (const { entry, text, tokens } of asked) {
      if (text === undefined) {
        this.#unasked += 1;
        yield { tokens, isRight: false };
        continue;
      }
      this.#log.append(responseLine(entry.id, text));
      this.#replies.set(entry.id, text);
      yield { tokens, isRight: judgeEntry(entry, scoredText(text, thinking), revision).valid };
    }
  }

  finish(): AcebenchOutcome {
    const replied = { model: this.#model.name, entries: this.#entries, replies: this.#replies };
    return scoreReplies(this.#folder, this.#options, {
      ...replied,
      unasked: this.#unasked,
      openThought: this.#options.openThought,
    });
  }

  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]();
  }
}
