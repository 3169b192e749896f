/** OpenAI's Responses API, as far as its clients need it for texts and functions: nothing is stored, so a conversation is sent whole. */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import type { Answered } from './abstain.ts';
import type { Answering } from './answering.ts';
import { newId, ownFacts, usageOf, wholeDeltas } from './chat.ts';
import { faultOf } from './errors.ts';
import { type ChatRequest, chatSchema, readBody, RequestFault } from './requests.ts';
import { Items, type OutputItem } from './response-items.ts';

const schemaObject = z.record(z.string(), z.json());
const part = z.looseObject({
  type: z.enum(['input_text', 'output_text', 'text', 'refusal', 'reasoning_text', 'summary_text'], {
    error: 'must be a text; images, audio and files are not read',
  }),
  text: z.string().optional(),
});
const itemSchema = z.looseObject({
  type: z.string().optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']).optional(),
  content: z.union([z.string(), z.array(part)]).nullish(),
  name: z.string().optional(),
  arguments: z.string().optional(),
  call_id: z.string().optional(),
  output: z.union([z.string(), z.array(part)]).optional(),
});

const requestSchema = z.looseObject({
  model: z.string().optional(),
  input: z.union([z.string(), z.array(itemSchema)]),
  instructions: z.string().nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.literal('function', { error: 'must be function: other tools are not run here' }),
        name: z.string().min(1),
        description: z.string().nullish(),
        parameters: schemaObject.nullish(),
        strict: z.boolean().nullish(),
      }),
    )
    .nullish(),
  tool_choice: z
    .union([
      z.enum(['auto', 'required', 'none']),
      z.looseObject({ type: z.literal('function'), name: z.string() }),
    ])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z
    .looseObject({
      format: z
        .looseObject({
          type: z.enum(['text', 'json_object', 'json_schema']),
          schema: schemaObject.optional(),
        })
        .optional(),
    })
    .nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  background: z.literal(false, { error: 'is not supported; leave it out' }).nullish(),
  conversation: z
    .null({ error: 'is not supported: nothing is stored here; send the whole conversation as input' })
    .optional(),
  prompt: z.null({ error: 'is not supported; send its text as input' }).optional(),
  previous_response_id: z
    .null({ error: 'is not supported: nothing is stored here; send the whole conversation as input' })
    .optional(),
  stream: z.boolean().nullish(),
});
type Request = z.output<typeof requestSchema>;
type Item = z.output<typeof itemSchema>;

const textOf = (content: Item['content']): string =>
  typeof content === 'string' ? content : (content ?? []).map(({ text = '' }) => text).join('');

type ChatMessage = ChatRequest['messages'][number];

/** Items of the input as messages; calls that stand side by side are of one turn. */
function messagesOf({ input, instructions }: Request): ChatMessage[] {
  const messages: ChatMessage[] =
    typeof instructions === 'string' && instructions !== ''
      ? [{ role: 'system', content: instructions }]
      : [];
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }];
  for (const [i, item] of input.entries()) {
    const { type = 'message', call_id: id } = item;
    if (type === 'message') messages.push({ role: item.role ?? 'user', content: textOf(item.content) });
    else if (type === 'function_call') {
      const made = { name: item.name ?? '', arguments: item.arguments ?? '{}' };
      const call = { ...(id === undefined ? {} : { id }), type: 'function', function: made };
      const last = messages.at(-1);
      if (last?.role === 'assistant')
        messages.splice(-1, 1, { ...last, tool_calls: [...(last.tool_calls ?? []), call] });
      else messages.push({ role: 'assistant', content: null, tool_calls: [call] });
    } else if (type === 'function_call_output')
      messages.push({ role: 'tool', content: textOf(item.output), ...(id && { tool_call_id: id }) });
    else if (type !== 'reasoning')
      throw new RequestFault(`input.${i}: items of the type ${type} are not read here.`, `input.${i}.type`);
  }
  return messages;
}

/** The same request to a chat. */
function chatOf(request: Request): ChatRequest {
  const { tool_choice: choice, text, tools } = request;
  const format = text?.format;
  return readBody(chatSchema, {
    model: request.model,
    messages: messagesOf(request),
    temperature: request.temperature,
    top_p: request.top_p,
    max_tokens: request.max_output_tokens,
    parallel_tool_calls: request.parallel_tool_calls,
    tools: (tools ?? []).map(({ name, description, parameters, strict }) => ({
      type: 'function',
      function: { name, description: description ?? '', parameters, strict },
    })),
    tool_choice:
      typeof choice === 'object' && choice !== null
        ? { type: 'function', function: { name: choice.name } }
        : choice,
    response_format:
      format?.type === 'json_schema' ? { type: format.type, json_schema: { schema: format.schema } } : format,
  });
}

/** Response of a request that is not answered yet, or is. */
function responseOf(
  request: Request,
  { id, model, created }: { readonly id: string; readonly model: string; readonly created: number },
  output: readonly OutputItem[],
  reply?: Answered,
) {
  const usage = reply && usageOf([reply]);
  return {
    id,
    object: 'response' as const,
    created_at: created,
    status: reply === undefined ? 'in_progress' : reply.finish === 'length' ? 'incomplete' : 'completed',
    error: null,
    incomplete_details: reply?.finish === 'length' ? { reason: 'max_output_tokens' } : null,
    instructions: request.instructions ?? null,
    model,
    output,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    temperature: request.temperature ?? 0,
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools ?? [],
    top_p: request.top_p ?? 1,
    metadata: {},
    ...(usage === undefined
      ? {}
      : {
          usage: {
            input_tokens: usage.prompt_tokens,
            input_tokens_details: usage.prompt_tokens_details,
            output_tokens: usage.completion_tokens,
            output_tokens_details: { reasoning_tokens: 0 },
            total_tokens: usage.total_tokens,
          },
        }),
    ...(reply === undefined ? {} : { tinystar: ownFacts(reply) }),
  };
}

/** Answers a request. Throws a UserError for one that is wrong, and Busy. */
export async function answerResponse(
  c: Context,
  body: unknown,
  answering: Answering,
  onFailure: (thrown: unknown) => void,
): Promise<Response> {
  const request = readBody(requestSchema, body);
  const { signal } = c.req.raw;
  const run = answering.chat(chatOf(request), signal);
  const head = {
    id: newId('resp_'),
    model: answering.modelNamed(request.model).name,
    created: Math.floor(Date.now() / 1000),
  };
  if (request.stream !== true) {
    const [reply] = await run();
    const items = new Items(() => undefined);
    for (const delta of reply === undefined ? [] : wholeDeltas(reply)) items.add(delta);
    return c.json(responseOf(request, head, items.end(), reply));
  }
  return streamSSE(c, async (stream) => {
    let [sent, number] = [Promise.resolve(), 0];
    const send = (type: string, data: object): void => {
      const event = { event: type, data: JSON.stringify({ type, sequence_number: number++, ...data }) };
      sent = sent.then(() => stream.writeSSE(event));
    };
    for (const type of ['response.created', 'response.in_progress'])
      send(type, { response: responseOf(request, head, []) });
    const items = new Items(send);
    try {
      const [reply] = await run((_, delta) => items.add(delta));
      const response = responseOf(request, head, items.end(), reply);
      send(`response.${response.status}`, { response });
    } catch (thrown) {
      if (signal.aborted) return;
      const { status, message, code = 'server_error', param = null } = faultOf(thrown);
      if (status === 500) onFailure(thrown);
      send('error', { code, message, param });
    }
    await sent;
  });
}
