/** `tinystar eval CHECKPOINT...`: checkpoints on the held-out split, as a run of one stage. */
import { resolve } from 'node:path';
import {
  checkpointAt,
  checkpointName,
  requireCheckpoint,
} from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { type Recipe, recipeSchema } from '../../../../src/recipe/schema.ts';
import { namedByContents } from '../../../../src/run/inputs.ts';
import { stageKinds } from '../../../../src/stages/index.ts';
import { among, command } from '../command.ts';
import { execute } from '../execute.ts';
import {
  answeringFlags,
  engineFlag,
  type FlagsOf,
  option,
  optional,
  runFlags,
  text,
  whole,
} from '../flags.ts';
import { keptInput } from '../inputs.ts';

const { options } = stageKinds.eval;

const flags = {
  data: optional(text('JSONL of dialogues instead of the generator', 'FILE')),
  seed: whole(0, 'Seed of the generator', 7),
  test: whole(1, 'Test dialogues of the generator', 864),
  generate_max_len: option(options.generate_max_len, { byDefault: 256 }),
  limit: option(options.limit),
  ...answeringFlags,
  engine: engineFlag,
  ...runFlags,
};
type Given = FlagsOf<typeof flags>;

/** A recipe that evaluates `checkpoints` and nothing else. */
export function evalRecipe(given: Omit<Given, 'json' | 'runs'>, checkpoints: readonly string[]): Recipe {
  const { data, seed, test } = given;
  const paths = checkpoints.map((path) => resolve(checkpointAt(path)));
  const names = paths.map(checkpointName);
  const label = (i: number): string =>
    (names.filter((name) => name === names[i]).length > 1 ? checkpoints[i] : names[i]) ?? '';
  return namedByContents(
    recipeSchema.parse({
      name: 'eval',
      ...among(given, answeringFlags),
      data:
        data === undefined
          ? { source: 'assistant', seed, test }
          : { source: 'file', train: resolve(data), test: resolve(data) },
      models: Object.fromEntries(paths.map((path, i) => [`m${i}`, path])),
      stages: [
        {
          name: 'evaluation',
          kind: 'eval',
          models: Object.fromEntries(paths.map((_, i) => [label(i), `m${i}`])),
          ...among(given, options),
        },
      ],
    }),
  );
}

export const evalHeldOutCommand = command({
  brief: 'Measure checkpoints on the held-out split',
  about:
    'Measures the exact-match accuracy of checkpoints, overall, by category and by class of error, and writes a\n' +
    'report. GGUF files are widened to f32 and computed by the same code.',
  examples: ['tinystar eval bases/student runs/tiny-star/stages/star --limit 200'],
  flags,
  list: { brief: 'Checkpoint folders or GGUF files', placeholder: 'CHECKPOINT' },
  async run(context, given, ...checkpoints) {
    for (const path of checkpoints) requireCheckpoint(path);
    const data = given.data === undefined ? {} : { data: keptInput(given.data, given.runs) };
    await execute(context, evalRecipe({ ...given, ...data }, checkpoints), given);
  },
});
