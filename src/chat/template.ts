/**
 * From messages and tools to the text that a model reads, through a checkpoint's own chat template, and from an
 * assistant's message to the text that a model shall write. The boundary between the two lies after "<think>".
 */
import { Template } from '@huggingface/jinja';
import { errorText, UserError } from '../base/errors.ts';
import type { Message, Tool, ToolCall } from './messages.ts';
import { dumpLikePython } from './python-json.ts';

const THINK = '<think>';
const THINK_END = '</think>';
const TURN_END = '<|im_end|>';

export interface ChatInput {
  readonly messages: readonly Message[];
  readonly tools?: readonly Tool[];
}

export interface RenderOptions extends ChatInput {
  /** Whether the text ends where the assistant begins to write. */
  readonly addGenerationPrompt?: boolean;
  /** Qwen3's switch; false closes the thinking at once. Left undefined for templates that do not know it. */
  readonly enableThinking?: boolean;
}

const compiled = new Map<string, Template>();

function compile(source: string): Template {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  try {
    // The library does not treat a carriage return as part of a line's end.
    const template = new Template(source.replaceAll('\r\n', '\n'));
    compiled.set(source, template);
    return template;
  } catch (thrown) {
    throw new UserError(
      'CHAT_TEMPLATE',
      `The chat template cannot be parsed (${errorText(thrown)}); check the checkpoint's chat_template.jinja.`,
    );
  }
}

/** A message under the names that Hugging Face templates use. */
function templateMessage(message: Message): Record<string, unknown> {
  const { role, content, reasoning, toolCalls } = message;
  return {
    role,
    content,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(toolCalls === undefined || toolCalls.length === 0
      ? {}
      : { tool_calls: toolCalls.map((call) => ({ type: 'function', function: call })) }),
  };
}

/** Renders a Jinja chat template with the names that it knows; throws a UserError if it cannot. */
export function renderTemplate(template: string, names: Readonly<Record<string, unknown>>): string {
  try {
    return compile(template).render({ ...names });
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      'CHAT_TEMPLATE',
      `The chat template cannot render this conversation (${errorText(thrown)}); check the roles of its messages.`,
      { cause: thrown },
    );
  }
}

/** Renders a conversation with a Jinja chat template. Tools are given as they are: {name, description, parameters}. */
export function renderChat(template: string, options: RenderOptions): string {
  const { messages, tools = [], addGenerationPrompt = false, enableThinking } = options;
  return renderTemplate(template, {
    messages: messages.map(templateMessage),
    tools: tools.length > 0 ? tools : null,
    add_generation_prompt: addGenerationPrompt,
    ...(enableThinking === undefined ? {} : { enable_thinking: enableThinking }),
  });
}

/** A rendered conversation up to and including the "<think>" that opens the assistant's next turn. */
export function openThought(text: string): string {
  // Templates of thinking-only models open the thought themselves, with a line break that belongs to our target.
  const opened = text.trimEnd();
  return opened.endsWith(THINK) ? opened : text + THINK;
}

/** The prompt of the assistant's next turn, up to and including "<think>". */
export function renderPrompt(template: string, input: ChatInput): string {
  return openThought(renderChat(template, { ...input, addGenerationPrompt: true }));
}

/** One call as Qwen3 writes it. */
export function renderToolCall(call: ToolCall): string {
  return `<tool_call>\n${dumpLikePython({ name: call.name, arguments: call.arguments })}\n</tool_call>`;
}

function trimLines(text: string): string {
  return text.replace(/^\n+|\n+$/g, '');
}

/** The answer of an assistant's message: content, then calls, one below the other. */
export function renderAnswer(message: Message): string {
  const parts = message.content === '' ? [] : [message.content.replace(/^\n+/, '')];
  return [...parts, ...(message.toolCalls ?? []).map(renderToolCall)].join('\n');
}

/** What the model shall write after the prompt: "\n{reasoning}\n</think>\n\n{answer}<|im_end|>". */
export function targetText(reasoning: string, answer: string): string {
  return `\n${trimLines(reasoning)}\n${THINK_END}\n\n${answer.replace(/^\n+/, '')}${TURN_END}`;
}

/** What the model shall write for this message. */
export function renderTarget(message: Message): string {
  return targetText(message.reasoning ?? '', renderAnswer(message));
}
