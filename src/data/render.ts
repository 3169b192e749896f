/** Dialogues as training records: the prompt and the target as text and as tokens, with an exact boundary between them. */
import type { ToolFormat } from '../chat/formats/format.ts';
import { closesThought } from '../chat/generation.ts';
import { thoughtLength } from '../chat/thought.ts';
import { UserError } from '../base/errors.ts';
import { Lru } from '../base/lru.ts';
import type { Dialogue, ExactMessage, Message, TokenIds } from '../chat/messages.ts';
import type { ChatInput, ChatTemplate, PromptAndTarget } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { type DataRecord, Rejection } from './record.ts';

export interface TrainingRecord {
  readonly id: string;
  readonly category: string;
  /** Everything up to where the assistant begins to write. */
  readonly prompt: string;
  /** Text that the model shall write, up to and including "<|im_end|>". */
  readonly target: string;
  readonly promptIds: TokenIds;
  readonly targetIds: TokenIds;
  /** Number of leading prompt tokens of the system and tools block: equal tools give equal leading tokens. */
  readonly systemLength: number;
  /**
   * Number of leading target tokens up to and including the last "</think>"; if there is none, none of them after a
   * prompt that has closed the thought, else all.
   */
  readonly thinkLength: number;
}

/** Loss masks over the target: all, the thinking with its closing tag, or what follows it. */
export type MaskKind = 'all' | 'think' | 'answer';

/** The part of a prompt that holds the system message and the tools; empty if it has none. */
function systemBlock(prompt: string, { turn: { open } }: ToolFormat): string {
  if (!prompt.startsWith(`${open}system`)) return '';
  const end = prompt.indexOf(open, open.length);
  return end < 0 ? '' : prompt.slice(0, end);
}

/** Tool lists repeat from dialogue to dialogue, so their tokens are kept; a bounded number of them. */
const MAX_SYSTEM_BLOCKS = 1024;
const systemIds = new WeakMap<Tokenizer, Lru<TokenIds>>();

/** The tokens of a prompt, and how many of them are its system block's. */
export function encodePrompt(prompt: string, tokenizer: Tokenizer, format: ToolFormat) {
  const block = systemBlock(prompt, format);
  const known = systemIds.get(tokenizer) ?? new Lru<TokenIds>(MAX_SYSTEM_BLOCKS);
  systemIds.set(tokenizer, known);
  const system = known.get(block, () => tokenizer.encode(block));
  const rest = tokenizer.encode(prompt.slice(block.length));
  const promptIds = new Int32Array(system.length + rest.length) as TokenIds;
  promptIds.set(system);
  promptIds.set(rest, system.length);
  return { promptIds, systemLength: system.length };
}

export function makeRecord(
  texts: Pick<TrainingRecord, 'id' | 'category' | 'prompt' | 'target'>,
  tokenizer: Tokenizer,
  format: ToolFormat,
): TrainingRecord {
  const targetIds = tokenizer.encode(texts.target);
  const thinks = format.thinks && !closesThought(texts.prompt, format);
  const thinkLength = thoughtLength(targetIds, tokenizer, { ...format, thinks });
  return { ...texts, ...encodePrompt(texts.prompt, tokenizer, format), targetIds, thinkLength };
}

/** A dialogue, and the record that it was read from: with every value as the file has it, where 5.0 is not 5. */
export interface ReadDialogue extends Dialogue {
  readonly record?: DataRecord;
}

/** Runs what renders a row. Of its faults those of the row are Rejections; those of the template concern all rows. */
export function ofRow<T>(render: () => T): T {
  try {
    return render();
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.cause !== undefined)
      throw new Rejection('template', thrown.message);
    throw thrown;
  }
}

/** A conversation that ends with an answer: what stands before that, and the answer. */
export interface Apart {
  readonly history: Required<ChatInput>;
  readonly answer: Message | ExactMessage;
}

/** Takes the answer off the end of a conversation; throws a Rejection where there is none. */
export function apart({ messages, tools }: Required<ChatInput>): Apart {
  const answer = messages.at(-1);
  if (answer?.role !== 'assistant')
    throw new Rejection('no_answer', 'The record does not end with an answer of the assistant.');
  return { history: { messages: messages.slice(0, -1), tools }, answer };
}

/** Prompt and target of a conversation; throws a Rejection where it has no answer, or is refused. */
export function turnOf(
  conversation: Required<ChatInput>,
  template: ChatTemplate,
  isLearned = true,
): PromptAndTarget {
  const { history, answer } = apart(conversation);
  return ofRow(() => template.turn(history, answer, isLearned));
}

/**
 * Renders a dialogue whose last message is the assistant's gold answer, which is learned from or only compared with;
 * throws a UserError that names the dialogue where the template refuses it.
 */
export function renderDialogue(
  dialogue: ReadDialogue,
  tokenizer: Tokenizer,
  template: ChatTemplate,
  isLearned = true,
): TrainingRecord {
  const { id, category, record = dialogue } = dialogue;
  try {
    const texts = turnOf(record, template, isLearned);
    return makeRecord({ id, category, ...texts }, tokenizer, template.format);
  } catch (thrown) {
    if (thrown instanceof UserError) throw new UserError(thrown.code, `Dialogue ${id}: ${thrown.message}`);
    throw thrown;
  }
}

/** One number a target token: 1 where it counts, else 0. */
export function maskOf(record: TrainingRecord, kind: MaskKind): Uint8Array {
  const mask = new Uint8Array(record.targetIds.length);
  if (kind === 'all') return mask.fill(1);
  return kind === 'think' ? mask.fill(1, 0, record.thinkLength) : mask.fill(1, record.thinkLength);
}
