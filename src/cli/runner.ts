/** The runner, loaded when a command needs it, as it brings the engine. */
import type { Recipe } from '../recipe/schema.ts';
import type { RunEvent } from '../train/events.ts';
import type { RunOptions } from './context.ts';

export interface Runner {
  runRecipe(recipe: Recipe, options: RunOptions): AsyncGenerator<RunEvent>;
}

export async function loadRunner(): Promise<Runner> {
  return import('../run/runner.ts');
}
