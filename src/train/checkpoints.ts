/**
 * A stage's checkpoints: folders `step-000123` that appear whole or not at all, so that a run that was killed at
 * any moment goes on from the newest one.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorText, UserError } from '../base/errors.ts';
import { readText, writeAtomic, writeFolderAtomic } from '../base/files.ts';
import type { Trainer } from './trainer.ts';

const PATTERN = /^step-(\d{6,})$/;
/** The newest one, and one before it in case the disk lost the newest. */
const KEPT = 2;

function existing(folder: string): { step: number; path: string }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const match = PATTERN.exec(name);
      return match === null ? [] : [{ step: Number(match[1]), path: join(folder, name) }];
    })
    .sort((a, b) => b.step - a.step);
}

const saved = z.object({ step: z.int(), state: z.unknown() });

export const checkpointsIn = (folder: string): string => join(folder, 'checkpoints');

/** Saves what step `step` left behind, then removes older checkpoints. Returns the folder. */
export function saveCheckpointStep(folder: string, step: number, trainer: Trainer, state: unknown): string {
  const path = join(folder, `step-${String(step).padStart(6, '0')}`);
  writeFolderAtomic(path, (temporary) => {
    trainer.save(temporary);
    writeAtomic(join(temporary, 'stage.json'), JSON.stringify({ step, state }));
  });
  for (const old of existing(folder).slice(KEPT)) rmSync(old.path, { recursive: true, force: true });
  return path;
}

/**
 * Restores the newest checkpoint that can be read, and warns of newer ones; step 0 when there is none at all. `restore`
 * takes over what `saveCheckpointStep` was given beside the trainer, and throws where it is of another form.
 */
export function restoreNewest(
  folder: string,
  stage: { readonly trainer: Pick<Trainer, 'restore'>; restore(state: unknown): void },
): { readonly step: number; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const checkpoints = existing(folder);
  for (const { path, step } of checkpoints) {
    try {
      const { state } = saved
        .extend({ step: z.literal(step) })
        .parse(JSON.parse(readText(join(path, 'stage.json'))));
      stage.trainer.restore(path);
      stage.restore(state);
      return { step, warnings };
    } catch (thrown) {
      const unreadable =
        thrown instanceof UserError || thrown instanceof SyntaxError || thrown instanceof z.ZodError;
      if (!unreadable) throw thrown;
      const why = thrown instanceof UserError ? thrown.message : 'its step or state is not what was written';
      warnings.push(`the checkpoint ${path} is damaged and was passed over (${why})`);
    }
  }
  if (checkpoints.length === 0) return { step: 0, warnings };
  throw new UserError(
    'CHECKPOINT',
    `No checkpoint in ${folder} can be read (${errorText(warnings[0])}); remove that folder to begin the stage anew.`,
  );
}
