/** Dialogues as text for people, from the generators or from files of any known format. */
import { UserError } from '../base/errors.ts';
import type { Dialogue, ExactMessage, Message } from '../chat/messages.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { convertRow } from '../data/convert.ts';
import { lastLabel } from '../data/labels.ts';
import { makeRecord, turnOf, renderDialogue, type TrainingRecord } from '../data/render.ts';
import { type Row, fileRows } from '../data/streams/rows.ts';
import { dumps } from '../json/dumps.ts';
import { fromJson, isDict, type PyDict } from '../json/python.ts';
import { pyStr } from '../json/repr.ts';
import type { JsonObject } from '../json/value.ts';
import type { Style } from './terminal.ts';

/** A dialogue to be shown: its calls as text. */
export interface Shown {
  readonly id: string;
  readonly category: string;
  readonly tools: readonly string[];
  readonly messages: readonly {
    readonly role: string;
    readonly content: string;
    readonly reasoning?: string;
    readonly calls?: readonly string[];
  }[];
  /** The dialogue as it is trained on. */
  readonly record: (tokenizer: Tokenizer) => TrainingRecord;
}

/** A message with its calls as text. */
function shownMessage({ toolCalls = [], ...message }: Message | ExactMessage): Shown['messages'][number] {
  const calls = toolCalls.map(({ name, arguments: given }) => {
    const values: PyDict = given instanceof Map ? given : fromJson(given as JsonObject);
    const texts = Array.from(values, ([key, value]) => `${key}: ${dumps(value)}`);
    return `${name}(${texts.join(', ')})`;
  });
  return { ...message, calls };
}

/** A generated dialogue. */
export function shownDialogue(dialogue: Dialogue, template: ChatTemplate): Shown {
  return {
    id: dialogue.id,
    category: dialogue.category,
    tools: dialogue.tools.map(({ name }) => name),
    messages: dialogue.messages.map(shownMessage),
    record: (tokenizer) => renderDialogue(dialogue, tokenizer, template),
  };
}

/** A dialogue as lines of text. */
export function dialogueText({ id, category, tools, messages }: Shown, style: Style): string {
  const lines = messages.map(({ role, content, reasoning = '', calls = [] }) => {
    const thought = reasoning === '' ? [] : [style.dim(`(${reasoning})`)];
    const parts = [...thought, ...(content === '' ? [] : [content]), ...calls];
    return `${style.dim(role.padEnd(9))}  ${parts.join('\n           ')}`;
  });
  const functions = tools.length === 0 ? '' : `  ${style.dim(`tools: ${tools.join(', ')}`)}`;
  return [`${style.bold(id)} ${style.accent(category)}${functions}`, ...lines].join('\n');
}

/** A training record as `data render` writes them, if a row is one. */
function renderedRow({ value, where }: Row, template: ChatTemplate): Shown | undefined {
  if (!isDict(value)) return undefined;
  const [prompt, target, id] = ['inputs', 'targets', 'id'].map((key) => value.get(key));
  if (typeof prompt !== 'string' || typeof target !== 'string') return undefined;
  const named = { id: typeof id === 'string' ? id : where, category: 'rendered' };
  return {
    ...named,
    tools: [],
    messages: [
      { role: 'inputs', content: prompt },
      { role: 'targets', content: target },
    ],
    record: (tokenizer) => makeRecord({ ...named, prompt, target }, tokenizer, template.format),
  };
}

/** The dialogues of a row in any format that `data convert` knows; a broken one is a UserError that names it. */
function* convertedRow(row: Row, template: ChatTemplate): Iterable<Shown> {
  for (const result of convertRow(row, { checkGold: false })) {
    if ('rejected' in result)
      throw new UserError('DATA_LINE', `${result.rejected.where}: ${result.rejected.message}`);
    const { record } = result;
    const { id } = record;
    const category = [record.source, ...(lastLabel(record)?.tags ?? [])].join(' ');
    yield {
      id,
      category,
      tools: record.tools.map((tool) => pyStr(tool.get('name') ?? '')),
      messages: record.messages.map(shownMessage),
      record: (tokenizer) =>
        makeRecord({ id, category, ...turnOf(record, template) }, tokenizer, template.format),
    };
  }
}

/**
 * The first dialogues of a file: of any format that `data convert` knows, or training records as `data render` writes
 * them.
 */
export async function dialoguesOfFile(
  path: string,
  wanted: { readonly count: number; readonly category?: string },
  template: ChatTemplate,
): Promise<Shown[]> {
  const { count, category } = wanted;
  const found: Shown[] = [];
  reading: for await (const row of fileRows(path)) {
    const rendered = renderedRow(row, template);
    for (const one of rendered === undefined ? convertedRow(row, template) : [rendered]) {
      if (category !== undefined && !one.category.split(' ').includes(category)) continue;
      found.push(one);
      if (found.length === count) break reading;
    }
  }
  if (found.length > 0) return found;
  const which = category === undefined ? '' : ` of the kind ${category}`;
  throw new UserError('DATA_EMPTY', `${path} holds no dialogue${which}; look at another file.`);
}
