/**
 * Surroundings that a model acts in: functions with a JSON Schema each, problems that are solved with them, and a state that
 * lasts for one conversation about one problem. An environment is a module whose default export is one:
 *
 *   export default defineEnvironment({ name: 'dice', description: '...', tools: [...], problems: ({ split, seed, count }) => [...] })
 *
 * Functions must depend on their arguments and the conversation's state alone: a run that goes on after a kill, and a
 * worker that had to be stopped, repeat the calls that were made.
 */
import { z } from 'zod';
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import type { JsonObject } from '../../../src/json/value.ts';

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
  /** Group in reports, such as "farm/2". */
  readonly category: string;
  /** Request of the user. */
  readonly question: string;
  /** The right answer, as it stands in \boxed{}. */
  readonly answer: string;
  /** Beginning of a conversation's state. */
  readonly setting: JsonObject;
  /** A right solution, for pre-training and tests. */
  readonly solution?: readonly SolutionStep[];
}

export interface ProblemRequest {
  readonly split: Split;
  readonly seed: number;
  readonly count: number;
}

/** A tool that needs all of its arguments. */
export function toolWith(name: string, description: string, properties: JsonObject): Tool {
  return { name, description, parameters: { type: 'object', properties, required: Object.keys(properties) } };
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

/** Outcome of a call, as the model reads it. */
export interface ToolResult {
  readonly text: string;
  /** False for an error, which `text` then explains. */
  readonly ok: boolean;
}

/** Limits that keep a function from harming a run, as a recipe sets them. */
export const limitOptions = {
  time_limit: z.number().positive().max(600).default(2).describe('seconds that a call may take'),
  memory_limit: z.int().positive().default(128).describe("megabytes of the worker's heap"),
  result_limit: z.int().positive().default(1000).describe('characters of a result; longer ones are cut'),
};
const limitsSchema = z.object(limitOptions);
export type Limits = Readonly<z.output<typeof limitsSchema>>;
export const DEFAULT_LIMITS: Limits = limitsSchema.parse({});

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
