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

export interface Restored {
  readonly step: number;
  readonly state: unknown;
  /** Newer checkpoints that could not be read. */
  readonly warnings: readonly string[];
}

/** Restores the newest checkpoint that can be read; undefined when there is none at all. */
export function restoreNewest(folder: string, trainer: Trainer): Restored | undefined {
  const warnings: string[] = [];
  const checkpoints = existing(folder);
  for (const { path } of checkpoints) {
    try {
      const { step, state } = saved.parse(JSON.parse(readText(join(path, 'stage.json'))));
      trainer.restore(path);
      return { step, state, warnings };
    } catch (thrown) {
      const unreadable =
        thrown instanceof UserError || thrown instanceof SyntaxError || thrown instanceof z.ZodError;
      if (!unreadable) throw thrown;
      warnings.push(`the checkpoint ${path} is damaged and was passed over (${errorText(thrown)})`);
    }
  }
  if (checkpoints.length === 0) return undefined;
  throw new UserError(
    'CHECKPOINT',
    `No checkpoint in ${folder} can be read (${errorText(warnings[0])}); remove that folder to begin the stage anew.`,
  );
}
