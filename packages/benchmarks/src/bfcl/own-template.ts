/**
 * BFCL's conversations for models that are not of Qwen's kind. The official prompts are Qwen3's to the letter; another model
 * is asked through its own chat template, tools in the form in which servers pass them, and its calls are read in its own
 * format and written down in Qwen's, so that they are decoded and judged by the same official rules.
 */
import { hermes } from '../../../../src/chat/formats/hermes.ts';
import { afterThink } from '../../../../src/chat/generation.ts';
import type { ExactCall, Message } from '../../../../src/chat/messages.ts';
import type { ChatTemplate } from '../../../../src/chat/template.ts';
import { toTool } from '../../../../src/chat/tool-documents.ts';
import { argumentsIn, toolTable } from '../../../../src/chat/tools.ts';
import { isDict, toJsonObject, type PyDict } from '../../../../src/json/python.ts';
import { pyStr } from '../../../../src/json/repr.ts';
import { withJsonSchema } from '../../../../src/json/schema-dialects.ts';
import type { Prompt, Sampler } from '../../../../src/sampling/sampler.ts';
import { type PromptMessage, renderPrompt } from './prompt.ts';

/** A model's own template, where its calls or its turns are not Qwen's. */
export function ownTemplate({ template }: Pick<Sampler, 'template'>): ChatTemplate | undefined {
  if (template === undefined) return undefined;
  const { name, assistant } = template.format;
  return name === hermes.name && assistant === hermes.assistant ? undefined : template;
}

function message(one: PromptMessage): Message {
  const { role, content } = one;
  if (role !== 'assistant') return { role, content };
  const toolCalls = (one.calls ?? []).map((call) => {
    const given = call.get('arguments');
    return { name: pyStr(call.get('name') ?? ''), arguments: isDict(given) ? toJsonObject(given) : {} };
  });
  return toolCalls.length === 0 ? { role, content } : { role, content, toolCalls };
}

/** The prompt of a conversation: Qwen's, to which `end` is put, or what the model's own template makes of it. */
export const promptOf = (
  messages: readonly PromptMessage[],
  tools: readonly PyDict[],
  own: ChatTemplate | undefined,
  end: string,
): Prompt =>
  own === undefined
    ? { text: renderPrompt(messages, tools) + end }
    : { text: own.prompt({ messages: messages.map(message), tools: tools.map(withJsonSchema) }) };

/** An answer in Qwen's format; one with a call that cannot be read stays as it was written, and so has none. */
export function inQwensFormat(
  written: string,
  tools: readonly PyDict[],
  own: ChatTemplate | undefined,
): string {
  if (own === undefined) return written;
  const { format } = own;
  const answer = afterThink(written, format);
  const argumentsOf = argumentsIn(toolTable(tools.map(withJsonSchema).map(toTool)));
  const calls: ExactCall[] = [];
  for (const block of format.callBlocks(answer) ?? []) {
    const call = format.readCall(block, argumentsOf);
    if ('kind' in call || typeof call.name !== 'string' || !isDict(call.arguments)) return written;
    calls.push({ name: call.name, arguments: call.arguments });
  }
  if (calls.length === 0) return written;
  return hermes.render(format.outsideOfCalls(answer).trim(), calls);
}
