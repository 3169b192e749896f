/** A prompt with its completions, and the shape of a batch of them. */
import type { TokenIds } from '../../base/token-ids.ts';

/** One prompt with its completions. */
export interface PromptTree {
  readonly prompt: TokenIds;
  readonly completions: readonly TokenIds[];
}

export interface TreeLayout {
  /** Prompts in the batch. */
  readonly prompts: number;
  /** Tokens a prompt, padding included. */
  readonly promptTokens: number;
  /** Rows for completions a prompt; 0 for prompts alone. */
  readonly samples: number;
  /** Tokens a row, padding included. */
  readonly completionTokens: number;
}
