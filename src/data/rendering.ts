/**
 * From a record to the two texts of training: what the model reads, and what it shall write.
 *
 * - `native`: the template's own text of the whole conversation, cut where the assistant begins to write. Inputs are the
 *   prompt that every server shows, tools in the form that servers pass; inputs and targets together are that text.
 * - `star`: the exact strings of STAR's messages_to_trainset.py. Tools stand as they are; the prompt ends with "<think>";
 *   the answer is rendered as a conversation of its own, without its header; it begins with "</think>", behind the
 *   thought if that is kept. There are no line breaks around </think>, which differs from what Qwen3 writes by itself.
 */
import { closesThought } from '../chat/generation.ts';
import type { ChatTemplate, RenderOptions } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { dumps } from '../json/dumps.ts';
import { attemptRow, type Rejected, rowValue } from './reading.ts';
import { type DataRecord, readRecord, Rejection } from './record.ts';
import { apart, type Apart, encodePrompt, ofRow } from './render.ts';
import type { Rows } from './streams/rows.ts';

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

type Texts = Omit<Rendered, 'id'>;

function renderStar({ history, answer }: Apart, { template, reasoning }: RecordRendering): Texts {
  const { assistant, think } = template.format;
  const inputs = template.render(history, { addGenerationPrompt: true, bareTools: true }) + think.open;
  const bare = template.render({ messages: [answer] }).replaceAll(assistant, '');
  const opened = bare.startsWith(think.open) ? bare.slice(think.open.length) : bare;
  const target = opened.includes(think.close) ? opened : think.close + opened;
  return { inputs, targets: reasoning ? (answer.reasoning ?? '') + target : target };
}

function renderNative({ history, answer }: Apart, { template, reasoning }: RecordRendering): Texts {
  const { reasoning: _, ...said } = answer;
  const kept: Apart['answer'] = reasoning ? answer : said;
  const render = (options: RenderOptions): { readonly inputs: string; readonly whole: string } => ({
    inputs: template.render(history, { ...options, addGenerationPrompt: true }),
    whole: template.render({ ...history, messages: [...history.messages, kept] }, options),
  });
  let { inputs, whole } = render({});
  // A template that does not think unless it is told to is told to where there is a thought.
  const hasThought = (kept.reasoning ?? '').trim() !== '';
  if (!whole.startsWith(inputs) && hasThought && closesThought(inputs, template.format))
    ({ inputs, whole } = render({ enableThinking: true }));
  if (!whole.startsWith(inputs)) {
    throw new Rejection(
      'template',
      'The template writes the history differently once there is an answer, so there is no boundary between the two.',
    );
  }
  const targets = whole.slice(inputs.length);
  refuseLosses(kept, targets);
  return { inputs, targets };
}

/** Throws a Rejection for an answer of which the template writes less than there is: it would teach something else. */
function refuseLosses({ reasoning = '', toolCalls = [] }: Apart['answer'], targets: string): void {
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
  const parts = apart(record);
  const render = options.mode === 'star' ? renderStar : renderNative;
  return ofRow(() => ({ id: record.id, ...render(parts, options) }));
}

export interface StreamOptions extends RecordRendering {
  readonly tokenizer: Tokenizer;
  readonly maxPromptTokens: number;
  readonly maxTargetTokens: number;
}

export type RenderedRow =
  | { readonly rendered: Rendered; readonly promptTokens: number; readonly targetTokens: number }
  | { readonly rejected: Rejected };

function checkLength(code: string, what: string, tokens: number, most: number): void {
  if (tokens > most) throw new Rejection(code, `The ${what} has ${tokens} tokens, more than ${most}.`);
}

/** Renders records as they come, or says why not. What is too long is left out, never cut. */
export async function* renderRows(rows: Rows, options: StreamOptions): AsyncGenerator<RenderedRow> {
  const { tokenizer, maxPromptTokens, maxTargetTokens } = options;
  for await (const row of rows)
    yield attemptRow(row, () => {
      const rendered = renderRecord(readRecord(rowValue(row), row.where), options);
      const promptTokens = encodePrompt(rendered.inputs, tokenizer, options.template.format).promptIds.length;
      checkLength('prompt_too_long', 'prompt', promptTokens, maxPromptTokens);
      const targetTokens = tokenizer.encode(rendered.targets).length;
      checkLength('target_too_long', 'target', targetTokens, maxTargetTokens);
      return { rendered, promptTokens, targetTokens };
    });
}

export function renderedLine({ id, inputs, targets }: Rendered): string {
  return JSON.stringify({ id, inputs, targets });
}
