/** Where dialogues come from: the project's generator, or files of one dialogue a line. */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { readText } from '../base/files.ts';
import { Rng } from '../base/rng.ts';
import type { Dialogue, Message, Tool, ToolCall } from '../chat/messages.ts';
import { generateAssistant, GROUP_SIZE } from './assistant/index.ts';
import { mixByWeight } from './mixing.ts';
import type { ReadDialogue } from './render.ts';

/** A dialogue with what an evaluation needs beyond it. */
export interface TaskDialogue extends ReadDialogue {
  /** Words that a right answer in words must contain. */
  readonly mustMention: readonly string[];
}

export type DialogueSource =
  | { readonly source: 'assistant'; readonly seed: number; readonly train: number; readonly test: number }
  | { readonly source: 'file'; readonly train: string; readonly test: string }
  | {
      readonly source: 'mix';
      readonly seed: number;
      readonly parts: readonly { readonly path: string; readonly weight: number }[];
      /** How many dialogues of all parts together. */
      readonly train: number;
      readonly test: string;
    };

const object = z.record(z.string(), z.json());
const toolSchema = z.object({
  name: z.string().min(1),
  description: z.string().default(''),
  parameters: object,
});
const callSchema = z.object({ name: z.string().min(1), arguments: object });
const messageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z
    .string()
    .nullish()
    .transform((content) => content ?? ''),
  reasoning: z.string().optional(),
  toolCalls: z.array(callSchema).optional(),
  // As `data convert` writes them, and the reference.
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(callSchema).nullish(),
});
const dialogueSchema = z.object({
  id: z.string().optional(),
  tools: z.array(toolSchema),
  messages: z.array(messageSchema).min(2),
  source: z.string().optional(),
  category: z.string().optional(),
  mustMention: z.array(z.string()).default([]),
});

function toMessage(message: z.output<typeof messageSchema>): Message {
  const { role, content } = message;
  const reasoning = message.reasoning ?? message.reasoning_content ?? undefined;
  const toolCalls = message.toolCalls ?? message.tool_calls ?? undefined;
  return {
    role,
    content,
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(toolCalls === undefined ? {} : { toolCalls: toolCalls as ToolCall[] }),
  };
}

/** What is wrong first, and where: `tools.0.name is missing`. */
function fault(value: unknown, error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined || issue.path.length === 0) return 'it is not a dialogue with tools and messages';
  const found = issue.path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
  const place = issue.path.join('.');
  return found === undefined ? `${place} is missing` : `${place} is wrong (${issue.message})`;
}

function parseLine(line: string, where: string, index: number): TaskDialogue {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UserError(
      'DATA_LINE',
      `${where} is not whole JSON; the file may be cut short: repair or remove that line.`,
    );
  }
  const parsed = dialogueSchema.safeParse(value);
  if (!parsed.success)
    throw new UserError('DATA_LINE', `${where}: ${fault(value, parsed.error)}; correct or remove that line.`);
  const { id, tools, messages, source, category = source ?? 'all', mustMention } = parsed.data;
  if (messages.at(-1)?.role !== 'assistant') {
    throw new UserError(
      'DATA_LINE',
      `${where}: the last message must be the assistant's answer; add it or remove that line.`,
    );
  }
  return {
    id: id ?? `line-${index + 1}`,
    tools: tools as Tool[],
    messages: messages.map(toMessage),
    category,
    mustMention,
    line,
  };
}

/**
 * Reads a file of one dialogue a line: {id?, tools, messages, category?, mustMention?}, or a record of `data convert`,
 * whose source is then its category. Blank lines are skipped.
 */
export function readDialogues(path: string): TaskDialogue[] {
  // Equal tools are made one array: dialogues in a row that share it share their prompt's computation.
  const toolSets = new Map<string, readonly Tool[]>();
  const dialogues = readText(path)
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      const dialogue = parseLine(line, `${path}:${i + 1}`, i);
      const key = JSON.stringify(dialogue.tools);
      const tools = toolSets.get(key) ?? dialogue.tools;
      toolSets.set(key, tools);
      return [{ ...dialogue, tools }];
    });
  if (dialogues.length === 0)
    throw new UserError('DATA_EMPTY', `${path} holds no dialogue; give a file with one JSON object a line.`);
  return dialogues;
}

/** All dialogues of a split. */
export function loadDialogues(source: DialogueSource, split: 'train' | 'test'): readonly TaskDialogue[] {
  if (source.source === 'file') return readDialogues(source[split]);
  if (source.source === 'mix') {
    if (split === 'test') return readDialogues(source.test);
    const parts = source.parts.map(({ path, weight }) => ({ weight, items: readDialogues(path) }));
    return mixByWeight(parts, source.train, Rng.seeded(source.seed, 'mix'));
  }
  const count = source[split];
  return generateAssistant({ seed: source.seed, split, groups: Math.ceil(count / GROUP_SIZE) }).slice(
    0,
    count,
  );
}

/** Runs of neighbours that share one tool set, at most `limit` long: a shared prompt is computed once. */
export function groupByTools<T extends Dialogue>(dialogues: readonly T[], limit: number): T[][] {
  const groups: T[][] = [];
  for (const dialogue of dialogues) {
    const last = groups.at(-1);
    if (last !== undefined && last.length < limit && last[0]?.tools === dialogue.tools) last.push(dialogue);
    else groups.push([dialogue]);
  }
  return groups;
}
