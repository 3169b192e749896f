/** Modes of going about a problem: in a conversation that ends with its answer, or step by step as the agent. */
import { agentPrompt, runAgent } from './agent.ts';
import { converse } from './conversation.ts';
import type { EnvironmentHost, Problem } from './environment.ts';
import { workedSolution, type WorkedSolution } from './solution.ts';
import type { ProblemPrompt, Speech } from './speech.ts';

export interface RolloutMode {
  /** The prompt of a problem. Throws a UserError for functions that do not suit it. */
  readonly prompt: (speech: Speech, question: string, host: EnvironmentHost) => ProblemPrompt;
  /** Draws conversations about tasks, `n_samples_per_prompt` each, in the tasks' order. */
  readonly converse: typeof converse;
  /** A problem's worked solution. Throws a UserError when it has none. */
  readonly worked: (problem: Problem, host: EnvironmentHost, speech: Speech) => Promise<WorkedSolution>;
}

/** One conversation, in which calls that fail remain. */
export const CONVERSATION: RolloutMode = {
  prompt: (speech, question, { tools }) => speech.prompt(question, tools),
  converse,
  worked: workedSolution,
};

/** The step-by-step agent; its turns are steps, each of which may be written `maxTries` times. */
export function agentMode(maxTries: number): RolloutMode {
  return {
    prompt: agentPrompt,
    converse: (tasks, voice, options) => runAgent(tasks, voice, { ...options, max_tries: maxTries }),
    worked: (problem, host, speech) => workedSolution(problem, host, speech, true),
  };
}
