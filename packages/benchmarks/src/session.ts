/** A benchmark that a model is answering, for those who watch it: a command, a stage of a run. */

/** One more answer. */
export interface AnswerStep {
  /** Tokens that were written; 0 where the prompt left no room for an answer. */
  readonly tokens: number;
  readonly isRight: boolean;
}

export interface Session<Outcome> extends Disposable {
  /** Entries that are asked for. */
  readonly total: number;
  /** Answers that were there before, and how many of them are right. */
  readonly done: number;
  readonly correct: number;
  /** Asks what is not answered yet, and stores each answer as it comes. */
  answers(signal: AbortSignal): AsyncGenerator<AnswerStep, void, undefined>;
  /** Writes verdicts and scores. */
  finish(): Outcome;
}
