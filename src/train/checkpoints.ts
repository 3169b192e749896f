/**
 * A stage's checkpoints: folders `step-000123` that appear whole or not at all, so that a run that was killed at
 * any moment goes on from the newest one.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
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

/** Restores the newest checkpoint; undefined when there is none. */
export function restoreNewest(
  folder: string,
  trainer: Trainer,
): { step: number; state: unknown } | undefined {
  const newest = existing(folder)[0];
  if (newest === undefined) return undefined;
  trainer.restore(newest.path);
  const { step, state } = saved.parse(JSON.parse(readText(join(newest.path, 'stage.json'))));
  return { step, state };
}
