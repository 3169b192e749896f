/** Modes of going about a problem: in a conversation that ends with its answer, or step by step as the agent. */
import { UserError } from '../../../src/base/errors.ts';
import { asTokenIds, type TokenIds } from '../../../src/base/token-ids.ts';
import type { Message } from '../../../src/chat/messages.ts';
import { agentPrompt, runAgent, STOP } from './agent.ts';
import { converse } from './conversation.ts';
import type { EnvironmentHost, Problem } from './environment.ts';
import type { ProblemPrompt, Speech } from './speech.ts';

/** A worked solution as a conversation, in tokens after its prompt: what a model should write, with what it would be told. */
interface WorkedSolution {
  readonly tokens: TokenIds;
  /** 1 for the assistant's tokens, 0 for results. */
  readonly drawn: Uint8Array;
}

/**
 * Makes the calls of a problem's solution: those of a step in one turn, or as the agent, one a turn and the answer by a
 * call of its own. Throws a UserError when there is no solution, or one that fails.
 */
export async function workedSolution(
  { id, solution, setting, answer }: Problem,
  host: EnvironmentHost,
  speech: Speech,
  asAgent = false,
): Promise<WorkedSolution> {
  const fault = (text: string): UserError =>
    new UserError('NO_SOLUTION', `The problem ${id} of the environment ${host.name} ${text}`);
  if (solution === undefined)
    throw fault('has no solution to learn from; give its problems solutions, or leave them to a teacher.');
  const tokens: number[] = [];
  const drawn: number[] = [];
  const add = (ids: TokenIds, own: 0 | 1): void => {
    for (const token of ids) {
      tokens.push(token);
      drawn.push(own);
    }
  };
  const say = (message: Omit<Message, 'role'>): void => add(speech.turn(message), 1);
  const session = host.open(setting);
  for (const { thought, calls } of solution) {
    for (const turn of asAgent ? calls.map((call) => [call]) : [calls]) {
      say({ content: '', reasoning: thought, toolCalls: turn });
      const texts: string[] = [];
      for (const { name, arguments: given } of turn) {
        const { ok, text } = await session.call(name, given);
        if (!ok) throw fault(`has a solution that fails at ${name}: ${text}`);
        texts.push(text);
      }
      add(speech.results(texts), 0);
    }
  }
  session.close();
  say(
    asAgent
      ? { content: '', reasoning: 'Done.', toolCalls: [{ name: STOP.name, arguments: { answer } }] }
      : { content: `\\boxed{${answer}}`, reasoning: 'Done.' },
  );
  return { tokens: asTokenIds(tokens), drawn: Uint8Array.from(drawn) };
}

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
