/** Runs a command line in this process, with streams of its own, through the same door as `tinystar`. */
import { Readable } from 'node:stream';
import { runApp } from '../../packages/cli/src/app.ts';
import type { Services } from '../../packages/cli/src/context.ts';
import type { OutputStream } from '../../packages/cli/src/terminal.ts';

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface CliOptions {
  /** Services in place of the engine, the clock and the signals; a command that needs what is not given fails. */
  readonly services?: Partial<Services>;
  readonly env?: Readonly<Record<string, string>>;
  /** Columns of the terminal that both streams are; without it they are none. */
  readonly terminal?: number;
  /** Lines of standard input. */
  readonly input?: readonly string[];
}

function collector(terminal: number | undefined): { stream: OutputStream; text: () => string } {
  let written = '';
  const write = (text: string): void => {
    written += text;
  };
  return { stream: { write, isTTY: terminal !== undefined, columns: terminal }, text: () => written };
}

export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const [stdout, stderr] = [collector(options.terminal), collector(options.terminal)];
  const services: Services = {
    runRecipe: () => {
      throw new Error('no runner was given to this test');
    },
    onInterrupt: () => () => undefined,
    goOnUnread: () => undefined,
    kill: (exitCode) => {
      throw new Error(`killed with ${exitCode}`);
    },
    now: () => 0,
    ...options.services,
  };
  const stdin =
    options.input === undefined ? {} : { stdin: Readable.from(options.input.map((line) => `${line}\n`)) };
  const process = { stdout: stdout.stream, stderr: stderr.stream, env: options.env ?? {}, ...stdin };
  const code = await runApp(args, { process, services });
  return { stdout: stdout.text(), stderr: stderr.text(), code };
}
