/** Lines of files as dialogues with what an evaluation needs: the shape that a line must have. */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { Message, Tool, ToolCall } from '../chat/messages.ts';
import type { ReadDialogue } from './render.ts';

/** A dialogue with what an evaluation needs beyond it. */
export interface TaskDialogue extends ReadDialogue {
  /** Words that a right answer in words must contain. */
  readonly mustMention: readonly string[];
}

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

/** Reads a dialogue from a line; `where` and its number, from one, name it. Throws a UserError. */
export function parseDialogue(line: string, where: string, number: number): TaskDialogue {
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
    id: id ?? `line-${number}`,
    tools: tools as Tool[],
    messages: messages.map(toMessage),
    category,
    mustMention,
    line,
  };
}
