/** Candidates of `npm run bench -- --real`: a process each, asked for steps, and the table of what they took. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { table } from '../../packages/report/src/table.ts';
import type { Ratio } from '../compare.ts';

const helloSchema = z.object({ version: z.string() });
const stepSchema = z.object({
  phases: z.record(z.string(), z.number()),
  loss: z.number(),
  tokens: z.number(),
  peak: z.number(),
});
type Step = z.infer<typeof stepSchema>;

/** A program that answers lines "step" with what a step took. */
export interface Candidate {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Measured {
  readonly candidate: Candidate;
  readonly version: string;
  /** Without the first, which builds graphs and touches memory for the first time. */
  readonly steps: readonly Step[];
}

const seconds = ({ phases }: Step): number => Object.values(phases).reduce((a, b) => a + b, 0);

/** A candidate's process, asked for one step after another. */
class Worker {
  readonly candidate: Candidate;
  readonly version: string;
  readonly steps: Step[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #next: () => Promise<unknown>;

  private constructor(
    candidate: Candidate,
    version: string,
    child: ChildProcessByStdio<Writable, Readable, null>,
    next: () => Promise<unknown>,
  ) {
    this.candidate = candidate;
    this.version = version;
    this.#child = child;
    this.#next = next;
  }

  static async start(candidate: Candidate): Promise<Worker> {
    const child = spawn(candidate.program, candidate.args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...candidate.env },
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${candidate.name} ended; its error is printed above`);
      return JSON.parse(value);
    };
    return new Worker(candidate, helloSchema.parse(await next()).version, child, next);
  }

  /** A step; the first, which builds graphs and touches memory for the first time, does not count. */
  async step(counts: boolean): Promise<void> {
    this.#child.stdin.write('step\n');
    const step = stepSchema.parse(await this.#next());
    console.error(`  ${this.candidate.name}: ${seconds(step).toFixed(1)} s${counts ? '' : ' (warming up)'}`);
    if (counts) this.steps.push(step);
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Prints the table, and how much faster the first is than each other; returns that. */
export function report(title: string, measured: readonly Measured[], completionTokens: number): Ratio[] {
  const phases = Object.keys(measured[0]?.steps[0]?.phases ?? {});
  const rows = measured.map(({ candidate, steps }) => {
    const all = steps.map(seconds);
    return [
      candidate.name,
      `${median(all).toFixed(1)} s`,
      `${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)}`,
      ...phases.map((phase) => `${median(steps.map((step) => step.phases[phase] ?? 0)).toFixed(1)} s`),
      `${(completionTokens / median(all)).toFixed(1)}`,
      `${(Math.max(...steps.map(({ peak }) => peak)) / 2 ** 30).toFixed(1)} GB`,
      steps[0]?.loss.toFixed(4) ?? '',
    ];
  });
  const head = ['', 'a step', 'spread', ...phases, 'completion tokens/s', 'peak', 'loss'];
  console.log(
    `\n${title}\n${table([head, ...rows], ['left', ...head.slice(1).map(() => 'right' as const)])}`,
  );
  const [first, ...others] = measured;
  return others.map(({ steps, candidate: { name }, version }) => {
    const ratio = median(steps.map(seconds)) / median((first?.steps ?? []).map(seconds));
    console.log(`  the first takes 1/${ratio.toFixed(2)} of the time of: ${name} (${version})`);
    return { name: `${title}: ${first?.candidate.name} to ${name}`, ratio };
  });
}

/** Steps of all candidates, one of each after another, where there is memory for all of them; else each candidate alone. */
export async function inTurn(
  candidates: readonly Candidate[],
  repetitions: number,
  together: boolean,
): Promise<Measured[]> {
  const measure = async (those: readonly Candidate[]): Promise<Measured[]> => {
    const workers: Worker[] = [];
    for (const candidate of those) workers.push(await Worker.start(candidate));
    for (let i = 0; i <= repetitions; i++) for (const worker of workers) await worker.step(i > 0);
    for (const worker of workers) await worker.end();
    return workers;
  };
  if (together) return measure(candidates);
  const measured: Measured[] = [];
  for (const candidate of candidates) measured.push(...(await measure([candidate])));
  return measured;
}
