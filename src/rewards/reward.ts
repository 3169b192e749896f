/**
 * Rewards: of single answers, of conversations with functions, or of both; and the part that rewards of answers share:
 * reading the task once, and every generation by the same rules.
 */
import type { ArgumentsOf, Malformed, SyntaxFault, ToolFormat, WrittenCall } from '../chat/formats/format.ts';
import { hermes } from '../chat/formats/hermes.ts';
import { assistantTurn, parseLabel, splitTurn, type Label } from '../chat/generation.ts';
import type { Tool } from '../chat/messages.ts';
import {
  argumentsIn,
  checkCall,
  toolTable,
  toolTableFromPrompt,
  type ToolTable,
  type ValidCall,
  type ValidityFault,
} from '../chat/tools.ts';

/** Task that a group of generations is scored against. */
export interface RewardTask {
  /** The rendered prompt; what it has opened of the assistant's turn, such as `<think>`, is part of the turn. */
  readonly prompt: string;
  /** `</think>` and the right answer, as in the training records. */
  readonly label: string;
  /** The tools, where they are at hand; otherwise they are read from the prompt's last `<tools>...</tools>`. */
  readonly tools?: readonly Tool[];
  /** Form of prompt, label and generations: the model's. Default: Hermes's, for which STAR's reward is written. */
  readonly format?: ToolFormat;
}

export interface Score<Detail> {
  /** Number to learn from, -1 to 1. */
  readonly reward: number;
  /** 1 if the generation has the required form, else -1. */
  readonly format: 1 | -1;
  /** Correctness of the answer, 0 to 1; 0 if the form is wrong, but for toolrl, which judges them apart. Groups are filtered by this one. */
  readonly answer: number;
  readonly detail: Detail;
}

export interface Scorer<Detail> {
  /** Faults of the prompt's tools or the label, one sentence each. Scores are defined all the same. */
  readonly problems: readonly string[];
  /** Scores the text that a model wrote after the prompt, special tokens included; never throws. */
  score(generation: string): Score<Detail>;
}

interface Named {
  readonly name: string;
  /** One line, for help texts and reports. */
  readonly description: string;
}

export interface Reward<Detail> extends Named {
  /** Reads a task once for all the generations of its group; never throws. */
  prepare(task: RewardTask): Scorer<Detail>;
}

/** A problem that conversations with functions are scored against. */
export interface ConversationTask {
  readonly answer: string;
  /** Names of the tools that exist. */
  readonly tools: ReadonlySet<string>;
  /** The calls of the teacher's reference trajectory; undefined when there is none. */
  readonly teacher: readonly WrittenCall[] | undefined;
}

/** A student's conversation, all of its turns. */
export interface ConversationResponse {
  /** Text that it wrote, without what functions returned. */
  readonly text: string;
  /** Its calls that can be read, in order. */
  readonly calls: readonly WrittenCall[];
  /** Tells whether its last turn came to an end. */
  readonly ended: boolean;
}

export interface ConversationScore {
  readonly reward: number;
  /** Tells whether the answer is right, which dynamic filtering looks at. */
  readonly correct: boolean;
  /** Agreement with the tools of the teacher's trajectory, 0 to 1. */
  readonly toolMatch: number;
}

/** Options of rewards of conversations; those that a reward does not know are of no effect. */
export interface ConversationOptions {
  /** Share of the tool match that is Sim-RL's similarity of the calls, arguments included. */
  readonly argument_weight: number;
}

export interface ConversationReward extends Named {
  /** Scores one conversation; never throws. */
  converse(
    task: ConversationTask,
    response: ConversationResponse,
    options: ConversationOptions,
  ): ConversationScore;
}

/** Any reward: of answers, of conversations, or of both. */
export type AnyReward = Reward<unknown> | ConversationReward | (Reward<unknown> & ConversationReward);

export const scoresAnswers = (reward: AnyReward): reward is Reward<unknown> => 'prepare' in reward;
export const scoresConversations = (reward: AnyReward): reward is ConversationReward => 'converse' in reward;

/** Everything that makes a generation ill-formed; `schema_violation` only where schemas are checked. */
export type FormatFault = SyntaxFault | ValidityFault | 'schema_violation';

type CheckedCall = ValidCall | Malformed<FormatFault>;

export type CallCheck = (call: WrittenCall, table: ToolTable) => CheckedCall;

