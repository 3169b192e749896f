/** The process that cases run in, one after the other: its parent restarts it when it dies, hangs or takes too much memory. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runRecipe } from '../../src/run/runner.ts';
import { type CliResult, runCli } from '../helpers/cli.ts';
import { type Case, type CaseId, inputsOf, makeCase } from './cases.ts';

export interface Job {
  readonly id: CaseId;
  readonly seeds: string;
  readonly folder: string;
}

export interface Answer {
  readonly done: Case;
  /** Fault; undefined where there is none. */
  readonly fault: string | undefined;
  /** The command's exit code and last line, to see what a fuzzer's cases reach. */
  readonly code: number;
  readonly said: string;
  /** The most memory that this process has ever had, in bytes. */
  readonly peak: number;
}

/** Errors outside of the command's own promise, from callbacks and forgotten promises. */
const loose: string[] = [];
const note = (thrown: unknown): void => {
  loose.push(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
};
process.on('uncaughtException', note);
process.on('unhandledRejection', note);

const run = (args: readonly string[]): Promise<CliResult> =>
  runCli(args, {
    services: {
      runRecipe,
      now: () => performance.now(),
    },
  });

/** Fault in how a command ended. */
function faultOf({ stderr, code }: CliResult): string | undefined {
  if (code !== 0 && code !== 1) return `exit code ${code}`;
  if (/This is a bug in tinystar/.test(stderr)) return stderr.trim();
  if (/^\s+at .*(:\d+|<anonymous>|native)/m.test(stderr)) return `a stack trace: ${stderr.trim()}`;
  if (code === 1 && stderr.trim().length < 10) return `no reason is given: ${JSON.stringify(stderr)}`;
  // "expected a string, received undefined" is how schemas say that something is missing.
  if (/\[object |(?<!received )\bundefined\b|\[native code\]|"code": "/.test(stderr))
    return `words that say nothing: ${stderr.trim()}`;
  return undefined;
}

/** Differences from before. */
function changed(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string | undefined {
  for (const [path, content] of before) {
    if (after.get(path) !== content) return `${path} was ${after.has(path) ? 'changed' : 'removed'}`;
  }
  for (const path of after.keys()) if (!before.has(path)) return `${path} was left among the inputs`;
  return undefined;
}

async function attempt({ id, seeds, folder }: Job): Promise<Answer> {
  const one = makeCase(id, seeds, folder);
  process.chdir(folder);
  const before = inputsOf(folder, one.owned);
  const first = await run(one.command);
  let fault = faultOf(first);
  const output = join(folder, 'out', 'r.jsonl');
  if (fault === undefined && first.code === 0 && existsSync(output) && statSync(output).size > 0) {
    for (const command of one.next) {
      const read = await run(command);
      if (read.code !== 0)
        fault ??= `what it wrote is refused by ${command.slice(0, 2).join(' ')}: ${read.stderr.trim()}`;
    }
  }
  fault ??= changed(before, inputsOf(folder, one.owned));
  // Traces of a rejected promise come to light after a turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  if (loose.length > 0) fault ??= `an error that nobody caught: ${loose.join('\n')}`;
  loose.length = 0;
  const stray = Object.keys(Object.prototype);
  if (stray.length > 0) fault ??= `every object has got ${stray.join(', ')}`;
  const said = (first.code === 0 ? first.stdout : first.stderr).trim().split('\n').at(-1) ?? '';
  return { done: one, fault, code: first.code, said, peak: process.resourceUsage().maxRSS * 1024 };
}

process.on('message', (job: Job) => {
  attempt(job).then(
    (answer) => process.send?.(answer),
    (thrown: unknown) => {
      // Of the fuzzer itself: the parent shows what the process wrote last.
      console.error(thrown);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
