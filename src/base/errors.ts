/**
 * Errors that are for people. A `UserError` says in one sentence what is wrong, where, and what to do;
 * the command line prints its message alone and exits with 1. Anything else that is thrown is a bug of ours.
 */
export class UserError extends Error {
  /** Stable machine-readable name of the fault, for `--json` and for tests. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'UserError';
    this.code = code;
  }
}

/** An invariant of this program does not hold: a bug of ours, never a user's mistake. */
export class InternalError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InternalError';
  }
}

/** Returns `value`, or throws an InternalError that names what was expected to exist. */
export function required<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new InternalError(`${what} is missing`);
  return value;
}

/** The text of anything that was thrown. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** A text for a message, cut where it is longer than `most` characters. */
export const shortened = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 3)}...` : text;

/** Tells whether `thrown` is how work ended that `signal` stopped. */
export function isAbort(thrown: unknown, signal: AbortSignal): boolean {
  return signal.aborted && thrown === signal.reason;
}

/**
 * Reason that a library gives for a fault in a user's input, in parentheses behind our own words; nothing where it only
 * tripped over it, and says what nobody can understand.
 */
export function reasonOf(thrown: unknown): string {
  const text = errorText(thrown);
  if (text.includes('call stack')) return ' (it is nested too deep)';
  return thrown instanceof TypeError || /\bundefined\b|\[object /.test(text) ? '' : ` (${text})`;
}
