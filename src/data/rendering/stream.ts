/** Records in; training records, or reasons why there is none, out. What is too long is left out and counted, never cut. */
import type { Tokenizer } from '../../chat/tokenizer.ts';
import type { Rejected } from '../convert.ts';
import { readRecord, Rejection } from '../record.ts';
import type { Row } from '../streams/rows.ts';
import { type Rendered, type RecordRendering, renderRecord } from './modes.ts';

export interface StreamOptions extends RecordRendering {
  readonly tokenizer: Tokenizer;
  readonly maxPromptTokens: number;
  readonly maxTargetTokens: number;
}

export type RenderedRow =
  | {
      readonly kind: 'rendered';
      readonly rendered: Rendered;
      readonly promptTokens: number;
      readonly targetTokens: number;
    }
  | { readonly kind: 'rejected'; readonly rejected: Rejected };

function checkLength(code: string, what: string, tokens: number, most: number): void {
  if (tokens > most) throw new Rejection(code, `The ${what} has ${tokens} tokens, more than ${most}.`);
}

/** The beginning of a prompt that other prompts share, tokens and all. */
interface System {
  readonly text: string;
  readonly tokens: number;
}

/** Counts tokens; of prompts in a row that begin with the same system message that is counted once. */
class TokenCounter {
  readonly #tokenizer: Tokenizer;
  #last: System | undefined;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  count(text: string): number {
    return this.#tokenizer.encode(text).length;
  }

  /** Cuts only before an added token, where no merge can cross. */
  countPrompt(prompt: string): number {
    const end = prompt.indexOf('<|im_start|>', 1);
    if (end < 0) return this.count(prompt);
    const text = prompt.slice(0, end);
    if (this.#last?.text !== text) this.#last = { text, tokens: this.count(text) };
    return this.#last.tokens + this.count(prompt.slice(end));
  }
}

function renderRow(row: Row, options: StreamOptions, counter: TokenCounter): RenderedRow {
  const { where } = row;
  try {
    if (row.value === undefined) throw row.problem ?? new Rejection('not_json', 'It is not JSON.');
    const rendered = renderRecord(readRecord(row.value, where), options);
    const promptTokens = counter.countPrompt(rendered.inputs);
    checkLength('prompt_too_long', 'prompt', promptTokens, options.maxPromptTokens);
    const targetTokens = counter.count(rendered.targets);
    checkLength('target_too_long', 'target', targetTokens, options.maxTargetTokens);
    return { kind: 'rendered', rendered, promptTokens, targetTokens };
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    const { code, message } = thrown;
    return { kind: 'rejected', rejected: { where, code, message, text: row.text } };
  }
}

/** Renders records as they come. */
export async function* renderRows(
  rows: AsyncIterable<Row> | Iterable<Row>,
  options: StreamOptions,
): AsyncGenerator<RenderedRow> {
  const counter = new TokenCounter(options.tokenizer);
  for await (const row of rows) yield renderRow(row, options, counter);
}

/** A training record as one line of JSON. */
export function renderedLine({ id, inputs, targets }: Rendered): string {
  return JSON.stringify({ id, inputs, targets });
}
