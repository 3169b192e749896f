/** The files of a run folder that the report reads, as their writers must write them. */
import { z } from 'zod';

const share = z.object({ total: z.int().min(0), correct: z.int().min(0) });

const evalModelSchema = share.extend({
  /** The row's name in the recipe's `models` of the eval stage. */
  label: z.string(),
  /** The model or stage of the recipe that it refers to. */
  ref: z.string(),
  byCategory: z.record(z.string(), share),
  errors: z.record(z.string(), z.number()),
  meanTokens: z.number().nullable(),
  /** Of an evaluation with functions: problems of another domain, which `total` and `correct` leave out. */
  transfer: share.exactOptional(),
  tools: z.record(z.string(), z.int()).exactOptional(),
  /** Jensen-Shannon distance of the use of functions to the teacher's; null when one of them called none. */
  toolDivergence: z.number().nullable().exactOptional(),
});

const evalSampleSchema = z.object({
  id: z.string(),
  category: z.string(),
  /** Words of the user. */
  request: z.string(),
  gold: z.string(),
  outputs: z.record(z.string(), z.string()),
  correct: z.record(z.string(), z.boolean()),
});

/** `stages/<eval stage>/eval.json` */
export const evalSchema = z.object({ models: z.array(evalModelSchema), samples: z.array(evalSampleSchema) });
export type EvalResult = z.output<typeof evalSchema>;
export type EvalModelResult = z.output<typeof evalModelSchema>;
export type EvalSample = z.output<typeof evalSampleSchema>;

/** A line of `log.jsonl`; metrics stand beside these keys. */
export const logLineSchema = z.looseObject({
  stage: z.string(),
  kind: z.string(),
  step: z.number(),
  total: z.number(),
  /** When the step ended: ISO 8601, or milliseconds since 1970. */
  time: z.union([z.string(), z.number()]),
  /** Seconds that the step took and tokens that it processed, where known. */
  seconds: z.number().optional(),
  tokens: z.number().optional(),
});

/** A line of `samples.jsonl`. */
export const sampleLineSchema = z.object({
  stage: z.string(),
  step: z.number(),
  id: z.string(),
  prompt: z.string(),
  generation: z.string(),
  reward: z.number(),
});
export type SampleLine = z.output<typeof sampleLineSchema>;

/** `stages/<name>/elsewhere.json`: who trains a stage, or has trained it, where that is not this program. */
export const elsewhereSchema = z.object({
  job: z.string(),
  engine: z.string(),
  /** In words: engine and packages with their versions, once they are known. */
  by: z.string().exactOptional(),
});
export type Elsewhere = z.output<typeof elsewhereSchema>;

/** `machine.json`: where and by what a run was made. */
export const machineSchema = z.object({
  version: z.string(),
  node: z.string(),
  system: z.string(),
  processor: z.string(),
  cores: z.number(),
  memory_gb: z.number(),
  /** The device that computed, with the reason why it was chosen. */
  device: z.string().optional(),
  /** ISO 8601. */
  started: z.string(),
  command: z.string().optional(),
});
export type MachineFacts = z.output<typeof machineSchema>;

/** Folder in which a benchmark's stage has a folder for each model, as `tinystar eval` leaves it. */
export const RESULTS = 'results';
