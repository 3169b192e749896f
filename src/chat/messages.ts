/** The words of a conversation with tools: what everything above the model speaks of. */
import type { PyDict } from '../json/python.ts';
import type { JsonObject } from '../json/value.ts';

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments: {type: 'object', properties, required}. */
  readonly parameters: JsonObject;
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  /** Thought of the assistant, without its tags. */
  readonly reasoning?: string;
  readonly toolCalls?: readonly ToolCall[];
}

/** A call with its values exactly as they were written: 5.0 stays apart from 5. */
export interface ExactCall {
  readonly name: string;
  readonly arguments: PyDict;
}

/** A message with its calls' values exactly as they were written. */
export interface ExactMessage extends Omit<Message, 'toolCalls'> {
  /** Absent or not empty. */
  readonly toolCalls?: readonly ExactCall[];
}

/** A conversation whose last message is the gold answer of the assistant. */
export interface Dialogue {
  readonly id: string;
  readonly tools: readonly Tool[];
  readonly messages: readonly Message[];
  /** Kind of the case ('single', 'parallel', 'irrelevant', ...), for reports. */
  readonly category: string;
}

export { asTokenIds, type TokenIds } from '../base/token-ids.ts';
