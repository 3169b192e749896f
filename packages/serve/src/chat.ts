/** Replies as OpenAI's chat completions have them: whole, or in chunks. */
import { randomUUID } from 'node:crypto';
import type { ToolCall } from '../../../src/chat/messages.ts';
import type { Delta } from './deltas.ts';
import type { Answered } from './abstain.ts';
import type { Reply, TokenChance } from './model.ts';

/** Facts that all parts of an answer begin with. */
export interface Head {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

export const newId = (prefix: string): string => `${prefix}${randomUUID().replaceAll('-', '')}`;

export const headOf = (prefix: string, model: string): Head => ({
  id: newId(prefix),
  created: Math.floor(Date.now() / 1000),
  model,
});

const chanceOf = ({ text, bytes, logprob }: Pick<TokenChance, 'text' | 'bytes' | 'logprob'>) => ({
  token: text,
  logprob,
  bytes,
});

const logprobsOf = (chances: readonly TokenChance[] | undefined) =>
  chances === undefined
    ? null
    : {
        content: chances.map((one) => ({ ...chanceOf(one), top_logprobs: one.top.map(chanceOf) })),
        refusal: null,
      };

const callOf = ({ name, arguments: given }: ToolCall) => ({
  id: newId('call_'),
  type: 'function' as const,
  function: { name, arguments: JSON.stringify(given) },
});

/** Tokens of prompts and of all answers to them, as many to each. */
export function usageOf(replies: readonly Reply[], prompts = 1) {
  const firsts = replies.filter((_, i) => i % (replies.length / prompts) === 0);
  const prompt = firsts.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  const cached = firsts.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0);
  const completion = replies.reduce((sum, { tokens }) => sum + tokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

/** Facts of ours beside OpenAI's: how likely an answer is right, what was put right or could not be made of it, and who gave it. */
export const ownFacts = ({ confidence, repairs, faults, upstream }: Answered) => ({
  ...(confidence === undefined ? {} : { confidence }),
  ...(repairs.length === 0 ? {} : { repairs }),
  ...(faults.length === 0 ? {} : { faults }),
  ...(upstream === undefined ? {} : { upstream }),
});

function messageOf({ content, reasoning, calls }: Reply) {
  return {
    role: 'assistant' as const,
    content: content === '' && calls.length > 0 ? null : content,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(callOf) }),
  };
}

/** All answers to a request. */
export const completionOf = ({ id, created, model }: Head, replies: readonly Answered[]) => ({
  id,
  object: 'chat.completion' as const,
  created,
  model,
  choices: replies.map((reply, index) => ({
    index,
    message: messageOf(reply),
    logprobs: logprobsOf(reply.chances),
    finish_reason: reply.finish,
    tinystar: ownFacts(reply),
  })),
  usage: usageOf(replies),
});

/** Chunk with a change of one answer. */
export function chunkOf(
  { id, created, model }: Head,
  index: number,
  delta: object,
  finish: Reply['finish'] | null = null,
  more: object = {},
) {
  return {
    id,
    object: 'chat.completion.chunk' as const,
    created,
    model,
    choices: [{ index, delta, logprobs: null, finish_reason: finish, ...more }],
  };
}

/** Change of an answer as OpenAI's chunks have it: a call comes with its name first, and then with its arguments. */
export function deltaOf(delta: Delta): object | undefined {
  switch (delta.kind) {
    case 'content':
      return { content: delta.text };
    case 'reasoning':
      return { reasoning_content: delta.text };
    case 'name': {
      const { index, name } = delta;
      const begun = { index, id: newId('call_'), type: 'function', function: { name, arguments: '' } };
      return { tool_calls: [begun] };
    }
    case 'arguments':
      return { tool_calls: [{ index: delta.index, function: { arguments: delta.text } }] };
    case 'call':
      return undefined;
  }
}

/** Deltas of a reply that was not told while it was written. */
export const wholeDeltas = ({ reasoning, content, calls }: Reply): readonly Delta[] => [
  ...(reasoning === '' ? [] : [{ kind: 'reasoning', text: reasoning } as const]),
  ...(content === '' ? [] : [{ kind: 'content', text: content } as const]),
  ...calls.flatMap((call, index) => [
    { kind: 'name', index, name: call.name } as const,
    { kind: 'arguments', index, text: JSON.stringify(call.arguments) } as const,
    { kind: 'call', index, call } as const,
  ]),
];

/** Last chunk of an answer. */
export const lastChunkOf = (head: Head, index: number, reply: Answered) =>
  chunkOf(head, index, {}, reply.finish, { logprobs: logprobsOf(reply.chances), tinystar: ownFacts(reply) });

/** Chunk that tells of tokens behind all others. */
export const usageChunkOf = ({ id, created, model }: Head, replies: readonly Reply[]) => ({
  id,
  object: 'chat.completion.chunk' as const,
  created,
  model,
  choices: [],
  usage: usageOf(replies),
});

const textLogprobsOf = (chances: readonly TokenChance[] | undefined) =>
  chances === undefined
    ? null
    : {
        tokens: chances.map(({ text }) => text),
        token_logprobs: chances.map(({ logprob }) => logprob),
        top_logprobs: chances.map(({ top }) => Object.fromEntries(top.map((one) => [one.text, one.logprob]))),
      };

/** Answer to `/v1/completions`, or a part of it. */
export const textCompletionOf = (
  { id, created, model }: Head,
  choices: readonly { readonly index: number; readonly text: string; readonly reply?: Reply }[],
  usage?: ReturnType<typeof usageOf>,
) => ({
  id,
  object: 'text_completion' as const,
  created,
  model,
  choices: choices.map(({ index, text, reply }) => ({
    index,
    text,
    finish_reason: reply === undefined ? null : reply.finish === 'length' ? 'length' : 'stop',
    logprobs: textLogprobsOf(reply?.chances),
  })),
  ...(usage === undefined ? {} : { usage }),
});
