/** Answers that a model is not sure enough of: words in their place, or what a larger model says. */
import { appendFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../../../src/base/errors.ts';
import type { Reply } from './model.ts';
import { argumentsOf, type ChatRequest } from './requests.ts';

/** A larger model behind OpenAI's API. */
export interface Upstream {
  /** Address up to `/v1`, such as `https://api.example.com/v1`. */
  readonly url: string;
  readonly model?: string;
  readonly apiKey?: string;
  /** File that its answers are recorded in, as lines {messages, tools} that `tinystar init --tools` reads as traces. */
  readonly shadow?: string;
}

const answerSchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({
          content: z.string().nullish(),
          tool_calls: z
            .array(z.looseObject({ function: z.looseObject({ name: z.string(), arguments: z.string() }) }))
            .nullish(),
        }),
      }),
    )
    .min(1),
});

/** Words in place of a call that is not made. */
const REFUSAL = "I'm not sure what to do; please say it in other words.";

export interface Abstaining {
  readonly abstain: number;
  readonly upstream: Upstream | undefined;
  readonly request: ChatRequest;
  readonly signal: AbortSignal;
  readonly count: () => void;
}

/** The reply itself where the model is sure enough of it, or does not know; else what stands in its place. */
export async function abstained(
  reply: Reply,
  { abstain, upstream, request, signal, count }: Abstaining,
): Promise<Reply> {
  const isSure = reply.confidence === undefined || reply.confidence >= abstain;
  if (isSure && upstream?.shadow === undefined) return reply;
  if (isSure && upstream !== undefined) {
    // Recorded beside the answer, which does not wait for it.
    void askUpstream(upstream, request, AbortSignal.timeout(120_000)).catch(() => undefined);
    return reply;
  }
  count();
  if (upstream === undefined) return { ...reply, calls: [], content: REFUSAL, finish: 'stop' };
  const message = await askUpstream(upstream, request, signal);
  const calls = (message.tool_calls ?? []).map((call) => ({
    name: call.function.name,
    arguments: argumentsOf(call.function.arguments, 'upstream'),
  }));
  return {
    ...reply,
    calls,
    content: message.content ?? '',
    finish: calls.length > 0 ? 'tool_calls' : 'stop',
  };
}

async function askUpstream(
  { url, model, apiKey, shadow }: Upstream,
  { messages, tools, tool_choice, temperature }: ChatRequest,
  signal: AbortSignal,
): Promise<z.output<typeof answerSchema>['choices'][number]['message']> {
  const response = await fetch(`${url.replace(/\/$/, '')}/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify({ model, messages, tools, tool_choice, temperature }),
    signal,
  });
  if (!response.ok)
    throw new UserError('UPSTREAM', `The upstream server answers ${response.status} ${response.statusText}.`);
  const { choices } = answerSchema.parse(await response.json());
  const message = choices[0]?.message ?? {};
  if (shadow !== undefined)
    appendFileSync(
      shadow,
      `${JSON.stringify({ messages: [...messages, { role: 'assistant', ...message }], tools: tools ?? [] })}\n`,
    );
  return message;
}
