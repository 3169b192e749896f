/** Bodies of requests as OpenAI's clients send them, read into conversations and options; what is not supported is said so. */
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { UserError } from '../../../src/base/errors.ts';
import type { Message, Tool } from '../../../src/chat/messages.ts';
import { tryParseJson } from '../../../src/json/parse.ts';
import { isDict, toJson } from '../../../src/json/python.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import type { AskOptions, Conversation } from './model.ts';
import { readable } from './readable-schema.ts';

/** A request that is refused; `param` is the part of it that is wrong. */
export class RequestFault extends UserError {
  readonly param: string | undefined;

  constructor(message: string, param?: string) {
    super('INVALID_REQUEST', message);
    this.param = param;
  }
}

const schemaObject = z.record(z.string(), z.json());

const textPart = z.looseObject({
  type: z.enum(['text', 'refusal'], { error: 'must be text; images, audio and files are not read' }),
  text: z.string().optional(),
});
/** Words of a message: a text, or parts that are texts. */
const contentSchema = z.union([z.string(), z.array(textPart), z.null()], {
  error: 'must be a text, or a list of parts that are texts; images, audio and files are not read',
});

const textOf = (content: z.output<typeof contentSchema> | undefined): string =>
  typeof content === 'string' ? content : (content ?? []).map(({ text = '' }) => text).join('');

const callSchema = z.looseObject({
  id: z.string().optional(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});

const messageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: contentSchema.optional(),
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(callSchema).nullish(),
});

const functionSchema = z.looseObject({
  name: z.string().min(1).max(256),
  description: z.string().optional(),
  parameters: schemaObject.nullish(),
  strict: z.boolean().nullish(),
});
const toolSchema = z.looseObject({
  type: z.literal('function', { error: 'must be function: other tools are not run here' }),
  function: functionSchema,
});

const choiceSchema = z.union(
  [
    z.enum(['auto', 'required', 'none']),
    z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) }),
  ],
  { error: 'must be auto, required, none, or a function by its name' },
);

const formatSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    json_schema: z.looseObject({ name: z.string().optional(), schema: schemaObject.optional() }),
  }),
]);

/** Something that is not supported, but as what it is without it. */
const only = <const T extends string | number | boolean>(value: T) =>
  z.literal(value, { error: `can only be ${JSON.stringify(value)} here; leave it out` }).nullish();
const never = z.null({ error: 'is not supported; leave it out' }).optional();
/** The same, with a way out. */
const instead = (other: string) => z.null({ error: `is not supported; use ${other}` }).optional();

const sharedShape = {
  model: z.string().optional(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.union([z.int().positive(), z.literal(-1), z.literal(0)]).nullish(),
  seed: z.int().nullish(),
  n: z.int().min(1).max(16).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  frequency_penalty: only(0),
  presence_penalty: only(0),
  logit_bias: z
    .record(z.string(), z.number())
    .refine((bias) => Object.keys(bias).length === 0, { error: 'is not supported; leave it out' })
    .nullish(),
};

export const chatSchema = z.looseObject({
  ...sharedShape,
  messages: z.array(messageSchema).min(1),
  tools: z.array(toolSchema).max(256).nullish(),
  tool_choice: choiceSchema.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: formatSchema.nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  functions: instead('tools'),
  function_call: instead('tool_choice'),
  audio: never,
  modalities: z.array(z.literal('text', { error: 'can only be text here' })).nullish(),
  web_search_options: never,
});
export type ChatRequest = z.output<typeof chatSchema>;

export const completionSchema = z.looseObject({
  ...sharedShape,
  prompt: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(64)], {
    error: 'must be a text or a list of texts',
  }),
  logprobs: z.int().min(0).max(20).nullish(),
  echo: only(false),
  best_of: only(1),
  suffix: never,
});
export type CompletionRequest = z.output<typeof completionSchema>;

/** Levels of lists and objects in a body: deeper ones would exhaust the stack of whoever reads them. */
const MOST_LEVELS = 64;
/** Characters of a schema that an answer shall obey, which is no part of the prompt and so not bounded by it. */
const MOST_SCHEMA = 65_536;

function levelsOf(text: string): number {
  let [level, most] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++)
        if (text.charCodeAt(at) === 0x5c) at++;
    } else if (char === 0x7b || char === 0x5b) most = Math.max(most, ++level);
    else if (char === 0x7d || char === 0x5d) level -= 1;
  }
  return most;
}

/** A body as JSON; throws a RequestFault. */
export function jsonOf(bytes: ArrayBuffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new RequestFault('The body of the request is not UTF-8.');
  }
  if (levelsOf(text) > MOST_LEVELS)
    throw new RequestFault(
      `The body of the request is more than ${MOST_LEVELS} levels deep; make it flatter.`,
    );
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new RequestFault(
      `The body of the request is not JSON: ${thrown instanceof Error ? thrown.message : ''}.`,
    );
  }
}

