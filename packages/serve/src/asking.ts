import type { Reply, ServedModel } from './model.ts';

/** A request with what it takes to answer it. */
export interface Asking {
  readonly model: ServedModel;
  readonly signal: AbortSignal;
  /** Answers with what is asked, and counts it. */
  readonly ask: (run: (signal: AbortSignal) => Promise<Reply>) => Promise<Reply>;
  readonly maxTokens: number;
}
