/** The interface of a runtime, which is one file in runtimes/ and one line in its index. */
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';

/** A case as every runtime is asked it. */
export interface Asked {
  readonly request: string;
  readonly tools: readonly Tool[];
  /** Text that tinystar makes of both, for runtimes that render no conversations. */
  readonly prompt: string;
}

/** A runtime's answer, as far as it shows it. */
export interface Told {
  /** Prompt that it made of the conversation by itself; undefined of one that renders none, or does not show it. */
  readonly prompt?: string;
  /** Tokens that it read. */
  readonly tokens?: readonly number[];
  /** All that its model wrote, special tokens of an end left out; undefined where it shows what is left of it alone. */
  readonly written?: string;
  /** Calls that its own reader found in that, and the words beside them; undefined of one that has no reader. */
  readonly parsed?: { readonly calls: readonly ToolCall[]; readonly words: string };
  /** Sentence in place of an answer. */
  readonly fault?: string;
}

export interface FindOptions {
  /** Checkpoint folder or GGUF file. */
  readonly model: string;
  /** Tokens of the longest prompt and its answer together. */
  readonly contextTokens: number;
  /** Tokens of an answer at most. */
  readonly maxTokens: number;
  readonly threads: number;
  /** Python that has torch and transformers. */
  readonly python?: string;
  /** Command that starts llama.cpp's server, or the address of one that serves the model. */
  readonly llamaServer?: string;
  /** Name that Ollama knows the model by, after `ollama create`. */
  readonly ollama?: string;
  /** Folder whose packages are looked at beside tinystar's own. */
  readonly folder: string;
  readonly env: Readonly<Partial<Record<string, string>>>;
  readonly signal: AbortSignal;
}

/** A runtime that is there, with the model loaded. */
export interface Found extends AsyncDisposable {
  /** Version, for the table. */
  readonly about: string;
  /** Answers one case, greedily and without a constraint of tinystar's. Throws the signal's reason when it fires. */
  answer(asked: Asked, signal: AbortSignal): Promise<Told>;
}

export interface Runtime {
  readonly name: string;
  /** Looks for it and opens the model; answers with the reason where it is not there. */
  find(options: FindOptions): Promise<Found | string>;
}

/** A tool as OpenAI's API passes it. */
export const openaiTool = ({ name, description, parameters }: Tool): object => ({
  type: 'function',
  function: { name, description, parameters },
});
