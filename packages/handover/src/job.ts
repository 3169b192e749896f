/** Description of a job folder, `job.json`: what whoever runs the job needs to know of it, whichever engine trains. */
import { z } from 'zod';

/** Engines that a recipe's stage can be handed to. */
export const ENGINE_NAMES = ['trl', 'openrlhf', 'verl', 'axolotl', 'tinker'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Name of the description in a job folder. */
export const JOB_FILE = 'job.json';

export const jobSchema = z.strictObject({
  version: z.literal(1),
  engine: z.enum(ENGINE_NAMES),
  /** Absolute path of the recipe. */
  recipe: z.string().min(1),
  /** Absolute path of the run's folder, into which the checkpoint is brought back. */
  runDir: z.string().min(1),
  /** Name of the recipe's stage. */
  stage: z.string().min(1),
  /** Command that trains, run in the job folder. */
  entrypoint: z.string().min(1),
  /** Variables of the command's environment, such as REWARD_URL. */
  env: z.record(z.string(), z.string()),
  /** Folder, relative to the job's, where the engine leaves a Hugging Face checkpoint: config.json and model.safetensors. */
  output: z.string().min(1),
  /** File of pinned Python packages, relative to the job folder. */
  requirements: z.string().min(1),
  /** Tells whether the engine asks a reward server while it trains. */
  needsReward: z.boolean(),
  /** Overrides that the recipe was read with. */
  set: z.array(z.string()).exactOptional(),
  /** Identity of the stage when it was handed over: its options and the contents of all that it reads. */
  identity: z.string().exactOptional(),
});
export type Job = z.output<typeof jobSchema>;
