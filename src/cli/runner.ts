/** The runner, loaded when a command needs it, as it brings the engine. */
import { UserError } from '../base/errors.ts';
import type { Recipe } from '../recipe/schema.ts';
import type { RunEvent } from '../train/events.ts';
import type { RunOptions } from './context.ts';

export interface Runner {
  runRecipe(recipe: Recipe, options: RunOptions): AsyncGenerator<RunEvent>;
}

export async function loadRunner(): Promise<Runner> {
  // Not a literal while src/recipe/runner.ts is being written: the compiler must not look for it yet.
  const path = '../recipe/runner.ts';
  const loaded: unknown = await import(path);
  if (isRunner(loaded)) return loaded;
  throw new UserError('RUNNER', 'This build has no runner; install a complete build of tinystar.');
}

function isRunner(loaded: unknown): loaded is Runner {
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    'runRecipe' in loaded &&
    typeof loaded.runRecipe === 'function'
  );
}
