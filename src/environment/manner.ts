/** How a model goes about a problem: in a conversation that ends with its answer, or step by step as the agent. */
import { asTokenIds } from '../base/token-ids.ts';
import type { Tool } from '../chat/messages.ts';
import { agentPrompt, agentTools, type Chain, REASONING, runAgent, STOP } from './agent.ts';
import { converse, type Conversation, type ConversationTask, type ConverseOptions } from './conversation.ts';
import type { EnvironmentHost, Problem } from './environment.ts';
import { workedSolution, type WorkedSolution } from './solution.ts';
import type { Speech } from './speech.ts';
import { workedChain } from './worked-chain.ts';

type Voice = Parameters<typeof converse>[1];

export interface MannerOptions extends ConverseOptions {
  /** How often the agent may write a step. */
  readonly maxTries: number;
}

export interface Manner {
  /** The functions that a prompt speaks of. */
  tools(host: EnvironmentHost): readonly Tool[];
  /** The prompt of a problem, up to and including "<think>". */
  prompt(speech: Speech, question: string, tools: readonly Tool[]): ReturnType<Speech['prompt']>;
  /** Draws conversations about tasks, `options.samples` each, in the tasks' order. */
  converse(
    tasks: readonly ConversationTask[],
    voice: Voice,
    options: MannerOptions,
  ): Promise<Conversation[][]>;
  /** A problem's worked solution. Throws a UserError when it has none. */
  worked(problem: Problem, host: EnvironmentHost, speech: Speech): Promise<WorkedSolution>;
}

const ENDS = { stopped: 'answer', steps: 'turns', tries: 'turns', length: 'length' } as const;

/** A chain as a conversation: what it was stopped with is its answer, and the agent's own functions are no calls. */
function conversationOf({ steps, end, answer }: Chain): Conversation {
  const parts = steps.flatMap(({ tokens, logprobs, reply }) => [
    { tokens, logprobs, own: 1 },
    { tokens: reply, logprobs: new Float32Array(reply.length), own: 0 },
  ]);
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

const agent: Manner = {
  tools: agentTools,
  prompt: agentPrompt,
  worked: workedChain,
  async converse(tasks, voice, { maxTurns, samples = 1, seed = 0, maxTokens, ...options }) {
    const chains = await runAgent(tasks, voice, {
      ...options,
      samples,
      seed,
      maxSteps: maxTurns,
      maxTokens,
      maxLength: maxTokens,
    });
    return chains.map((own) => own.map(conversationOf));
  },
};

const conversation: Manner = {
  tools: ({ tools }) => tools,
  prompt: (speech, question, tools) => speech.prompt(question, tools),
  worked: workedSolution,
  converse,
};

export const MANNERS = { conversation, agent } as const satisfies Record<string, Manner>;
export type MannerName = keyof typeof MANNERS;
