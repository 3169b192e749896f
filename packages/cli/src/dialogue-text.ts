/** Dialogues as text for people, from the generators or from files of any known format. */
import { UserError } from '../../../src/base/errors.ts';
import type { Dialogue, ExactMessage, Message } from '../../../src/chat/messages.ts';
import type { ChatInput, ChatTemplate, PromptAndTarget } from '../../../src/chat/template.ts';
import { convertRow } from '../../../src/data/convert.ts';
import { lastLabel } from '../../../src/data/labels.ts';
import { turnOf } from '../../../src/data/render.ts';
import { type Row, fileRows } from '../../../src/data/streams/rows.ts';
import { dumps } from '../../../src/json/dumps.ts';
import { fromJson, isDict, type PyDict } from '../../../src/json/python.ts';
import { pyStr } from '../../../src/json/repr.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import type { Style } from './terminal.ts';

interface ShownMessage extends Pick<Message, 'content' | 'reasoning'> {
  readonly role: string;
  readonly calls?: readonly string[];
}

/** A dialogue to be shown: its calls as text. */
interface Shown {
  readonly id: string;
  readonly category: string;
  readonly tools: readonly string[];
  readonly messages: readonly ShownMessage[];
  /** Texts that it is trained on; throws a UserError that says why it is not. */
  readonly turn: () => PromptAndTarget;
}

/** A message with its calls as text. */
function shownMessage({ toolCalls = [], ...message }: Message | ExactMessage): ShownMessage {
  const calls = toolCalls.map(({ name, arguments: given }) => {
    const values: PyDict = given instanceof Map ? given : fromJson(given as JsonObject);
    const texts = Array.from(values, ([key, value]) => `${key}: ${dumps(value)}`);
    return `${name}(${texts.join(', ')})`;
  });
  return { ...message, calls };
}

/** A dialogue of a generator, or a record, as one of a kind. */
export function shownDialogue(
  { id, messages, tools }: Pick<Dialogue, 'id'> & Required<ChatInput>,
  category: string,
  template: ChatTemplate,
): Shown {
  return {
    id,
    category,
    tools: tools.map((tool) => ('name' in tool ? String(tool.name) : pyStr(tool.get('name') ?? ''))),
    messages: messages.map(shownMessage),
    turn: () => turnOf({ messages, tools }, template),
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
function renderedRow({ value, where }: Row): Shown | undefined {
  if (!isDict(value)) return undefined;
  const [prompt, target, id] = ['inputs', 'targets', 'id'].map((key) => value.get(key));
  if (typeof prompt !== 'string' || typeof target !== 'string') return undefined;
  return {
    id: typeof id === 'string' ? id : where,
    category: 'rendered',
    tools: [],
    messages: [
      { role: 'inputs', content: prompt },
      { role: 'targets', content: target },
    ],
    turn: () => ({ prompt, target }),
  };
}

/** The dialogues of a row in any format that `data convert` knows; a broken one is a UserError that names it. */
function* convertedRow(row: Row, template: ChatTemplate): Iterable<Shown> {
  for (const result of convertRow(row, { checkGold: false })) {
    if ('rejected' in result)
      throw new UserError('DATA_LINE', `${result.rejected.where}: ${result.rejected.message}`);
    const { record } = result;
    yield shownDialogue(record, [record.source, ...(lastLabel(record)?.tags ?? [])].join(' '), template);
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
    const rendered = renderedRow(row);
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
