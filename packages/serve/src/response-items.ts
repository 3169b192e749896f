/** Items that an answer consists of in OpenAI's Responses API, with the events of their making. */
import { newId } from './chat.ts';
import type { Delta } from './deltas.ts';

type Status = 'in_progress' | 'completed';

export type OutputItem =
  | {
      readonly type: 'reasoning';
      readonly id: string;
      readonly summary: readonly { readonly type: 'summary_text'; readonly text: string }[];
    }
  | {
      readonly type: 'message';
      readonly id: string;
      readonly role: 'assistant';
      readonly status: Status;
      readonly content: readonly {
        readonly type: 'output_text';
        readonly text: string;
        readonly annotations: readonly never[];
      }[];
    }
  | {
      readonly type: 'function_call';
      readonly id: string;
      readonly call_id: string;
      readonly name: string;
      readonly arguments: string;
      readonly status: Status;
    };

/** An item in the making: its text is that of a message, a thought or arguments. */
interface Open {
  readonly kind: OutputItem['type'];
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  text: string;
}

const outputText = (text: string) => ({ type: 'output_text' as const, text, annotations: [] });

function itemOf({ kind, id, callId, name, text }: Open, status: Status): OutputItem {
  const isDone = status === 'completed';
  if (kind === 'reasoning')
    return { type: kind, id, summary: isDone ? [{ type: 'summary_text', text }] : [] };
  if (kind === 'function_call') return { type: kind, id, call_id: callId, name, arguments: text, status };
  return { type: kind, id, role: 'assistant', status, content: isDone ? [outputText(text)] : [] };
}

const KINDS = { content: 'message', reasoning: 'reasoning', name: 'function_call' } as const;
const PREFIXES = { message: 'msg_', reasoning: 'rs_', function_call: 'fc_' };

export class Items {
  readonly #send: (type: string, data: object) => void;
  readonly #done: OutputItem[] = [];
  #open: Open | undefined;

  constructor(send: (type: string, data: object) => void) {
    this.#send = send;
  }

  add(delta: Delta): void {
    if (delta.kind === 'call') return;
    if (delta.kind !== 'arguments') {
      const kind = KINDS[delta.kind];
      if (delta.kind === 'name' || this.#open?.kind !== kind)
        this.#begin(kind, delta.kind === 'name' ? delta.name : '');
      if (delta.kind === 'name') return;
    }
    const open = this.#open;
    if (open === undefined) return;
    open.text += delta.text;
    const type = {
      message: 'output_text',
      reasoning: 'reasoning_summary_text',
      function_call: 'function_call_arguments',
    };
    this.#send(`response.${type[open.kind]}.delta`, { ...this.#place(open), delta: delta.text });
  }

  /** All of them; an answer without any is an empty message. */
  end(): readonly OutputItem[] {
    if (this.#done.length === 0 && this.#open === undefined) this.#begin('message', '');
    this.#close();
    return this.#done;
  }

  #place({ id, kind }: Open): object {
    const part = { message: { content_index: 0 }, reasoning: { summary_index: 0 }, function_call: {} };
    return { item_id: id, output_index: this.#done.length, ...part[kind] };
  }

  #begin(kind: Open['kind'], name: string): void {
    this.#close();
    const open = { kind, id: newId(PREFIXES[kind]), callId: newId('call_'), name, text: '' };
    this.#open = open;
    const item = itemOf(open, 'in_progress');
    this.#send('response.output_item.added', { output_index: this.#done.length, item });
    if (kind === 'message')
      this.#send('response.content_part.added', { ...this.#place(open), part: outputText('') });
    if (kind === 'reasoning')
      this.#send('response.reasoning_summary_part.added', {
        ...this.#place(open),
        part: { type: 'summary_text', text: '' },
      });
  }

  #close(): void {
    const open = this.#open;
    if (open === undefined) return;
    const { kind, text, name } = open;
    const place = this.#place(open);
    if (kind === 'function_call')
      this.#send('response.function_call_arguments.done', { ...place, name, arguments: text });
    else if (kind === 'message') {
      this.#send('response.output_text.done', { ...place, text });
      this.#send('response.content_part.done', { ...place, part: outputText(text) });
    } else {
      this.#send('response.reasoning_summary_text.done', { ...place, text });
      this.#send('response.reasoning_summary_part.done', { ...place, part: { type: 'summary_text', text } });
    }
    const item = itemOf(open, 'completed');
    this.#send('response.output_item.done', { output_index: this.#done.length, item });
    this.#done.push(item);
    this.#open = undefined;
  }
}
