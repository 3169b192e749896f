/** Modes of going about a problem: in a conversation that ends with its answer, or step by step as the agent. */
import { asTokenIds } from '../base/token-ids.ts';
import { agentPrompt, agentTools, type Chain, REASONING, runAgent, STOP } from './agent.ts';
import { converse, type Conversation } from './conversation.ts';
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

const ENDS = { stopped: 'answer', steps: 'turns', tries: 'turns', length: 'length' } as const;

/** A chain as a conversation: what it was stopped with is its answer, and the agent's own functions are no calls. */
function conversationOf({ steps, end, answer }: Chain): Conversation {
  const parts = steps.flatMap(({ tokens, logprobs, reply }, i) => {
    const own = { tokens, logprobs, own: 1 };
    // A turn after which nothing was written is no part of the conversation.
    return i === steps.length - 1
      ? [own]
      : [own, { tokens: reply, logprobs: new Float32Array(reply.length), own: 0 }];
  });
  const made = steps.filter(({ call: { name } }) => name !== REASONING.name && name !== STOP.name);
  const turns = steps.map(({ text }) => text);
  const boxed = answer === undefined ? '' : `\\boxed{${answer}}`;
  return {
    tokens: asTokenIds(parts.flatMap(({ tokens }) => [...tokens])),
    logprobs: Float32Array.from(parts.flatMap(({ logprobs }) => [...logprobs])),
    drawn: Uint8Array.from(parts.flatMap(({ tokens, own }) => [...tokens].map(() => own))),
    finish: end === 'stopped' ? 'stop' : 'length',
    turns,
    calls: made.map(({ call, result }) => ({ call, result: { text: result, ok: true } })),
    response: {
      text: `${turns.join('')}${boxed}`,
      calls: made.map(({ call }) => call),
      ended: end === 'stopped',
    },
    end: ENDS[end],
  };
}

/** The step-by-step agent; its turns are steps, each of which may be written `maxTries` times. */
export function agentMode(maxTries: number): RolloutMode {
  return {
    prompt: (speech, question, host) => agentPrompt(speech, question, agentTools(host)),
    async converse(tasks, voice, options) {
      const max_length = options.generate_max_len;
      const chains = await runAgent(tasks, voice, { ...options, max_tries: maxTries, max_length });
      return chains.map((own) => own.map(conversationOf));
    },
    worked: (problem, host, speech) => workedSolution(problem, host, speech, true),
  };
}
