/** Prompts and options of the AI SDK, as far as they are read: the same in its specifications v3 and v4. */
import { UserError } from '../../../src/base/errors.ts';
import type { Message, Tool } from '../../../src/chat/messages.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import type { ToolChoice } from '../../constrain/src/calls.ts';
import { normalTool } from '../../api/src/functions.ts';
import type { AskOptions, Conversation } from '../../serve/src/model.ts';

/** Output of a tool. */
interface ToolOutput {
  readonly type: string;
  readonly value?: unknown;
  readonly reason?: string;
}

/** Part of a message. */
interface Part {
  readonly type: string;
  readonly text?: string;
  readonly toolName?: string;
  /** Arguments of a call. */
  readonly input?: unknown;
  readonly output?: ToolOutput;
}

interface FunctionTool {
  readonly type: 'function' | 'provider';
  readonly name: string;
  readonly description?: string;
  /** JSON Schema. */
  readonly inputSchema?: unknown;
}

/** Options of a call of the AI SDK's `LanguageModel`. */
export interface ModelCallOptions {
  readonly prompt: readonly {
    readonly role: 'system' | 'user' | 'assistant' | 'tool';
    readonly content: string | readonly Part[];
  }[];
  readonly tools?: readonly FunctionTool[];
  readonly toolChoice?: { readonly type: string; readonly toolName?: string };
  readonly responseFormat?: {
    readonly type: string;
    readonly schema?: unknown;
    readonly name?: string;
    readonly description?: string;
  };
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
  readonly stopSequences?: readonly string[];
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly abortSignal?: AbortSignal;
}

export interface Warning {
  type: 'unsupported';
  feature: string;
  details?: string;
}

/** A call of the AI SDK as a question to a model. */
export interface Question {
  readonly conversation: Conversation;
  readonly options: AskOptions;
  readonly warnings: Warning[];
  /** Name of the function whose arguments are the answer, where JSON is asked for. */
  readonly answer: string | undefined;
}

function outputText({ type, value, reason }: ToolOutput): string {
  if (type === 'execution-denied') return reason ?? 'The call was not allowed.';
  if (type === 'content') return textOf(value as readonly Part[]);
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Texts of a message; throws a UserError for what is no text. */
function textOf(parts: readonly Part[]): string {
  const other = parts.find(({ type }) => type !== 'text');
  if (other !== undefined)
    throw new UserError(
      'PROMPT',
      `A message has a part of type ${other.type}, and only texts are read; leave it out.`,
    );
  return parts.map(({ text = '' }) => text).join('');
}

const ofType = (parts: readonly Part[], type: string): Part[] => parts.filter((part) => part.type === type);

function assistant(parts: readonly Part[]): Message {
  const reasoning = textOf(ofType(parts, 'reasoning').map(({ text = '' }) => ({ type: 'text', text })));
  const toolCalls = ofType(parts, 'tool-call').map(({ toolName = '', input }) => ({
    name: toolName,
    arguments: input as JsonObject,
  }));
  return {
    role: 'assistant',
    content: textOf(ofType(parts, 'text')),
    ...(reasoning === '' ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  };
}

function messagesOf(prompt: ModelCallOptions['prompt']): Message[] {
  return prompt.flatMap(({ role, content }): Message[] => {
    if (typeof content === 'string') return [{ role, content }];
    if (role === 'assistant') return [assistant(content)];
    if (role !== 'tool') return [{ role, content: textOf(content) }];
    return content.flatMap(({ output }) =>
      output === undefined ? [] : [{ role, content: outputText(output) }],
    );
  });
}

/**
 * JSON is asked for as the arguments of a function, the one form in which models of calls write it, and in which it
 * obeys a schema in every tool-call format.
 */
function answerTool({ responseFormat, tools = [] }: ModelCallOptions): Tool | undefined {
  if (responseFormat?.type !== 'json' || responseFormat.schema === undefined) return undefined;
  const { name = 'answer', description = 'Gives the answer.', schema } = responseFormat;
  const isTaken = tools.some((tool) => tool.name === name);
  return normalTool({ name: isTaken ? `${name}_json` : name, description, parameters: schema as JsonObject });
}

/** Calls that are asked for. */
function choiceOf({ toolChoice }: ModelCallOptions, answer: string | undefined): ToolChoice {
  const { type = 'auto', toolName = '' } = toolChoice ?? {};
  if (type === 'tool') return { name: toolName };
  // An answer in JSON is a call as well.
  if (answer !== undefined) return type === 'none' ? { name: answer } : 'required';
  return type === 'required' || type === 'none' ? type : 'auto';
}

function warningsOf(given: ModelCallOptions): Warning[] {
  const { tools = [], responseFormat, presencePenalty, frequencyPenalty } = given;
  const features = [
    ...(presencePenalty === undefined ? [] : ['presencePenalty']),
    ...(frequencyPenalty === undefined ? [] : ['frequencyPenalty']),
    ...tools.filter(({ type }) => type !== 'function').map(({ name }) => `tool ${name}`),
  ];
  const isFree = responseFormat?.type === 'json' && responseFormat.schema === undefined;
  return [
    ...features.map((feature) => ({ type: 'unsupported' as const, feature })),
    ...(isFree
      ? [{ type: 'unsupported' as const, feature: 'responseFormat', details: 'JSON needs a schema.' }]
      : []),
  ];
}

/** Reads a call; throws a UserError for messages that are no texts, and for schemas of which nothing can be made. */
export function questionOf(given: ModelCallOptions): Question {
  const { temperature, topP, topK, seed, maxOutputTokens, stopSequences, abortSignal } = given;
  const answer = answerTool(given);
  const tools = (given.tools ?? [])
    .filter(({ type }) => type === 'function')
    .map(({ name, description = '', inputSchema }) =>
      normalTool({ name, description, parameters: (inputSchema ?? {}) as JsonObject }),
    );
  return {
    conversation: {
      messages: messagesOf(given.prompt),
      tools: answer === undefined ? tools : [...tools, answer],
    },
    options: {
      choice: choiceOf(given, answer?.name),
      ...(answer === undefined ? {} : { parallel: false }),
      ...(temperature === undefined ? {} : { temperature }),
      ...(topP === undefined ? {} : { top_p: topP }),
      ...(topK === undefined ? {} : { top_k: topK }),
      ...(seed === undefined ? {} : { seed }),
      ...(maxOutputTokens === undefined ? {} : { max_tokens: maxOutputTokens }),
      ...(stopSequences === undefined ? {} : { stop: stopSequences }),
      ...(abortSignal === undefined ? {} : { signal: abortSignal }),
    },
    warnings: warningsOf(given),
    answer: answer?.name,
  };
}
