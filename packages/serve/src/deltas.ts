/** An answer while it is written: what is new of its thought, its words and its calls. */
import { JSON_NOTATION, type ToolFormat } from '../../../src/chat/formats/format.ts';
import { afterThink, opensThought } from '../../../src/chat/generation.ts';
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import { callsOfTurn } from '../../environments/src/turn.ts';
import { callsBeingWritten, type WrittenSoFar } from './partial-call.ts';
import { repaired } from './repair.ts';

/**
 * News. A call comes as its name, pieces that together are the JSON text of its arguments, and then as a whole; of
 * calls that are read at their end only, all three come at once.
 */
export type Delta =
  | { readonly kind: 'content'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'name'; readonly index: number; readonly name: string }
  | { readonly kind: 'arguments'; readonly index: number; readonly text: string }
  | { readonly kind: 'call'; readonly index: number; readonly call: ToolCall };

export interface AnswerContext {
  readonly prompt: string;
  readonly format: ToolFormat;
  readonly tools: readonly Tool[];
  /** Texts that end the answer and are no part of it. */
  readonly stop: readonly string[];
  /** Tells whether the answer may have calls. */
  readonly calls: boolean;
  /** Tells whether the answer is a text that is told as it stands. */
  readonly raw: boolean;
  /** Tells whether calls are held to their schemas, so that what is written of one stays. */
  readonly held: boolean;
}

/** Length of the longest end of a text that a mark begins with, or is. */
function pending(text: string, marks: readonly string[]): number {
  let most = 0;
  for (const mark of marks)
    for (let length = Math.min(mark.length, text.length); length > most; length--)
      if (text.endsWith(mark.slice(0, length))) most = length;
  return most;
}

export class Deltas {
  readonly #context: AnswerContext;
  readonly #news: Delta[] = [];
  #said = 0;
  #thought = 0;
  /** Calls that are told whole; of the ones behind, how much of their names and arguments is. */
  #calls = 0;
  #named = 0;
  #given = 0;
  #stopped = false;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** The text up to the first of the texts that end it. */
  cut(text: string): string {
    const ends = this.#context.stop.map((mark) => text.indexOf(mark)).filter((at) => at >= 0);
    return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
  }

  /** News in an answer that may go on. */
  read(text: string): Delta[] {
    const whole = this.cut(text);
    this.#stopped ||= whole.length < text.length;
    return this.#read(whole, this.#stopped);
  }

  /** The rest of an answer that is at its end. */
  end(text: string): Delta[] {
    return this.#read(text, true);
  }

  #read(text: string, isAll: boolean): Delta[] {
    const { prompt, format, stop, calls, raw } = this.#context;
    const { think } = format;
    if (raw) {
      this.#tell('content', isAll ? text : text.slice(0, text.length - pending(text, stop)));
      return this.#news.splice(0);
    }
    const opened = opensThought(prompt, format)
      ? 0
      : text.startsWith(think.open)
        ? think.open.length
        : undefined;
    const closed = text.lastIndexOf(think.close);
    if (opened !== undefined) {
      const thought = text.slice(opened, closed < 0 ? undefined : closed);
      const isDone = closed >= 0 || isAll;
      const sure = isDone ? thought.trimEnd() : withoutDoubt(thought, [think.close, ...stop]);
      this.#tell('reasoning', sure.replace(/^\s+/, ''));
      if (closed < 0) return this.#news.splice(0);
    } else if (!isAll && think.open.startsWith(text)) return [];
    const answer = afterThink(text, format).replace(/^\s+/, '');
    const at = calls ? answer.indexOf(format.call.open) : -1;
    if (at >= 0) this.#readCalls(text, answer, at);
    if (isAll) this.#tell('content', (calls ? format.outsideOfCalls(answer) : answer).trim());
    // Behind the beginning of a call are words only where it turns out to be none.
    else if (at < 0) this.#tell('content', withoutDoubt(answer, [format.call.open, ...stop]));
    else this.#tell('content', answer.slice(0, at).trimEnd());
    return this.#news.splice(0);
  }

  #tell(kind: 'content' | 'reasoning', text: string): void {
    const told = kind === 'content' ? this.#said : this.#thought;
    if (text.length <= told) return;
    this.#news.push({ kind, text: text.slice(told) });
    if (kind === 'content') this.#said = text.length;
    else this.#thought = text.length;
  }

  #readCalls(text: string, answer: string, at: number): void {
    const { format, held, tools } = this.#context;
    const { grammar } = format;
    const isJson = held && grammar.arguments === JSON_NOTATION;
    const names = tools.map(({ name }) => name);
    const begun = isJson ? callsBeingWritten(answer.slice(at), grammar, names) : [];
    for (const [index, one] of begun.entries()) this.#piece(index, one);
    if ((format.callBlocks(answer)?.length ?? 0) <= this.#calls) return;
    const made = callsOfTurn(text, this.#context).slice(this.#calls);
    for (const call of repaired(made, tools).calls) {
      const index = this.#calls++;
      if (this.#named <= index) {
        this.#piece(index, { name: call.name, given: JSON.stringify(call.arguments) });
      }
      this.#news.push({ kind: 'call', index, call });
    }
  }

  #piece(index: number, { name, given }: WrittenSoFar): void {
    if (index < this.#named - 1) return;
    if (index >= this.#named) {
      this.#named = index + 1;
      this.#given = 0;
      this.#news.push({ kind: 'name', index, name });
    }
    if (given.length > this.#given)
      this.#news.push({ kind: 'arguments', index, text: given.slice(this.#given) });
    this.#given = Math.max(this.#given, given.length);
  }
}

/** A text without an end that may yet change: half a mark, white space before one, half a character. */
const withoutDoubt = (text: string, marks: readonly string[]): string =>
  text.slice(0, text.length - pending(text, marks)).replace(/[\s\uFFFD]+$/, '');
