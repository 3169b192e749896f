/** What a user's path to a checkpoint means. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The folder of the checkpoint: the path itself, or the model in the folder of a run's stage. */
export function checkpointAt(path: string): string {
  const ofStage = join(path, 'model');
  const isStage = !existsSync(join(path, 'config.json')) && existsSync(join(ofStage, 'config.json'));
  return isStage ? ofStage : path;
}

/** What tables call a checkpoint: its folder, or the stage that it is the model of. */
export function checkpointName(path: string): string {
  const whole = resolve(path);
  return basename(basename(whole) === 'model' ? dirname(whole) : whole);
}
