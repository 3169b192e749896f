/** `tinystar run`: carries a recipe through its stages, or resumes it where it was stopped. */
import { dirname } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import { estimateRecipe, isLarge, obstacles } from '../../../estimate/src/index.ts';
import { loadEstimable, loadRecipe } from '../../../../src/recipe/load.ts';
import { formatRecipe } from '../../../../src/recipe/resolve.ts';
import type { Recipe } from '../../../../src/recipe/schema.ts';
import { command } from '../command.ts';
import { execute } from '../execute.ts';
import { optional, overrides, recipeFlags, runFlags, text, toggle } from '../flags.ts';
import { printEstimate } from './estimate.ts';

/** Refuses a run that cannot fit, as far as it goes. Small models fit any machine, and are not looked at. */
function needRoom(recipe: Recipe, runsDir: string, until: string | undefined): void {
  const last = recipe.stages.findIndex(({ name }) => name === until);
  const own = last < 0 ? recipe : { ...recipe, stages: recipe.stages.slice(0, last + 1) };
  if (!isLarge(own)) return;
  const faults = obstacles(estimateRecipe(own, runsDir));
  if (faults.length === 0) return;
  throw new UserError(
    'DOES_NOT_FIT',
    `The run cannot fit: ${faults.join('; ')}. Set gradient_checkpointing, lora, compute_dtype or a smaller micro_train_batch_size (tinystar estimate says what helps), or run with --force.`,
  );
}

export const runCommand = command({
  brief: 'Run a recipe, or resume it',
  about:
    'Carries a recipe through its stages into runs/<name>: log, samples, checkpoints, report. Re-run the same command\n' +
    'to resume from the last checkpoint after Ctrl-C, a crash or a power cut.',
  examples: [
    'tinystar run recipes/tiny-star.yaml',
    'tinystar run recipes/tiny-star.yaml --dry-run',
    'tinystar run recipes/tiny-star.yaml --until rollouts',
    'tinystar run recipes/tiny-star.yaml --set stages.ckd.lr=5e-4 --set name=my-run',
  ],
  flags: {
    ...recipeFlags,
    json: runFlags.json,
    dry_run: toggle('Print the resolved recipe and what it will need, and run nothing'),
    until: optional(text('Rest after this stage; the same command without it goes on', 'STAGE')),
    force: toggle('Run even what cannot fit into memory or disk'),
  },
  args: [{ brief: 'Recipe file (YAML)', placeholder: 'RECIPE' }],
  async run(context, given, path) {
    const set = overrides(given);
    if (given.dry_run) {
      if (!given.json) {
        loadEstimable(path, { set });
        context.process.stdout.write(`${formatRecipe(loadRecipe(path, { set }), dirname(path))}\n`);
      }
      await printEstimate(context, path, given);
      return;
    }
    const recipe = loadRecipe(path, { set, checkFiles: true });
    if (!given.force) needRoom(recipe, given.runs, given.until);
    await execute(context, recipe, given);
  },
});
