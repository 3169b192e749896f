/** Dialogues as a person would tell them, from the generators or from files of any known format. */
import { UserError } from '../base/errors.ts';
import { pyStr } from '../json/repr.ts';
import type { Dialogue } from '../chat/messages.ts';
import type { DataRecord } from '../data/record.ts';
import type { RecordTexts } from '../data/render.ts';
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

function callText(name: string, given: Iterable<readonly [name: string, value: string]>): string {
  return `${name}(${Array.from(given, ([key, value]) => `${key}: ${value}`).join(', ')})`;
}

/** A generated dialogue. */
export function told({ id, category, tools, messages }: Dialogue): ToldDialogue {
  return {
    id,
    category,
    tools: tools.map(({ name }) => name),
    messages: messages.map(({ role, content, reasoning, toolCalls = [] }) => ({
      role,
      content,
      reasoning,
      calls: toolCalls.map((call) =>
        callText(
          call.name,
          Object.entries(call.arguments).map(([key, value]) => [key, JSON.stringify(value)]),
        ),
      ),
    })),
  };
}

/** A dialogue as lines of text. */
export function conversation({ id, category, tools, messages }: ToldDialogue, style: Style): string {
  const said = messages.map(({ role, content, reasoning = '', calls }) => {
    const thought = reasoning === '' ? [] : [style.dim(`(${reasoning})`)];
    return `${style.dim(role.padEnd(9))}  ${[...thought, ...(content === '' ? [] : [content]), ...calls].join('\n           ')}`;
  });
  const head = `${style.bold(id)} ${style.accent(category)}  ${style.dim(`tools: ${tools.join(', ')}`)}`;
  return [head, ...said].join('\n');
}

export interface FileDialogue {
  readonly dialogue: ToldDialogue;
  /** The prompt and the target as the template writes them. */
  readonly texts: () => RecordTexts;
}

async function toldRecord(record: DataRecord, category: string): Promise<ToldDialogue> {
  const { dumps } = await import('../json/dumps.ts');
  return {
    id: record.id,
    category,
    tools: record.tools.map((tool) => pyStr(tool.get('name') ?? '')),
    messages: record.messages.map(({ role, content, reasoning, toolCalls = [] }) => ({
      role,
      content,
      reasoning,
      calls: toolCalls.map((call) =>
        callText(
          call.name,
          [...call.arguments].map(([key, value]) => [key, dumps(value)]),
        ),
      ),
    })),
  };
}

/** The first dialogues of a file, of any format that `data convert` knows; a broken row is a UserError that names it. */
export async function dialoguesOfFile(
  path: string,
  wanted: { readonly count: number; readonly category?: string },
  template: string,
): Promise<FileDialogue[]> {
  const [{ convertRows }, { lastLabel }, { renderRecord }, { fileRows }] = await Promise.all([
    import('../data/convert.ts'),
    import('../data/labels.ts'),
    import('../data/rendering/modes.ts'),
    import('../data/streams/rows.ts'),
  ]);
  const found: FileDialogue[] = [];
  for await (const result of convertRows(fileRows(path), { checkGold: false })) {
    if (result.kind === 'rejected')
      throw new UserError('DATA_LINE', `${result.rejected.where}: ${result.rejected.message}`);
    const { record } = result;
    const tags = [record.source, ...(lastLabel(record)?.tags ?? [])];
    if (wanted.category !== undefined && !tags.includes(wanted.category)) continue;
    const category = tags.join(' ');
    const texts = (): RecordTexts => {
      const { id, inputs, targets } = renderRecord(record, { template, mode: 'native', reasoning: true });
      return { id, category, prompt: inputs, target: targets };
    };
    found.push({ dialogue: await toldRecord(record, category), texts });
    if (found.length === wanted.count) break;
  }
  if (found.length > 0) return found;
  const which = wanted.category === undefined ? '' : ` of the kind ${wanted.category}`;
  throw new UserError('DATA_EMPTY', `${path} holds no dialogue${which}; look at another file.`);
}
