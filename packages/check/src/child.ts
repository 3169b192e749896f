/** Runtimes that run in a process of their own: a small program that answers one line of JSON with one line of JSON. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { errorText } from '../../../src/base/errors.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import type { Asked, Found, Told } from './runtime.ts';

const callSchema = z.object({ name: z.string(), arguments: z.record(z.string(), z.json()) });
const toldSchema = z.object({
  prompt: z.string().optional(),
  tokens: z.array(z.int()).optional(),
  written: z.string().optional(),
  parsed: z.object({ calls: z.array(callSchema), words: z.string() }).optional(),
  fault: z.string().optional(),
});
const helloSchema = z.object({ about: z.string() });

/** Characters that are kept of what a program says last. */
const MOST_SAID = 2000;

/** The last line of what a process wrote to its standard error. */
export function lastWords(child: ChildProcess): () => string {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MOST_SAID);
  });
  return () => said.trim().split('\n').at(-1) ?? '';
}

export interface Program {
  /** Ending of its file, by which an interpreter knows it. */
  readonly ending: string;
  readonly source: string;
  readonly interpreter: string;
  /** Facts that it is given as JSON in its first argument. */
  readonly given: JsonObject;
}

/** Starts a program; answers with the reason where it does not come up. The first line that it writes is {about}. */
export async function startProgram(program: Program, signal: AbortSignal): Promise<Found | string> {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-check-'));
  const file = join(folder, `runtime.${program.ending}`);
  writeFileSync(file, program.source);
  const child = spawn(program.interpreter, [file, JSON.stringify(program.given)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
  });
  const said = lastWords(child);
  let failed = '';
  child.on('error', (thrown) => (failed = errorText(thrown)));
  // Its end is told where its next line is waited for.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    // Libraries print notes of their own.
    for (;;) {
      const { value, done } = await lines.next();
      signal.throwIfAborted();
      if (done === true) throw new Error(said() || failed || 'it ended without a word');
      if (value.startsWith('{')) return JSON.parse(value);
    }
  };
  const stop = async (): Promise<void> => {
    child.stdin.end();
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const { about } = helloSchema.parse(await next());
    return {
      about,
      async answer({ request, tools }: Asked): Promise<Told> {
        child.stdin.write(`${JSON.stringify({ request, tools })}\n`);
        const told = toldSchema.parse(await next());
        return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (thrown) {
    await stop();
    signal.throwIfAborted();
    return errorText(thrown);
  }
}
