/** What a reward is, and the part that all rewards share: reading the task once, and every generation by the same rules. */
import {
  assistantTurn,
  parseGeneration,
  parseLabel,
  type Label,
  type Malformed,
  type SyntaxFault,
} from '../chat/generation.ts';
import type { Tool } from '../chat/messages.ts';
import {
  checkCalls,
  toolTable,
  toolTableFromPrompt,
  type ToolTable,
  type ValidCall,
  type ValidityFault,
} from '../chat/tools.ts';

/** What a group of generations is scored against. */
export interface RewardTask {
  /** The rendered prompt, up to and including the `<think>` that it ends with. */
  readonly prompt: string;
  /** `</think>` and the right answer, as in the training records. */
  readonly label: string;
  /** The tools, where they are at hand; otherwise they are read from the prompt's last `<tools>...</tools>`. */
  readonly tools?: readonly Tool[];
}

export interface Score<Detail> {
  /** What is learned from, -1 to 1. */
  readonly reward: number;
  /** 1 if the generation has the required form, else -1. */
  readonly format: 1 | -1;
  /** How right the answer is, 0 to 1; 0 if the form is wrong. Groups are filtered by this one. */
  readonly answer: number;
  readonly detail: Detail;
}

export interface Scorer<Detail> {
  /** What is wrong with the prompt's tools or the label, one sentence each. Scores are defined all the same. */
  readonly problems: readonly string[];
  /** Scores the text that a model wrote after the prompt, special tokens included; never throws. */
  score(generation: string): Score<Detail>;
}

export interface Reward<Detail> {
  readonly name: string;
  /** One line, for help texts and reports. */
  readonly description: string;
  /** Reads a task once for all the generations of its group; never throws. */
  prepare(task: RewardTask): Scorer<Detail>;
}

/** Everything that makes a generation ill-formed. */
export type FormatFault = SyntaxFault | ValidityFault;

export type Answer =
  | Malformed<FormatFault>
  /** Never empty. */
  | { readonly kind: 'calls'; readonly calls: readonly ValidCall[] }
  /** Never empty. */
  | { readonly kind: 'reply'; readonly reply: string }
  /** Well-formed, and still neither a call nor a reply. */
  | { readonly kind: 'nothing'; readonly why: 'unclosed_call' | 'empty_reply' };

/** A task that was read, for the scorers of all rewards. */
export class PreparedTask {
  readonly label: Label;
  readonly table: ToolTable;
  /** What of the prompt can belong to the assistant's turn: not more is copied for each generation. */
  readonly #opening: string;

  constructor({ prompt, label, tools }: RewardTask) {
    this.table = tools === undefined ? toolTableFromPrompt(prompt) : toolTable(tools);
    this.label = parseLabel(label);
    this.#opening = assistantTurn(prompt, '');
  }

  get problems(): readonly string[] {
    const { label, table } = this;
    return label.kind === 'unusable' ? [...table.problems, label.message] : table.problems;
  }

  /** The whole turn that a generation completes. */
  turn(generation: string): string {
    return assistantTurn(this.#opening, generation);
  }

  /** A generation, taken apart and held against the tools. */
  read(generation: string): Answer {
    const parsed = parseGeneration(this.turn(generation));
    if (parsed.kind === 'malformed') return parsed;
    if (parsed.kind === 'reply')
      return parsed.reply === ''
        ? { kind: 'nothing', why: 'empty_reply' }
        : { kind: 'reply', reply: parsed.reply };
    if (parsed.calls.length === 0) return { kind: 'nothing', why: 'unclosed_call' };
    const calls = checkCalls(parsed.calls, this.table);
    return 'kind' in calls ? calls : { kind: 'calls', calls };
  }
}

/** A scorer that tells the problems of its task when it is asked for them. */
export function scorerOf<Detail>(
  task: { readonly problems: readonly string[] },
  score: (generation: string) => Score<Detail>,
): Scorer<Detail> {
  return {
    get problems() {
      return task.problems;
    },
    score,
  };
}

/** What a generation earns that has not the required form, in every reward. */
export function formatError<Detail>(detail: Detail): Score<Detail> {
  return { reward: -1, format: -1, answer: 0, detail };
}

/** What a well-formed generation earns. */
export function wellFormed<Detail>(answer: number, detail: Detail): Score<Detail> {
  return { reward: answer, format: 1, answer, detail };
}
