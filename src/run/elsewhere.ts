/**
 * A stage that another engine trains: its folder says so from the moment when it is handed over, so that this program
 * does not train it a second time, and stays as a note of who has trained it.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { writeAtomic } from '../base/files.ts';
import { readJson } from '../base/json-file.ts';
import { type Elsewhere, elsewhereSchema } from '../eval/formats.ts';

const fileIn = (stageFolder: string): string => join(stageFolder, 'elsewhere.json');

/** Facts on the engine that a stage was handed to; undefined for a stage of this program's own. */
export function readElsewhere(stageFolder: string): Elsewhere | undefined {
  const path = fileIn(stageFolder);
  if (!existsSync(path)) return undefined;
  return readJson(path, elsewhereSchema, `remove ${stageFolder} to make that stage anew`);
}

export function markElsewhere(stageFolder: string, facts: Elsewhere): void {
  writeAtomic(fileIn(stageFolder), `${JSON.stringify(facts, null, 1)}\n`);
}

/** Gives a stage back to this program. */
export function unmarkElsewhere(stageFolder: string): void {
  rmSync(fileIn(stageFolder), { force: true });
}

/** Throws a UserError for a stage that is being trained elsewhere. */
export function refuseTrainedElsewhere(stageFolder: string, stage: string): void {
  const facts = readElsewhere(stageFolder);
  if (facts === undefined) return;
  throw new UserError(
    'ELSEWHERE',
    `Stage ${stage} is trained by ${facts.engine}: bring its checkpoint back by tinystar submit ${facts.job}, or end that by tinystar submit ${facts.job} --stop to train it here.`,
  );
}
