/**
 * From a record to the two texts of training: what the model reads, and what it shall write.
 *
 * - `native`: the template's own text of the whole conversation, cut where the assistant begins to write. Inputs are the
 *   prompt that every server shows, tools in the form that servers pass; inputs and targets together are that text.
 * - `star`: the exact strings of STAR's messages_to_trainset.py. Tools stand as they are; the prompt ends with "<think>";
 *   the answer is rendered as a conversation of its own, without its header; it begins with "</think>", behind the
 *   thought if that is kept. There are no line breaks around </think>, which differs from what Qwen3 writes by itself.
 */
import { UserError } from '../../base/errors.ts';
import { type ChatInput, type ChatTemplate, closesThought, type RenderOptions } from '../../chat/template.ts';
import { dumps } from '../../json/dumps.ts';
import { type DataRecord, type RecordMessage, Rejection } from '../record.ts';

export const RENDER_MODES = ['native', 'star'] as const;
export type RenderMode = (typeof RENDER_MODES)[number];

export interface RecordRendering {
  readonly template: ChatTemplate;
  readonly mode: RenderMode;
  /** Tells whether the answer's thought is kept. */
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
const HEADER = '<|im_start|>assistant\n';

/** Runs what renders a row. Of its faults those of the row are Rejections; those of the template concern all rows. */
export function ofRow<T>(render: () => T): T {
  try {
    return render();
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.cause !== undefined)
      throw new Rejection('template', thrown.message);
    throw thrown;
  }
}

function withoutReasoning(message: RecordMessage): RecordMessage {
  const { reasoning: _, ...rest } = message;
  return rest;
}

function renderStar(
  record: DataRecord,
  last: RecordMessage,
  { template, reasoning }: RecordRendering,
): Rendered {
  const history = { messages: record.messages.slice(0, -1), tools: record.tools };
  const inputs = template.render(history, { addGenerationPrompt: true, bareTools: true }) + THINK;
  const bare = template.render({ messages: [last] }).replaceAll(HEADER, '');
  const opened = bare.startsWith(THINK) ? bare.slice(THINK.length) : bare;
  const target = opened.includes(THINK_CLOSE) ? opened : THINK_CLOSE + opened;
  return { id: record.id, inputs, targets: reasoning ? (last.reasoning ?? '') + target : target };
}

function renderNative(
  record: DataRecord,
  last: RecordMessage,
  { template, reasoning }: RecordRendering,
): Rendered {
  const history: ChatInput = { messages: record.messages.slice(0, -1), tools: record.tools };
  const answer = reasoning ? last : withoutReasoning(last);
  const render = (options: RenderOptions): { readonly prompt: string; readonly whole: string } => ({
    prompt: template.render(history, { ...options, addGenerationPrompt: true }),
    whole: template.render({ ...history, messages: [...history.messages, answer] }, options),
  });
  let { prompt, whole } = render({});
  // A template that does not think unless it is told to is told to where there is a thought.
  if (!whole.startsWith(prompt) && (answer.reasoning ?? '').trim() !== '' && closesThought(prompt))
    ({ prompt, whole } = render({ enableThinking: true }));
  if (!whole.startsWith(prompt)) {
    throw new Rejection(
      'template',
      'The template writes the history differently once there is an answer, so there is no boundary between the two.',
    );
  }
  const targets = whole.slice(prompt.length);
  refuseLosses(answer, targets);
  return { id: record.id, inputs: prompt, targets };
}

/** Throws a Rejection for an answer of which the template writes less than there is: it would teach something else. */
function refuseLosses({ reasoning = '', toolCalls = [] }: RecordMessage, targets: string): void {
  if (!targets.includes(reasoning.trim()))
    throw new Rejection(
      'template',
      "The chat template leaves the answer's thought out; leave thoughts out (--no-reasoning) or mend the template.",
    );
  const lost = toolCalls.find(({ name }) => !targets.includes(name) && !targets.includes(dumps(name)));
  if (lost !== undefined)
    throw new Rejection(
      'template',
      `The chat template leaves the answer's call of ${lost.name} out; use a template that writes tool_calls.`,
    );
}

/** Renders a record whose last message is the assistant's; throws a Rejection if it is not, or cannot be rendered. */
export function renderRecord(record: DataRecord, options: RecordRendering): Rendered {
  const last = record.messages.at(-1);
  if (last?.role !== 'assistant')
    throw new Rejection('no_answer', 'The record does not end with an answer of the assistant.');
  const render = options.mode === 'star' ? renderStar : renderNative;
  return ofRow(() => render(record, last, options));
}