/** Reads a body; throws a RequestFault that names its first fault. */
export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const path = issue?.path.join('.') ?? '';
  const said = issue?.message ?? 'is wrong';
  throw new RequestFault(
    path === '' ? `The body of the request is not what is expected: ${said}.` : `${path}: ${said}.`,
    path === '' ? undefined : path,
  );
}

/** Arguments of a call that a client sends back. */
export function argumentsOf(text: string, param: string): JsonObject {
  const read = tryParseJson(text.trim() === '' ? '{}' : text);
  if (!read.ok || !isDict(read.value))
    throw new RequestFault(`${param}: the arguments of a call must be the JSON text of an object.`, param);
  return toJson(read.value) as JsonObject;
}

function toolOf({ name, description = '', parameters, strict }: z.output<typeof functionSchema>): Tool {
  const own = parameters ?? { type: 'object', properties: {} };
  return { name, description, parameters: strict === true ? own : readable(own) };
}

const ROLES = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
} as const;

/** Conversation of a request for a chat. */
export function conversationOf({ messages, tools }: ChatRequest): Conversation {
  return {
    tools: (tools ?? []).map((tool) => toolOf(tool.function)),
    messages: messages.map((message, i): Message => {
      const calls = (message.tool_calls ?? []).map((call, j) => ({
        name: call.function.name,
        arguments: argumentsOf(call.function.arguments, `messages.${i}.tool_calls.${j}.function.arguments`),
      }));
      const thought = message.reasoning_content ?? '';
      return {
        role: ROLES[message.role],
        content: textOf(message.content),
        ...(thought === '' ? {} : { reasoning: thought }),
        ...(calls.length === 0 ? {} : { toolCalls: calls }),
      };
    }),
  };
}

type Shared = Pick<ChatRequest, 'temperature' | 'top_p' | 'top_k' | 'seed' | 'stop' | 'max_tokens'>;

const stopsOf = (stop: Shared['stop']): string[] => [stop ?? []].flat().filter((text) => text !== '');

/** Options that all kinds of requests have. */
export function samplingOf(request: Shared, mostTokens: number): AskOptions {
  const { temperature, top_p, top_k, seed, stop, max_tokens } = request;
  return {
    temperature: temperature ?? 0,
    top_p: top_p ?? 1,
    top_k: top_k === 0 ? -1 : (top_k ?? -1),
    seed: seed ?? ((temperature ?? 0) > 0 ? randomInt(2 ** 31) : 0),
    max_tokens: Math.min(max_tokens ?? mostTokens, mostTokens),
    stop: stopsOf(stop),
  };
}

/** Options of a request for a chat; throws a RequestFault where it contradicts itself. */
export function optionsOf(request: ChatRequest, mostTokens: number): AskOptions {
  const { tools, tool_choice: choice, parallel_tool_calls: parallel, response_format: format } = request;
  const { logprobs, top_logprobs: top, max_completion_tokens: most } = request;
  if (typeof choice === 'object' && choice !== null) {
    const { name } = choice.function;
    if (tools?.some((tool) => tool.function.name === name) !== true)
      throw new RequestFault(`tool_choice: there is no tool ${name} among tools.`, 'tool_choice');
  }
  if (choice === 'required' && (tools ?? []).length === 0)
    throw new RequestFault('tool_choice: a call is required, and there are no tools.', 'tool_choice');
  const own = { ...request, max_tokens: most ?? request.max_tokens };
  return {
    ...samplingOf(own, mostTokens),
    ...(choice === undefined || choice === null
      ? {}
      : { choice: typeof choice === 'string' ? choice : { name: choice.function.name } }),
    ...(typeof parallel === 'boolean' ? { parallel } : {}),
    ...(logprobs === true ? { logprobs: top ?? 0 } : {}),
    ...responseOf(format),
  };
}

/** Rule of a format for the whole answer. */
function responseOf(format: z.output<typeof formatSchema> | null | undefined): AskOptions {
  if (format === undefined || format === null || format.type === 'text') return {};
  if (format.type === 'json_object')
    return { response: { schema: { type: 'object', additionalProperties: true } } };
  const { schema } = format.json_schema;
  if (schema === undefined)
    throw new RequestFault(
      'response_format: json_schema has no schema.',
      'response_format.json_schema.schema',
    );
  if (JSON.stringify(schema).length > MOST_SCHEMA)
    throw new RequestFault(
      `response_format: the schema has more than ${MOST_SCHEMA} characters.`,
      'response_format.json_schema.schema',
    );
  return { response: { schema } };
}
