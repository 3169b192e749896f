/** `tinystar eval CHECKPOINT...`: checkpoints on the held-out split, as a run of one stage. */
import { resolve } from 'node:path';
import { buildCommand } from '@stricli/core';
import { checkpointAt, checkpointName, requireCheckpoint } from '../../model/checkpoint/checkpoint-path.ts';
import { namedByContents } from '../../run/inputs.ts';
import { recipeSchema } from '../../recipe/schema.ts';
import type { Recipe } from '../../recipe/schema.ts';
import type { CliContext } from '../context.ts';
import { execute } from '../execute.ts';
import { keptInput } from '../kept-input.ts';
import { debugFlag, engineFlag, examples, runsFlag, wholeNumber, thinkingFlag } from '../flags.ts';

interface Flags {
  readonly data?: string;
  readonly seed: number;
  readonly test: number;
  readonly limit?: number;
  readonly maxTokens: number;
  readonly device: string;
  readonly engine?: 'tinystar' | 'llama.cpp';
  readonly thinking?: 'on' | 'off';
  readonly runs: string;
  readonly json: boolean;
  readonly debug: boolean;
}

async function evaluate(this: CliContext, flags: Flags, ...checkpoints: string[]): Promise<void> {
  for (const path of checkpoints) requireCheckpoint(path);
  const data = flags.data === undefined ? {} : { data: keptInput(flags.data, flags.runs) };
  const recipe = evalRecipe({ ...flags, ...data }, checkpoints);
  await execute(this, recipe, { runsDir: flags.runs, json: flags.json });
}

/** A recipe that evaluates `checkpoints` and nothing else. */
export function evalRecipe(
  flags: Omit<Flags, 'json' | 'runs' | 'debug'>,
  checkpoints: readonly string[],
): Recipe {
  const paths = checkpoints.map((path) => resolve(checkpointAt(path)));
  const names = paths.map(checkpointName);
  const label = (i: number): string =>
    (names.filter((name) => name === names[i]).length > 1 ? checkpoints[i] : names[i]) ?? '';
  const data = flags.data === undefined ? undefined : resolve(flags.data);
  return namedByContents(
    recipeSchema.parse({
      name: 'eval',
      device: flags.device,
      ...(flags.thinking === undefined ? {} : { thinking: flags.thinking }),
      data:
        data === undefined
          ? { source: 'assistant', seed: flags.seed, test: flags.test }
          : { source: 'file', train: data, test: data },
      models: Object.fromEntries(paths.map((path, i) => [`m${i}`, path])),
      stages: [
        {
          name: 'evaluation',
          kind: 'eval',
          models: Object.fromEntries(paths.map((_, i) => [label(i), `m${i}`])),
          generate_max_len: flags.maxTokens,
          ...(flags.engine === undefined ? {} : { engine: flags.engine }),
          ...(flags.limit === undefined ? {} : { limit: flags.limit }),
        },
      ],
    }),
  );
}

const parsed = { kind: 'parsed' } as const;

export const evalHeldOutCommand = buildCommand<Flags, string[], CliContext>({
  func: evaluate,
  parameters: {
    flags: {
      data: {
        ...parsed,
        parse: String,
        brief: 'JSONL of dialogues instead of the generator',
        optional: true,
        placeholder: 'FILE',
      },
      seed: {
        ...parsed,
        parse: wholeNumber(0),
        brief: 'Seed of the generator',
        default: '7',
        placeholder: 'N',
      },
      test: {
        ...parsed,
        parse: wholeNumber(1),
        brief: 'Test dialogues of the generator',
        default: '864',
        placeholder: 'N',
      },
      limit: {
        ...parsed,
        parse: wholeNumber(1),
        brief: 'Use at most this many',
        optional: true,
        placeholder: 'N',
      },
      maxTokens: {
        ...parsed,
        parse: wholeNumber(1),
        brief: 'Longest answer',
        default: '256',
        placeholder: 'N',
      },
      device: { ...parsed, parse: String, brief: 'cpu, gpu or a name', default: 'cpu', placeholder: 'NAME' },
      engine: engineFlag,
      thinking: thinkingFlag,
      runs: runsFlag,
      json: { kind: 'boolean', brief: 'Print events as JSON lines', default: false, withNegated: false },
      debug: debugFlag,
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Checkpoint folders or GGUF files', parse: String, placeholder: 'CHECKPOINT' },
    },
  },
  docs: {
    brief: 'Measure checkpoints on the held-out split',
    fullDescription: examples(
      'Measures the exact-match accuracy of checkpoints, overall, by category and by class of error, and writes a\nreport. GGUF files are widened to f32 and computed by the same code.',
      'tinystar eval bases/student runs/tiny-star/stages/star --limit 200',
    ),
  },
});
