/** Context of commands: streams, environment, and what tests replace. */
import type { CommandContext } from '@stricli/core';
import type { runRecipe } from '../../../src/run/runner.ts';
import { type Environment, type OutputStream, type Style, styleFor } from './terminal.ts';

export interface CliProcess {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
  /** The process's own unless told. */
  readonly stdin?: NodeJS.ReadableStream;
  exitCode?: number | string | null;
}

export interface Services {
  /** Runs a recipe, or resumes it. */
  readonly runRecipe: typeof runRecipe;
  /**
   * Calls `listener` when the user presses Ctrl-C, or the system asks for the end, with what a process reports that this
   * ended; the result takes it back.
   */
  onInterrupt(listener: (exitCode?: number) => void): () => void;
  /** Says that what the command does is worth doing when nobody reads what it prints. */
  goOnUnread(): void;
  /** Ends the process at once. */
  kill(exitCode: number): void;
  /** Milliseconds since some fixed moment. */
  readonly now: () => number;
}

export interface CliContext extends CommandContext {
  readonly process: CliProcess;
  readonly services: Services;
}

export function outStyle({ process }: CliContext): Style {
  return styleFor(process.stdout, process.env);
}

/** Thrown by a command that the user stopped: not a fault, but not done either. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = INTERRUPTED_EXIT) {
    super(message);
    this.name = 'Interrupted';
    this.exitCode = exitCode;
  }
}

/** Exit status that a shell reports for a process that Ctrl-C ended. */
export const INTERRUPTED_EXIT = 130;
/** Exit status that a shell reports for a process that wrote to a pipe that nobody reads any more. */
export const UNREAD_EXIT = 141;
