/** What a schema cannot say of a well-formed recipe: that its numbers fit each other and its files are there. */
import { existsSync, statSync } from 'node:fs';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import { kindOf } from '../stages/index.ts';
import type { Neighbours } from '../stages/stage.ts';
import { pathText, type Problem } from './problems.ts';
import { placesIn } from './rules.ts';
import type { Recipe } from './schema.ts';

/** Numbers of a well-formed recipe that do not fit each other. */
export function consistencyProblems(recipe: Recipe): Problem[] {
  const problems: Problem[] = [];
  for (const [name, model] of Object.entries(recipe.models)) {
    if (typeof model === 'string' || model.num_attention_heads % model.num_key_value_heads === 0) continue;
    problems.push({
      path: ['models', name, 'num_attention_heads'],
      part: 'value',
      text: `models.${name}.num_attention_heads is ${model.num_attention_heads} and must be a multiple of num_key_value_heads (${model.num_key_value_heads}).`,
    });
  }
  const neighbours: Neighbours = {
    stage: (name) => recipe.stages.find((stage) => stage.name === name),
    environment: (name) => recipe.environments?.[name],
    isAssistant: recipe.data.source === 'assistant',
  };
  for (const [index, stage] of recipe.stages.entries())
    for (const { path, text } of kindOf(stage).check?.(stage, neighbours) ?? [])
      problems.push({
        path: ['stages', index, ...path],
        part: 'value',
        text: `stages.${stage.name}${text}`,
      });
  return problems;
}

/** Files and folders of a recipe that are not there: found before a run starts, not hours into it. */
export function missingFiles(recipe: Recipe): Problem[] {
  return placesIn(recipe).flatMap(({ path, value, rule: { wants } }): Problem[] => {
    if (wants === undefined || wants === 'any') return [];
    const kind = wants === 'checkpoint' ? (isGguf(value) ? 'file' : 'folder') : wants;
    if (existsSync(value) && (kind === 'folder') === statSync(value).isDirectory()) return [];
    const text = `${pathText(recipe, path)} is ${value}, and there is no such ${kind}; check the path.`;
    return [{ path, part: 'value', text }];
  });
}
