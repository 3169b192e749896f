/** OpenAI's Responses API, as far as its clients need it for texts and functions: nothing is stored, so a conversation is sent whole. */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import type { Message } from '../../../src/chat/messages.ts';
import type { Asking } from './asking.ts';
import { newId, ownFacts, usageOf } from './chat.ts';
import type { AskOptions, Conversation, Reply } from './model.ts';
import { argumentsOf, optionsOf, readBody, RequestFault, toolOf } from './requests.ts';

const schemaObject = z.record(z.string(), z.json());
const part = z.looseObject({ type: z.string(), text: z.string().optional() });
const itemSchema = z.looseObject({
  type: z.string().optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']).optional(),
  content: z.union([z.string(), z.array(part)]).optional(),
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
  previous_response_id: z
    .null({ error: 'is not supported: nothing is stored here; send the whole conversation as input' })
    .optional(),
  stream: z.boolean().nullish(),
});
type Request = z.output<typeof requestSchema>;
type Item = z.output<typeof itemSchema>;

const textOf = (content: Item['content']): string =>
  typeof content === 'string' ? content : (content ?? []).map(({ text = '' }) => text).join('');

/** An item of the input as a message; calls that stand side by side are of one turn. */
function messagesOf({ input, instructions }: Request): Message[] {
  const messages: Message[] =
    typeof instructions === 'string' && instructions !== ''
      ? [{ role: 'system', content: instructions }]
      : [];
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }];
  for (const [i, item] of input.entries()) {
    const { type = 'message' } = item;
    if (type === 'message') {
      const role = item.role === 'developer' ? 'system' : (item.role ?? 'user');
      messages.push({ role, content: textOf(item.content) });
    } else if (type === 'function_call') {
      const call = {
        name: item.name ?? '',
        arguments: argumentsOf(item.arguments ?? '{}', `input.${i}.arguments`),
      };
      const last = messages.at(-1);
      if (last?.role === 'assistant')
        messages.splice(-1, 1, { ...last, toolCalls: [...(last.toolCalls ?? []), call] });
      else messages.push({ role: 'assistant', content: '', toolCalls: [call] });
    } else if (type === 'function_call_output') messages.push({ role: 'tool', content: textOf(item.output) });
    else if (type !== 'reasoning')
      throw new RequestFault(`input.${i}: items of the type ${type} are not read here.`, `input.${i}.type`);
  }
  return messages;
}

/** Options under the names of a chat's request. */
function askOf(request: Request, maxTokens: number): AskOptions {
  const { tool_choice: choice, text, tools } = request;
  const format = text?.format;
  return optionsOf(
    {
      messages: [],
      frequency_penalty: undefined,
      presence_penalty: undefined,
      temperature: request.temperature,
      top_p: request.top_p,
      max_tokens: request.max_output_tokens,
      parallel_tool_calls: request.parallel_tool_calls,
      tools: (tools ?? []).map(({ name }) => ({ type: 'function', function: { name } })),
      tool_choice:
        typeof choice === 'object' && choice !== null
          ? { type: 'function', function: { name: choice.name } }
          : choice,
      response_format:
        format === undefined
          ? undefined
          : format.type === 'json_schema'
            ? {
                type: 'json_schema',
                json_schema: format.schema === undefined ? {} : { schema: format.schema },
              }
            : { type: format.type },
    },
    maxTokens,
  );
}

/** Items that an answer consists of. */
function outputOf({ content, reasoning, calls }: Reply) {
  const thought =
    reasoning === ''
      ? []
      : [
          {
            id: newId('rs_'),
            type: 'reasoning' as const,
            summary: [{ type: 'summary_text', text: reasoning }],
          },
        ];
  const words =
    content === '' && calls.length > 0
      ? []
      : [
          {
            id: newId('msg_'),
            type: 'message' as const,
            role: 'assistant' as const,
            status: 'completed' as const,
            content: [{ type: 'output_text' as const, text: content, annotations: [] }],
          },
        ];
  const made = calls.map(({ name, arguments: given }) => ({
    id: newId('fc_'),
    type: 'function_call' as const,
    call_id: newId('call_'),
    name,
    arguments: JSON.stringify(given),
    status: 'completed' as const,
  }));
  return [...thought, ...words, ...made];
}

function responseOf(request: Request, id: string, model: string, reply: Reply | undefined) {
  const usage = reply && usageOf([reply]);
  return {
    id,
    object: 'response' as const,
    created_at: Math.floor(Date.now() / 1000),
    status: reply === undefined ? 'in_progress' : reply.finish === 'length' ? 'incomplete' : 'completed',
    error: null,
    incomplete_details: reply?.finish === 'length' ? { reason: 'max_output_tokens' } : null,
    instructions: request.instructions ?? null,
    model,
    output: reply === undefined ? [] : outputOf(reply),
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

/** Answers a request; `asking` finds its model and counts it. */
export async function answerResponse(
  c: Context,
  body: unknown,
  asking: (model: string | undefined) => Asking,
): Promise<Response> {
  const request = readBody(requestSchema, body);
  const { model, ask, maxTokens } = asking(request.model);
  const conversation: Conversation = {
    messages: messagesOf(request),
    tools: (request.tools ?? []).map((tool) =>
      toolOf({ name: tool.name, description: tool.description ?? '', parameters: tool.parameters }),
    ),
  };
  const options = askOf(request, maxTokens);
  const id = newId('resp_');
  const answer = (): Promise<Reply> => ask((signal) => model.ask(conversation, { ...options, signal }));
  if (request.stream !== true) return c.json(responseOf(request, id, model.name, await answer()));
  return streamSSE(c, async (stream) => {
    let number = 0;
    const send = (type: string, data: object): Promise<void> =>
      stream.writeSSE({ event: type, data: JSON.stringify({ type, sequence_number: number++, ...data }) });
    await send('response.created', { response: responseOf(request, id, model.name, undefined) });
    try {
      const whole = responseOf(request, id, model.name, await answer());
      for (const [output_index, item] of whole.output.entries()) {
        await send('response.output_item.added', { output_index, item: { ...item, status: 'in_progress' } });
        const at = { output_index, item_id: item.id };
        if (item.type === 'function_call') {
          await send('response.function_call_arguments.delta', { ...at, delta: item.arguments });
          await send('response.function_call_arguments.done', { ...at, arguments: item.arguments });
        }
        if (item.type === 'message')
          for (const [content_index, part] of item.content.entries()) {
            const place = { ...at, content_index };
            await send('response.content_part.added', { ...place, part: { ...part, text: '' } });
            await send('response.output_text.delta', { ...place, delta: part.text });
            await send('response.output_text.done', { ...place, text: part.text });
            await send('response.content_part.done', { ...place, part });
          }
        await send('response.output_item.done', { output_index, item });
      }
      await send('response.completed', { response: whole });
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      await send('error', { code: 'server_error', message, param: null });
    }
  });
}
