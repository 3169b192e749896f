/**
 * What a model can act in: functions with a JSON Schema each, problems that are solved with them, and a state that
 * lasts for one conversation about one problem. An environment is a module whose default export is one:
 *
 *   export default defineEnvironment({ name: 'dice', description: '...', tools: [...], problems: ({ split, seed, count }) => [...] })
 *
 * Functions must depend on their arguments and the conversation's state alone: a run that goes on after a kill, and a
 * worker that had to be stopped, repeat the calls that were made.
 */
import type { Tool, ToolCall } from '../chat/messages.ts';
import type { JsonObject } from '../json/value.ts';

/** Problems to learn from, unseen ones of the same domain, and ones of another domain. No problem is in two of them. */
export const SPLITS = ['train', 'test', 'transfer'] as const;
export type Split = (typeof SPLITS)[number];

/** One turn of a worked solution: a thought, then the calls that follow from it. */
export interface SolutionStep {
  readonly thought: string;
  readonly calls: readonly ToolCall[];
}

export interface Problem {
  /** Unique within the environment. */
  readonly id: string;
  /** What reports group by, such as "farm/2". */
  readonly category: string;
  /** What the user says. */
  readonly question: string;
  /** The right answer, as it stands in \boxed{}. */
  readonly answer: string;
  /** What the state of a conversation begins from. */
  readonly setting: JsonObject;
  /** A right solution, for pre-training and tests. */
  readonly solution?: readonly SolutionStep[];
}

export interface ProblemRequest {
  readonly split: Split;
  readonly seed: number;
  readonly count: number;
}

/** A function that a model may call. */
export interface EnvironmentTool<State> extends Tool {
  /**
   * Runs it; the arguments fit `parameters`. What it returns, or throws, comes back to the model as text: a string
   * as it is, anything else as JSON.
   */
  run(given: JsonObject, state: State): unknown;
}

export interface Environment<State = unknown> {
  readonly name: string;
  /** One line, for help texts and reports. */
  readonly description: string;
  readonly tools: readonly EnvironmentTool<State>[];
  /** The state at the start of a conversation; undefined for functions that need none. */
  start?(setting: JsonObject): State;
  /** The first `count` problems of a split, fewer if there are no more; the same request gives the same ones. */
  problems(request: ProblemRequest): readonly Problem[];
}

/**
 * Checks an environment's types; what its state is like is nobody else's business.
 *
 * @example
 * export default defineEnvironment<{ left: number }>({
 *   name: 'jar',
 *   description: 'a jar of sweets',
 *   tools: [{ name: 'take', description: 'Takes one.', parameters: { type: 'object' }, run: (_, jar) => --jar.left }],
 *   start: ({ left }) => ({ left: Number(left) }),
 *   problems: ({ split }) => [
 *     { id: split, category: 'take', question: 'Take one. How many are left?', answer: '4', setting: { left: 5 } },
 *   ],
 * });
 */
export function defineEnvironment<State>(environment: Environment<State>): Environment {
  return environment;
}

/** What a call came to, as the model reads it. */
export interface ToolResult {
  readonly text: string;
  /** False for an error, which `text` then explains. */
  readonly ok: boolean;
}

/** What keeps a function from harming a run. */
export interface Limits {
  /** Milliseconds that a call may take. */
  readonly timeMs: number;
  /** Megabytes of heap of the worker, where there is one. */
  readonly memoryMb: number;
  /** Characters of a result; what is longer is cut. */
  readonly resultChars: number;
}

export const DEFAULT_LIMITS: Limits = { timeMs: 2000, memoryMb: 128, resultChars: 1000 };

/** One conversation's functions. */
export interface Session {
  /**
   * Makes a call. A function that fails, takes too long or returns what cannot be shown gives a result that says so;
   * throws a UserError only when the environment itself is beyond use.
   */
  call(name: string, given: JsonObject): Promise<ToolResult>;
  /** Forgets the state. */
  close(): void;
}

/** An environment at work, wherever it runs. */
export interface EnvironmentHost extends Disposable {
  readonly name: string;
  readonly description: string;
  readonly tools: readonly Tool[];
  problems(request: ProblemRequest): Promise<readonly Problem[]>;
  open(setting: JsonObject): Session;
}
