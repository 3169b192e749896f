/** Requests in words, answered by calls of functions: whole, or as they are written. */
import type { Message, ToolCall } from '../../../src/chat/messages.ts';
import type { ToolChoice } from '../../constrain/src/calls.ts';
import type { AskOptions, Conversation, Reply, ServedModel } from '../../serve/src/model.ts';
import { streamed } from '../../serve/src/streaming.ts';
import { type CallFault, type CallOf, type Checked, type Functions, FunctionSet } from './functions.ts';

/** A request in words, or a conversation whose last message is to be answered. */
export type Request = string | readonly Message[];

/** Options of an answer: greedy, and of 512 tokens at most, unless told. */
export interface CallOptions {
  /** Messages before the request: instructions, earlier turns, results of calls. */
  readonly messages?: readonly Message[];
  /** Calls as the model likes (`auto`, the default), one at least, none, or of the function of that name. */
  readonly toolChoice?: ToolChoice;
  /** Tells whether there may be several calls; there may unless told. */
  readonly parallel?: boolean;
  readonly temperature?: number;
  readonly seed?: number;
  readonly maxTokens?: number;
  /** Its reason is thrown when it fires. */
  readonly signal?: AbortSignal;
}

type Counts = Pick<Reply, 'confidence' | 'promptTokens' | 'cachedTokens' | 'tokens'>;

export interface Called<F extends Functions = Functions> extends Counts {
  /** Calls that their schemas accept, with what those make of the arguments. */
  readonly calls: readonly CallOf<F>[];
  /** Calls that are not made, each with the reason. */
  readonly faults: readonly CallFault[];
  readonly reply: string;
  /** Values that were put right by their schemas, such as 140.0 for an integer: one sentence each. */
  readonly repairs: readonly string[];
  /** The answer as a message, to be appended to the conversation. */
  readonly message: Message;
  /** `length`: it was cut at `maxTokens` or the end of the context. */
  readonly finish: Reply['finish'];
}

/** News of an answer; at its end, all of it. */
export type CallPart<F extends Functions = Functions> =
  | { readonly kind: 'text' | 'reasoning'; readonly text: string }
  | { readonly kind: 'call'; readonly call: CallOf<F> }
  | { readonly kind: 'fault'; readonly fault: CallFault }
  | { readonly kind: 'end'; readonly answer: Called<F> };

export function conversationOf(
  request: Request,
  { tools }: FunctionSet,
  { messages = [] }: CallOptions,
): Conversation {
  const asked = typeof request === 'string' ? [{ role: 'user' as const, content: request }] : request;
  return { messages: [...messages, ...asked], tools };
}

function askOptions({ toolChoice: choice, parallel, temperature, seed, maxTokens, signal }: CallOptions) {
  const given = { choice, parallel, temperature, seed, max_tokens: maxTokens, signal };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as AskOptions;
}

/** The answer of a reply, whose calls were looked at. */
function answerOf<F extends Functions>(reply: Reply, checked: readonly Checked[]): Called<F> {
  const { content, reasoning, calls, faults, confidence, repairs, finish } = reply;
  return {
    // Of these functions, and with arguments that their own schemas gave.
    calls: checked.flatMap((one) => ('call' in one ? [one.call as CallOf<F>] : [])),
    faults: [
      ...checked.flatMap((one) => ('fault' in one ? [one.fault] : [])),
      ...faults.map((message) => ({ message })),
    ],
    reply: content,
    ...(confidence === undefined ? {} : { confidence }),
    repairs,
    message: {
      role: 'assistant',
      content,
      ...(reasoning === '' ? {} : { reasoning }),
      ...(calls.length === 0 ? {} : { toolCalls: calls }),
    },
    finish,
    promptTokens: reply.promptTokens,
    cachedTokens: reply.cachedTokens,
    tokens: reply.tokens,
  };
}

export async function call<F extends Functions>(
  model: ServedModel,
  request: Request,
  functions: F,
  options: CallOptions,
): Promise<Called<F>> {
  const set = await FunctionSet.of(functions);
  const reply = await model.ask(conversationOf(request, set, options), askOptions(options));
  const checked: Checked[] = [];
  for (const one of reply.calls) checked.push(await set.check(one));
  return answerOf(reply, checked);
}

export async function* stream<F extends Functions>(
  model: ServedModel,
  request: Request,
  functions: F,
  options: CallOptions,
): AsyncGenerator<CallPart<F>, void, undefined> {
  const set = await FunctionSet.of(functions);
  const checked: Checked[] = [];
  const told = async (one: ToolCall): Promise<CallPart<F>> => {
    const result = await set.check(one);
    checked.push(result);
    return 'call' in result
      ? { kind: 'call', call: result.call as CallOf<F> }
      : { kind: 'fault', fault: result.fault };
  };
  for await (const part of streamed(model, conversationOf(request, set, options), askOptions(options))) {
    if (part.kind === 'content') yield { kind: 'text', text: part.text };
    else if (part.kind === 'reasoning') yield { kind: 'reasoning', text: part.text };
    else if (part.kind === 'call') yield await told(part.call);
    else if (part.kind === 'end') {
      for (const message of part.reply.faults) yield { kind: 'fault', fault: { message } };
      yield { kind: 'end', answer: answerOf(part.reply, checked) };
    }
  }
}
