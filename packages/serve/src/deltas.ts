/** An answer while it is written: what is new of its thought, its words and its calls. */
import type { ToolFormat } from '../../../src/chat/formats/format.ts';
import { afterThink, opensThought } from '../../../src/chat/generation.ts';
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import { callsOfTurn } from '../../../src/environment/turn.ts';
import { repaired } from './repair.ts';

export type Delta =
  | { readonly kind: 'content'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'call'; readonly index: number; readonly call: ToolCall };

/** Length of the longest end of a text that a mark begins with, or is. */
function pending(text: string, marks: readonly string[]): number {
  let most = 0;
  for (const mark of marks)
    for (let length = Math.min(mark.length, text.length); length > most; length--)
      if (text.endsWith(mark.slice(0, length))) most = length;
  return most;
}

export class Deltas {
  readonly #context: Parameters<typeof callsOfTurn>[1];
  readonly #stop: readonly string[];
  #said = 0;
  #thought = 0;
  #calls = 0;
  #stopped: number | undefined;

  /** `stop` are texts that end the answer and are no part of it. */
  constructor(prompt: string, format: ToolFormat, tools: readonly Tool[], stop: readonly string[]) {
    this.#context = { prompt, format, tools };
    this.#stop = stop;
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** The text up to the first of the texts that end it. */
  cut(text: string): string {
    const ends = this.#stop.map((mark) => text.indexOf(mark)).filter((at) => at >= 0);
    return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
  }

  /** News in an answer that may go on. */
  read(text: string): Delta[] {
    const whole = this.cut(text);
    if (whole.length < text.length) this.#stopped = whole.length;
    return this.#news(whole, this.isStopped);
  }

  /** The rest of an answer that is at its end. */
  end(text: string): Delta[] {
    return this.#news(text, true);
  }

  #news(text: string, isAll: boolean): Delta[] {
    const { prompt, format, tools } = this.#context;
    const { think, call } = format;
    const news: Delta[] = [];
    const tell = (kind: 'content' | 'reasoning', part: string): void => {
      if (part !== '') news.push({ kind, text: part });
    };
    const opened = opensThought(prompt, format)
      ? 0
      : text.startsWith(think.open)
        ? think.open.length
        : undefined;
    const closed = text.lastIndexOf(think.close);
    if (opened !== undefined) {
      const thought = text.slice(opened, closed < 0 ? undefined : closed);
      const sure =
        closed >= 0 || isAll ? thought : thought.slice(0, thought.length - held(thought, [think.close]));
      const trimmed = (closed >= 0 || isAll ? sure.trimEnd() : sure).replace(/^\s+/, '');
      tell('reasoning', trimmed.slice(this.#thought));
      this.#thought = Math.max(this.#thought, trimmed.length);
      if (closed < 0) return news;
    } else if (!isAll && think.open.startsWith(text)) return news;
    const answer = afterThink(text, format).replace(/^\s+/, '');
    const at = answer.indexOf(call.open);
    const words = at < 0 ? answer : answer.slice(0, at);
    const sure =
      at >= 0 || isAll
        ? words.trimEnd()
        : words.slice(0, words.length - held(words, [call.open, ...this.#stop]));
    tell('content', sure.slice(this.#said));
    this.#said = Math.max(this.#said, sure.length);
    if (at < 0) return news;
    const made = callsOfTurn(text, { prompt, format, tools }).flatMap((one) =>
      one.kind === 'call' ? [{ name: one.name, arguments: one.given }] : [],
    );
    for (const one of repaired(made.slice(this.#calls), tools).calls)
      news.push({ kind: 'call', index: this.#calls++, call: one });
    return news;
  }
}

/** Length of an end of a text that may yet change: half a mark, white space before one, half a character. */
function held(text: string, marks: readonly string[]): number {
  const kept = text.slice(0, text.length - pending(text, marks));
  return text.length - kept.replace(/[\s�]+$/, '').length;
}
