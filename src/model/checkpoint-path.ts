/** What a user's path to a checkpoint means: a folder, or a GGUF file. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Whether a path means a GGUF file and no folder. */
export const isGguf = (path: string): boolean => path.toLowerCase().endsWith('.gguf');

/** The folder of the checkpoint: the path itself, or the model in the folder of a run's stage. */
export function checkpointAt(path: string): string {
  if (isGguf(path)) return path;
  const ofStage = join(path, 'model');
  const isStage = !existsSync(join(path, 'config.json')) && existsSync(join(ofStage, 'config.json'));
  return isStage ? ofStage : path;
}

/** Whether there is something at a path that may be read as a checkpoint. */
export function isCheckpoint(path: string): boolean {
  return existsSync(isGguf(path) ? path : join(checkpointAt(path), 'config.json'));
}

/** When a checkpoint's weights were written, in milliseconds: it changes when they do. Undefined where they are not there. */
export function weightsStamp(source: string): number | undefined {
  const weights = isGguf(source) ? source : join(source, 'model.safetensors');
  return statSync(weights, { throwIfNoEntry: false })?.mtimeMs;
}

/** What tables call a checkpoint: its folder, or the stage that it is the model of. */
export function checkpointName(path: string): string {
  const whole = resolve(path);
  return basename(basename(whole) === 'model' ? dirname(whole) : whole);
}
