/** Replies as OpenAI's chat completions have them: whole, or in chunks. */
import { randomUUID } from 'node:crypto';
import type { ToolCall } from '../../../src/chat/messages.ts';
import type { Delta } from './deltas.ts';
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

/** Tokens of one prompt and of all answers to it. */
export function usageOf(replies: readonly Reply[]) {
  const [first] = replies;
  const prompt = first?.promptTokens ?? 0;
  const completion = replies.reduce((sum, { tokens }) => sum + tokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: first?.cachedTokens ?? 0 },
  };
}

/** Facts of ours beside OpenAI's: how likely an answer is right, and what was put right or could not be made of it. */
export const ownFacts = ({ confidence, repairs, faults }: Reply, upstream?: string) => ({
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
export const completionOf = ({ id, created, model }: Head, replies: readonly Reply[]) => ({
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

/** Change of an answer as OpenAI's chunks have it; a call comes with its name first, and then with its arguments. */
export function deltasOf(delta: Delta): readonly object[] {
  if (delta.kind === 'content') return [{ content: delta.text }];
  if (delta.kind === 'reasoning') return [{ reasoning_content: delta.text }];
  const { id, type, function: own } = callOf(delta.call);
  return [
    { tool_calls: [{ index: delta.index, id, type, function: { name: own.name, arguments: '' } }] },
    { tool_calls: [{ index: delta.index, function: { arguments: own.arguments } }] },
  ];
}

/** Last chunk of an answer. */
export const lastChunkOf = (head: Head, index: number, reply: Reply) =>
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

/** Answers to `/v1/completions`. */
export const textCompletionOf = ({ id, created, model }: Head, replies: readonly Reply[]) => ({
  id,
  object: 'text_completion' as const,
  created,
  model,
  choices: replies.map(({ text, finish, chances }, index) => ({
    index,
    text,
    finish_reason: finish === 'length' ? 'length' : 'stop',
    logprobs:
      chances === undefined
        ? null
        : {
            tokens: chances.map((one) => one.text),
            token_logprobs: chances.map(({ logprob }) => logprob),
            top_logprobs: chances.map(({ top }) =>
              Object.fromEntries(top.map((one) => [one.text, one.logprob])),
            ),
          },
  })),
  usage: usageOf(replies),
});
