/** Dialogues as a person would tell them, from the generators or from files of any known format. */
import { UserError } from '../base/errors.ts';
import { dumps } from '../json/dumps.ts';
import { fromJson, isDict } from '../json/python.ts';
import type { JsonObject } from '../json/value.ts';
import { pyStr } from '../json/repr.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Dialogue, ExactMessage, Message } from '../chat/messages.ts';
import type { RecordTexts } from '../data/render.ts';
import type { Row } from '../data/streams/rows.ts';
import type { Style } from './style.ts';

/** A dialogue with its calls as text. */
export interface ToldDialogue {
  readonly id: string;
  readonly category: string;
  readonly tools: readonly string[];
  readonly messages: readonly {
    readonly role: string;
    readonly content: string;
    readonly reasoning?: string | undefined;
    readonly calls: readonly string[];
  }[];
}

/** A message with its calls as text. */
function toldMessage({ role, content, reasoning, toolCalls = [] }: Message | ExactMessage) {
  const calls = toolCalls.map(({ name, arguments: given }) => {
    const values = given instanceof Map ? given : fromJson(given as JsonObject);
    const texts = Array.from(isDict(values) ? values : [], ([key, value]) => `${key}: ${dumps(value)}`);
    return `${name}(${texts.join(', ')})`;
  });
  return { role, content, reasoning, calls };
}

/** A generated dialogue. */
export function told({ id, category, tools, messages }: Dialogue): ToldDialogue {
  return { id, category, tools: tools.map(({ name }) => name), messages: messages.map(toldMessage) };
}

/** A dialogue as lines of text. */
export function conversation({ id, category, tools, messages }: ToldDialogue, style: Style): string {
  const said = messages.map(({ role, content, reasoning = '', calls }) => {
    const thought = reasoning === '' ? [] : [style.dim(`(${reasoning})`)];
    return `${style.dim(role.padEnd(9))}  ${[...thought, ...(content === '' ? [] : [content]), ...calls].join('\n           ')}`;
  });
  const functions = tools.length === 0 ? '' : `  ${style.dim(`tools: ${tools.join(', ')}`)}`;
  const head = `${style.bold(id)} ${style.accent(category)}${functions}`;
  return [head, ...said].join('\n');
}

export interface FileDialogue {
  readonly dialogue: ToldDialogue;
  /** The prompt and the target as the template writes them. */
  readonly texts: () => RecordTexts;
}

/** A training record as `data render` writes them, if a row is one. */
function trainingRecord({ value, where }: Row): FileDialogue | undefined {
  if (!isDict(value)) return undefined;
  const [inputs, targets, id] = ['inputs', 'targets', 'id'].map((key) => value.get(key));
  if (typeof inputs !== 'string' || typeof targets !== 'string') return undefined;
  const named = { id: typeof id === 'string' ? id : where, category: 'rendered' };
  const messages = [
    { role: 'inputs', content: inputs, calls: [] },
    { role: 'targets', content: targets, calls: [] },
  ];
  return {
    dialogue: { ...named, tools: [], messages },
    texts: () => ({ ...named, prompt: inputs, target: targets }),
  };
}

/** The dialogues of a row in any format that `data convert` knows; a broken one is a UserError that names it. */
async function* dialoguesOfRow(row: Row, template: ChatTemplate): AsyncGenerator<FileDialogue> {
  const [{ convertRow }, { lastLabel }, { recordTurn }] = await Promise.all([
    import('../data/convert.ts'),
    import('../data/labels.ts'),
    import('../data/render.ts'),
  ]);
  for (const result of convertRow(row, { checkGold: false })) {
    if ('rejected' in result)
      throw new UserError('DATA_LINE', `${result.rejected.where}: ${result.rejected.message}`);
    const { record } = result;
    const category = [record.source, ...(lastLabel(record)?.tags ?? [])].join(' ');
    const texts = (): RecordTexts => ({ id: record.id, category, ...recordTurn(record, template) });
    const tools = record.tools.map((tool) => pyStr(tool.get('name') ?? ''));
    yield {
      dialogue: { id: record.id, category, tools, messages: record.messages.map(toldMessage) },
      texts,
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
): Promise<FileDialogue[]> {
  const { fileRows } = await import('../data/streams/rows.ts');
  const found: FileDialogue[] = [];
  reading: for await (const row of fileRows(path)) {
    const rendered = trainingRecord(row);
    for await (const one of rendered === undefined ? dialoguesOfRow(row, template) : [rendered]) {
      if (wanted.category !== undefined && !one.dialogue.category.split(' ').includes(wanted.category))
        continue;
      found.push(one);
      if (found.length === wanted.count) break reading;
    }
  }
  if (found.length > 0) return found;
  const which = wanted.category === undefined ? '' : ` of the kind ${wanted.category}`;
  throw new UserError('DATA_EMPTY', `${path} holds no dialogue${which}; look at another file.`);
}
