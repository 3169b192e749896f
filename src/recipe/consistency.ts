/** Checks of a well-formed recipe beyond its schema: that its numbers fit each other and its files are there. */
import { existsSync, statSync } from 'node:fs';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import { kindOf } from '../stages/index.ts';
import type { Neighbours } from '../stages/stage.ts';
import { pathText, type Problem } from './problems.ts';
import { placesIn } from './rules.ts';
import type { Recipe } from './schema.ts';

/** Options of a well-formed recipe's stages that do not fit each other or the stages referred to. */
export function consistencyProblems(recipe: Recipe): Problem[] {
  const neighbours: Neighbours = {
    stage: (name) => recipe.stages.find((stage) => stage.name === name),
    environment: (name) => recipe.environments?.[name],
    isAssistant: recipe.data.source === 'assistant',
  };
  const models = Object.entries(recipe.models).flatMap(([name, model]): Problem[] => {
    if (typeof model === 'string' || !('from' in model)) return [];
    if (typeof recipe.models[model.from] === 'string') return [];
    const text = `models.${name}.from is ${model.from}, of which no checkpoint is there before the run; name a model that is one.`;
    return [{ path: ['models', name, 'from'], part: 'value', text }];
  });
  const stages = recipe.stages.flatMap((stage, index) =>
    Array.from(kindOf(stage).check?.(stage, neighbours) ?? [], ([path, text]) => ({
      path: ['stages', index, ...path.split('.')],
      part: 'value' as const,
      text: `stages.${stage.name}.${path} ${text}`,
    })),
  );
  return [...models, ...stages];
}

/** Files and folders of a recipe that are not there: found before a run starts, not hours into it. */
export function missingFiles(recipe: Recipe): Problem[] {
  return placesIn(recipe).flatMap(({ path, value, rule: { wants } }): Problem[] => {
    if (wants === undefined || wants === 'any') return [];
    const kind =
      wants === 'module' ? 'file' : wants === 'checkpoint' ? (isGguf(value) ? 'file' : 'folder') : wants;
    if (existsSync(value) && (kind === 'folder') === statSync(value).isDirectory()) return [];
    const text = `${pathText(recipe, path)} is ${value}, and there is no such ${kind}; check the path.`;
    return [{ path, part: 'value', text }];
  });
}
