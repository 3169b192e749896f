/** A recipe of two stages whose one base model is an empty folder: enough for what happens before the engine. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes the recipe into `folder` and returns its path. */
export function writeSmallRecipe(folder: string): string {
  mkdirSync(join(folder, 'base'));
  const path = join(folder, 'small.yaml');
  writeFileSync(
    path,
    `name: small
models: { base: base }
stages:
  - { name: ckd, kind: sft, model: base }
  - { name: star, kind: simrl, model: ckd }
`,
  );
  return path;
}
