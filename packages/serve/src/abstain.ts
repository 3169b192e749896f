/** Answers that a model is not sure enough of: words in their place, or what a larger model says. */
import { z } from 'zod';
import { errorText, UserError } from '../../../src/base/errors.ts';
import type { Reply } from './model.ts';
import { argumentsOf, type ChatRequest } from './requests.ts';
import type { Recorder } from './shadow.ts';

/** A larger model behind OpenAI's API. */
export interface Upstream {
  /** Address up to `/v1`, such as `https://api.example.com/v1`. */
  readonly url: string;
  readonly model?: string;
  readonly apiKey?: string;
  /** Keeps each of its answers, behind the messages that it answers. */
  readonly record?: Recorder;
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

/** A reply, and who gave it in place of the model: another server, or nobody. */
export interface Answered extends Reply {
  readonly upstream?: 'answered' | 'abstained';
}

export interface Abstaining {
  /** Probability of being right below which an answer is not given. */
  readonly abstain: number;
  readonly upstream: Upstream | undefined;
  readonly onAbstained: () => void;
  readonly onUpstreamFailure: () => void;
}

/** The reply itself where the model is sure enough of it, or does not know; else what stands in its place. */
export async function abstained(
  reply: Reply,
  request: ChatRequest,
  signal: AbortSignal,
  { abstain, upstream, onAbstained, onUpstreamFailure }: Abstaining,
): Promise<Answered> {
  // A call that is demanded is made.
  const { tool_choice: choice } = request;
  const isDemanded = choice === 'required' || (typeof choice === 'object' && choice !== null);
  const isForced = reply.isForced === true && !isDemanded;
  const isSure = !isForced && (reply.confidence === undefined || reply.confidence >= abstain);
  // Words are what stands in the place of a call; only a larger model may know better.
  if (isSure || (upstream === undefined && reply.calls.length === 0)) {
    // Recorded beside the answer, which does not wait for it.
    if (upstream?.record !== undefined)
      void askUpstream(upstream, request, AbortSignal.timeout(120_000)).catch(onUpstreamFailure);
    return reply;
  }
  onAbstained();
  if (upstream === undefined)
    return { ...reply, calls: [], content: REFUSAL, finish: 'stop', upstream: 'abstained' };
  const message = await askUpstream(upstream, request, signal).catch((thrown: unknown) => {
    onUpstreamFailure();
    signal.throwIfAborted();
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      'UPSTREAM',
      `The upstream server at ${upstream.url} does not answer as it should: ${whyOf(thrown)}.`,
    );
  });
  const calls = (message.tool_calls ?? []).map((call) => ({
    name: call.function.name,
    arguments: argumentsOf(call.function.arguments, 'upstream'),
  }));
  return {
    ...reply,
    calls,
    content: message.content ?? '',
    finish: calls.length > 0 ? 'tool_calls' : 'stop',
    upstream: 'answered',
  };
}

function whyOf(thrown: unknown): string {
  if (thrown instanceof z.ZodError || thrown instanceof SyntaxError)
    return 'what it says is no answer of its API';
  return errorText(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown);
}

async function askUpstream(
  { url, model, apiKey, record }: Upstream,
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
  record?.({ messages: [...messages, { role: 'assistant', ...message }], tools: tools ?? [] });
  return message;
}
