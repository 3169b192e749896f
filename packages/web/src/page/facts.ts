/** Facts of a student that its page reads, as student.json has them. */
import type { FormatName } from '../../../../src/chat/formats/index.ts';
import type { ToolFormat } from '../../../../src/chat/formats/format.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Verbatim } from '../../../constrain/src/calls.ts';

/** Tokens by their ids. */
export interface VocabularyFacts {
  /** Bytes of each token, one as each character from U+0000 to U+00FF. */
  readonly bytes: readonly string[];
  /** Tokens that are found in texts before all others, as <think> is. */
  readonly added: readonly number[];
  /** Tokens that are left out of an answer's text. */
  readonly special: readonly number[];
  /** Tokens that end an answer. */
  readonly stop: readonly number[];
}

/**
 * Every prompt around its request, as the chat template writes it with the functions. Special tokens cut a text into parts that
 * are tokenized each for itself: those before and behind the part with the request are tokens already, so that llama.cpp, which
 * finds added tokens that overlap in another order, has nothing to say about them.
 */
export interface PromptFacts {
  readonly before: string;
  readonly after: string;
  /** Tokens of `before` up to its last special one, and the text behind that. */
  readonly head: readonly number[];
  readonly start: string;
  /** Text of `after` up to its first special token, and the tokens from that on. */
  readonly end: string;
  readonly tail: readonly number[];
}

export interface StudentFacts {
  readonly name: string;
  /** Tokens of a prompt and its answer at most. */
  readonly context: number;
  readonly prompt: PromptFacts;
  /** Tool-call format by its name, and what the chat template writes otherwise than it. */
  readonly format: Pick<ToolFormat, 'thinks' | 'turn' | 'assistant'> & { readonly name: FormatName };
  readonly tools: readonly Tool[];
  readonly verbatim: Verbatim;
  readonly vocabulary: VocabularyFacts;
  /** Sizes of files. */
  readonly bytes: { readonly weights: number; readonly engine: number };
}
