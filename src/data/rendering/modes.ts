/**
 * From a record to the two texts of training: what the model reads, and what it shall write.
 *
 * - `native`: the template's own text of the whole conversation, cut behind the "<think>" that opens the last answer (or
 *   where the answer begins, with a template that knows no thoughts). Inputs and targets together are that text.
 * - `star`: the exact strings of STAR's messages_to_trainset.py. The prompt ends with "<think>"; the answer is rendered
 *   as a conversation of its own, without its header; it begins with "</think>", behind the thought if that is kept.
 *   There are no line breaks around </think>, which differs from what Qwen3 writes by itself.
 */
import { UserError } from '../../base/errors.ts';
import { onlyDumps } from '../../chat/dumped-names.ts';
import { TemplateValues } from '../../chat/exact-json.ts';
import { renderTemplate } from '../../chat/template.ts';
import { isList, type PyDict, type PyValue } from '../../json/python.ts';
import { type DataRecord, messageValue, type RecordMessage, Rejection } from '../record.ts';

export const RENDER_MODES = ['native', 'star'] as const;
export type RenderMode = (typeof RENDER_MODES)[number];

export interface RenderOptions {
  readonly template: string;
  readonly mode: RenderMode;
  /** Whether the answer's thought is kept. */
  readonly reasoning: boolean;
}

/** A record as STAR's trainers read it. */
export interface Rendered {
  readonly id: string;
  readonly inputs: string;
  readonly targets: string;
}

const THINK = '<think>';
const THINK_CLOSE = '</think>';
const FUNCTION: PyDict = new Map([['type', 'function']]);
const HEADER = '<|im_start|>assistant\n';

export interface Conversation {
  readonly messages: readonly RecordMessage[];
  readonly tools: DataRecord['tools'];
}

/** A message as transformers hands it to templates: calls inside of {"type": "function"}. */
function templateMessage(message: RecordMessage): PyDict {
  const value = messageValue(message);
  const calls = value.get('tool_calls');
  if (!isList(calls)) return value;
  const wrapped = calls.map((call) => new Map<string, PyValue>([...FUNCTION, ['function', call]]));
  return new Map([...value, ['tool_calls', wrapped]]);
}

/** The text of a conversation, its values as Python writes them; throws a Rejection if the template refuses it. */
export function renderConversation(
  template: string,
  conversation: Conversation,
  addGenerationPrompt: boolean,
): string {
  const values = new TemplateValues();
  const { messages, tools } = conversation;
  const toolValue = onlyDumps(template, 'tools') ? values.dumped.bind(values) : values.of.bind(values);
  try {
    const text = renderTemplate(template, {
      messages: messages.map((message) => values.of(templateMessage(message))),
      tools: tools.length > 0 ? tools.map(toolValue) : null,
      add_generation_prompt: addGenerationPrompt,
    });
    return values.restore(text);
  } catch (thrown) {
    // A conversation that the template refuses is a broken row; a template that cannot be parsed concerns all rows.
    if (thrown instanceof UserError && thrown.cause !== undefined)
      throw new Rejection('template', thrown.message);
    throw thrown;
  }
}

function withoutReasoning(message: RecordMessage): RecordMessage {
  const { reasoning: _, ...rest } = message;
  return rest;
}

function starTarget(last: RecordMessage, options: RenderOptions): string {
  const alone = renderConversation(options.template, { messages: [last], tools: [] }, false);
  const bare = alone.replaceAll(HEADER, '');
  const opened = bare.startsWith(THINK) ? bare.slice(THINK.length) : bare;
  const target = opened.includes(THINK_CLOSE) ? opened : THINK_CLOSE + opened;
  return options.reasoning ? (last.reasoning ?? '') + target : target;
}

function renderStar(record: DataRecord, last: RecordMessage, options: RenderOptions): Rendered {
  const history = { messages: record.messages.slice(0, -1), tools: record.tools };
  const inputs = renderConversation(options.template, history, true) + THINK;
  return { id: record.id, inputs, targets: starTarget(last, options) };
}

function renderNative(record: DataRecord, last: RecordMessage, options: RenderOptions): Rendered {
  const history = record.messages.slice(0, -1);
  const answer = options.reasoning ? last : withoutReasoning(last);
  const prompt = renderConversation(options.template, { messages: history, tools: record.tools }, true);
  const whole = renderConversation(
    options.template,
    { messages: [...history, answer], tools: record.tools },
    false,
  );
  if (!whole.startsWith(prompt)) {
    throw new Rejection(
      'template',
      'The template writes the history differently once there is an answer, so there is no boundary between the two.',
    );
  }
  const opens = !prompt.trimEnd().endsWith(THINK) && whole.startsWith(THINK, prompt.length);
  const inputs = opens ? prompt + THINK : prompt;
  return { id: record.id, inputs, targets: whole.slice(inputs.length) };
}

/** Renders a record whose last message is the assistant's; throws a Rejection if it is not, or cannot be rendered. */
export function renderRecord(record: DataRecord, options: RenderOptions): Rendered {
  const last = record.messages.at(-1);
  if (last?.role !== 'assistant')
    throw new Rejection('no_answer', 'The record does not end with an answer of the assistant.');
  return options.mode === 'star' ? renderStar(record, last, options) : renderNative(record, last, options);
}
