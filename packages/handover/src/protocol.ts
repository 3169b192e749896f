/**
 * Lines by which a job says how far it is: JSON objects with `event`, among the lines of the engine. The wrapper
 * `tinystar_job.py` prints `versions`, `fault` and `output`; a training script prints `step`, `sample` and `warning`.
 */
import { z } from 'zod';
import type { DrawnSample, Metrics, RunEvent } from '../../../src/train/events.ts';
import { type MetricName, METRICS } from '../../../src/train/metrics.ts';

const sample = z.object({
  id: z.string(),
  prompt: z.string(),
  generation: z.string(),
  reward: z.number(),
}) satisfies z.ZodType<DrawnSample>;

/** File of a checkpoint that a job has made. */
export const OUTPUT_FILE = z.object({
  /** Name in the folder, without folders in it. */
  name: z.string().regex(/^[^./\\][^/\\]*$/),
  bytes: z.int().nonnegative(),
  sha256: z.string(),
});
export type OutputFile = z.output<typeof OUTPUT_FILE>;

/** Faults that a job tells of itself. */
const FAULTS = ['versions', 'reward', 'output'] as const;

const eventSchema = z.discriminatedUnion('event', [
  /** Python and the packages of requirements.txt, before training begins; `host` is the node that the job runs on. */
  z.object({
    event: z.literal('versions'),
    python: z.string(),
    packages: z.record(z.string(), z.string().nullable()),
    host: z.string(),
    /** Tells whether the output folder of the submitting side is there. */
    shared: z.boolean().nullish(),
  }),
  /** An optimiser step that has ended; metrics stand beside these keys. */
  z.looseObject({
    event: z.literal('step'),
    step: z.int().positive(),
    steps: z.int().positive(),
    seconds: z.number().nonnegative().nullish(),
    tokens: z.number().nonnegative().nullish(),
  }),
  z.object({ event: z.literal('sample'), step: z.int().positive(), samples: z.array(sample) }),
  z.object({ event: z.literal('warning'), text: z.string() }),
  z.object({ event: z.literal('fault'), what: z.enum(FAULTS), text: z.string() }),
  /** The checkpoint, when training has ended. */
  z.object({
    event: z.literal('output'),
    folder: z.string(),
    host: z.string(),
    files: z.array(OUTPUT_FILE),
  }),
]);
export type JobEvent = z.output<typeof eventSchema>;
type StepLine = Extract<JobEvent, { readonly event: 'step' }>;

/** Lines of star_reward.py, by which a training script says that its reward server is away for a while, or for good. */
const REWARD_AWAY = /https?:\S+ gives no rewards \(.*\); asking again/;
const REWARD_LOST = /https?:\S+ (?:gave no rewards in \d+ attempts|refuses a batch of rewards)[^;]*/;

function* spokenEvents(line: string): Generator<JobEvent> {
  const [away] = REWARD_AWAY.exec(line) ?? [];
  if (away !== undefined) yield { event: 'warning', text: away };
  const [lost] = REWARD_LOST.exec(line) ?? [];
  if (lost !== undefined) yield { event: 'fault', what: 'reward', text: lost };
}

/** Reads a log's whole lines: events, and what else the engine says; a progress bar's redrawn lines are lines. */
export function* readLog(text: string): Generator<JobEvent | string> {
  for (const line of text.split(/\r\n|\n|\r/)) {
    // A progress bar may stand before it in the same line.
    const start = line.indexOf('{"event":');
    const event = start < 0 ? undefined : eventOf(line.slice(start));
    const words = event === undefined ? line : line.slice(0, start);
    if (words.trim() !== '') {
      yield words;
      yield* spokenEvents(words);
    }
    if (event !== undefined) yield event;
  }
}

function eventOf(text: string): JobEvent | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** An event of the run from a step's line; metrics that tinystar has no name for are left to the engine's log. */
export function runStep(stage: string, line: StepLine): Extract<RunEvent, { readonly type: 'step' }> {
  const { step, steps: total, seconds, tokens } = line;
  const metrics: Metrics = Object.fromEntries(
    Object.entries(line).filter(
      (entry): entry is [MetricName, number] =>
        Object.hasOwn(METRICS, entry[0]) && typeof entry[1] === 'number' && Number.isFinite(entry[1]),
    ),
  );
  return { type: 'step', stage, step, total, tokens: tokens ?? 0, seconds: seconds ?? 0, metrics };
}
