/** Candidates of `npm run bench -- --real`: a process each, asked for steps, and the table of what they took. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { table } from '../../src/report/table.ts';

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

async function measureOne(candidate: Candidate, repetitions: number): Promise<Measured> {
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
  const { version } = helloSchema.parse(await next());
  const steps: Step[] = [];
  for (let i = 0; i <= repetitions; i++) {
    child.stdin.write('step\n');
    const step = stepSchema.parse(await next());
    console.error(`  ${candidate.name}: ${seconds(step).toFixed(1)} s${i === 0 ? ' (warming up)' : ''}`);
    if (i > 0) steps.push(step);
  }
  const ended = once(child, 'exit');
  child.stdin.end();
  await ended;
  return { candidate, version, steps };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Prints the table, and how much faster the first is than each other. */
export function report(title: string, measured: readonly Measured[], completionTokens: number): void {
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
  for (const other of others) {
    const ratio = median(other.steps.map(seconds)) / median((first?.steps ?? []).map(seconds));
    console.log(
      `  the first takes 1/${ratio.toFixed(2)} of the time of: ${other.candidate.name} (${other.version})`,
    );
  }
}

/** Each candidate alone, one after another, as two would not fit into a laptop. */
export async function inTurn(candidates: readonly Candidate[], repetitions: number): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const candidate of candidates) measured.push(await measureOne(candidate, repetitions));
  return measured;
}