export type Answer =
  | Malformed<FormatFault>
  /** Never empty. */
  | { readonly kind: 'calls'; readonly calls: readonly ValidCall[] }
  /** Never empty. */
  | { readonly kind: 'reply'; readonly reply: string }
  /** Well-formed, and still neither a call nor a reply. */
  | { readonly kind: 'nothing'; readonly why: 'unclosed_call' | 'empty_reply' };

/** Number of blocks of calls that are kept, and their longest length, so that no model can fill the memory. */
const KEPT_BLOCKS = 256;
const KEPT_LENGTH = 4096;

/** A task that was read, for the scorers of all rewards. */
export class PreparedTask {
  readonly format: ToolFormat;
  readonly label: Label;
  readonly table: ToolTable;
  readonly argumentsOf: ArgumentsOf;
  /** Part of the prompt that can belong to the assistant's turn: not more is copied for each generation. */
  readonly #opening: string;
  /** Calls by their text: the generations of a group write the same ones over and over. */
  readonly #known = new Map<string, CheckedCall>();
  readonly #check: CallCheck;

  /** Reads a task; `check` says which calls are of the required form. */
  constructor({ prompt, label, tools, format = hermes }: RewardTask, check: CallCheck = checkCall) {
    this.#check = check;
    this.format = format;
    this.table = tools === undefined ? toolTableFromPrompt(prompt, format) : toolTable(tools);
    this.argumentsOf = argumentsIn(this.table);
    this.label = parseLabel(label, format, this.argumentsOf);
    this.#opening = assistantTurn(prompt, '', format);
  }

  get problems(): readonly string[] {
    const { label, table } = this;
    return label.kind === 'unusable' ? [...table.problems, label.message] : table.problems;
  }

  /** The whole turn that a generation completes. */
  turn(generation: string): string {
    return assistantTurn(this.#opening, generation, this.format);
  }

  /** A generation, taken apart and held against the tools. */
  read(generation: string): Answer {
    const split = splitTurn(this.turn(generation), this.format);
    if ('kind' in split) return split;
    const { answer } = split;
    const blocks = this.format.callBlocks(answer);
    if (blocks === undefined)
      return answer === '' ? { kind: 'nothing', why: 'empty_reply' } : { kind: 'reply', reply: answer };
    const calls: ValidCall[] = [];
    for (const block of blocks) {
      const call = this.#call(block);
      if ('kind' in call) return call;
      calls.push(call);
    }
    return calls.length === 0 ? { kind: 'nothing', why: 'unclosed_call' } : { kind: 'calls', calls };
  }

  #call(block: string): CheckedCall {
    const known = this.#known.get(block);
    if (known !== undefined) return known;
    const written = this.format.readCall(block, this.argumentsOf);
    const call = 'kind' in written ? written : this.#check(written, this.table);
    if (block.length <= KEPT_LENGTH && this.#known.size < KEPT_BLOCKS) this.#known.set(block, call);
    return call;
  }
}

/** A scorer that tells the problems of its task when it is asked for them. A class, because engines are slow at literals with getters. */
class TaskScorer<Detail> implements Scorer<Detail> {
  readonly #task: PreparedTask;
  readonly score: Scorer<Detail>['score'];

  constructor(task: PreparedTask, score: Scorer<Detail>['score']) {
    this.#task = task;
    this.score = score;
  }

  get problems(): readonly string[] {
    return this.#task.problems;
  }
}

/** A reward from its rule, which takes a task that was read and scores its generations. */
export function rewardOf<Detail>(
  name: string,
  description: string,
  rule: (prepared: PreparedTask, task: RewardTask) => Scorer<Detail>['score'],
): Reward<Detail> {
  return {
    name,
    description,
    prepare(task) {
      const prepared = new PreparedTask(task);
      return new TaskScorer(prepared, rule(prepared, task));
    },
  };
}

export interface FormatErrorDetail {
  readonly kind: 'format_error';
  readonly fault: FormatFault;
  readonly message: string;
}

export function formatError({ fault, message }: Malformed<FormatFault>): Score<FormatErrorDetail> {
  return { reward: -1, format: -1, answer: 0, detail: { kind: 'format_error', fault, message } };
}

export function wellFormed<Detail>(answer: number, detail: Detail): Score<Detail> {
  return { reward: answer, format: 1, answer, detail };
}
