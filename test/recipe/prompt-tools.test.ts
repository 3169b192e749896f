/** Context distillation: a student whose prompts show less of the functions than the prompts of the teacher that it learns from. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChatTemplate, OWN_TEMPLATE } from '../../src/chat/template.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { loadConfig } from '../../src/model/checkpoint/checkpoint.ts';
import { parseRecipe } from '../../src/recipe/load.ts';
import type { Recipe } from '../../src/recipe/schema.ts';
import { contextOf } from '../../src/run/context.ts';
import { distillLessons } from '../../src/stages/distill.ts';
import { learnedTrajectories } from '../../src/stages/lessons.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { runAll, runBefore, runStopping, readLines, scratchFolder, smoke, traceOf } from '../helpers/runs.ts';

const { folder: scratch, remove } = scratchFolder();
const modelOf = (stage: string): string => join(scratch, 'smoke', 'stages', stage, 'model');

/** A teacher that reads whole schemas, and a student that reads less of them, by every kind of stage that learns from answers. */
const recipeOf = (shown: string, stages: readonly object[] = [], name = `student-${shown}`): Recipe =>
  parseRecipe(
    JSON.stringify({
      name,
      threads: 1,
      data: { source: 'assistant', seed: 7, train: 64, test: 12 },
      models: {
        base: modelOf('base'),
        teacher: modelOf('teacher'),
        student: { from: 'base', prompt_tools: shown },
      },
      defaults: {
        generate_max_len: 12,
        prompt_max_len: 1024,
        kd_topk: 20,
        train_batch_size: 4,
        save_steps: 1,
      },
      stages: [
        { name: 'given', kind: 'rollout', model: 'teacher', from: join(scratch, 'smoke') },
        {
          name: 'ckd',
          kind: 'distill',
          model: 'student',
          data: 'given',
          kd_student_topm: 20,
          max_samples: 96,
        },
        ...stages,
      ],
    }),
    join(scratch, 'recipe.yaml'),
  );

const LATER = [
  { name: 'sft', kind: 'sft', model: 'ckd', max_samples: 8 },
  {
    name: 'star',
    kind: 'simrl',
    model: 'ckd',
    steps: 1,
    rollout_batch_size: 2,
    n_samples_per_prompt: 4,
    dynamic_filtering: false,
  },
  { name: 'evaluation', kind: 'eval', models: { star: 'star' }, limit: 2 },
];

beforeAll(async () => {
  await runAll(smoke(), scratch, { until: 'rollouts' });
}, 120_000);
afterAll(remove);

/** Prompts and answers that a student learns from, as text, and those that were stored, by their dialogues. */
async function lessons(
  shown: string,
): Promise<{ prompts: string[]; answers: string[]; template: ChatTemplate }> {
  const recipe = recipeOf(shown);
  await runAll(recipe, scratch);
  const folder = join(scratch, recipe.name);
  using device = Device.open('cpu', 1);
  const stage = recipe.stages.find(({ name }) => name === 'ckd');
  if (stage?.kind !== 'distill') throw new Error('no stage');
  const { signal } = new AbortController();
  const context = contextOf({ recipe, folder, device, signal, now: () => 0 }, stage);
  using model = context.openModel('student', { trainable: false });
  const { examples: pending } = distillLessons(context, { ...stage, tree_size: 1 }, model);
  const examples = await Promise.all(pending.map(async (one) => await one.make(signal)));
  const text = (ids: Int32Array): string => model.tokenizer.decode(ids);
  return {
    prompts: examples.map(({ prompt }) => text(prompt)),
    answers: examples.flatMap(({ completions }) => completions.map(({ tokens }) => text(tokens))),
    template: model.template,
  };
}

describe('a student that is shown less of the functions', () => {
  test.each(['names', 'none'] as const)(
    'learns the answers of a teacher that saw all of them: %s',
    async (shown) => {
      const [full, own] = [await lessons('all'), await lessons(shown)];
      expect(own.template.promptTools).toBe(shown);
      expect(own.answers).toEqual(full.answers);
      expect(own.prompts.length).toBeGreaterThan(1);
      for (const [i, prompt] of own.prompts.entries()) {
        expect(full.prompts[i]).toContain('"parameters"');
        expect(prompt).not.toContain('"parameters"');
        expect(prompt.includes('"name"')).toBe(shown === 'names');
        // The request is the same one.
        const request = full.prompts[i]?.split('<|im_start|>user\n')[1];
        expect(prompt.split('<|im_start|>user\n')[1]).toBe(request);
      }
    },
  );

  test('is left with a template that shows as much, whoever renders it, and is asked so by later stages', async () => {
    const recipe = recipeOf('none', LATER, 'later');
    await runAll(recipe, scratch);
    for (const stage of ['ckd', 'sft', 'star']) {
      const tokenizer = Tokenizer.load(join(scratch, 'later', 'stages', stage, 'model'));
      expect(ChatTemplate.of(tokenizer).promptTools).toBe('none');
    }
    const drawn = readLines(join(scratch, 'later', 'samples.jsonl')).filter(({ stage }) => stage === 'star');
    expect(drawn.length).toBeGreaterThan(0);
    for (const { prompt } of drawn) expect(prompt).not.toContain('<tools>');
  });

  test('is the same to the byte after a stop at every step', async () => {
    const recipe = recipeOf('names', LATER, 'stopped');
    await runAll(recipe, join(scratch, 'whole'));
    await runStopping(recipe, join(scratch, 'parts'), 1);
    expect(traceOf(join(scratch, 'parts', 'stopped'))).toEqual(traceOf(join(scratch, 'whole', 'stopped')));
  });

  test('refuses answers to other dialogues, conversations behind whole prompts, and a teacher who would read its short ones', async () => {
    const smoked = smoke();
    const changed = runBefore(smoked, join(scratch, 'smoke'), 'ckd', join(scratch, 'changed'));
    const path = join(changed, 'smoke', 'stages', 'rollouts', 'rollouts', 'answers.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/(<\|im_start\|>user\\n)./g, '$1'));
    const text = JSON.stringify(recipeOf('none')).replaceAll(
      JSON.stringify(join(scratch, 'smoke')),
      JSON.stringify(join(changed, 'smoke')),
    );
    const other = { ...(JSON.parse(text) as Recipe), name: 'other' };
    await expect(runAll(other, scratch)).rejects.toThrow(
      'Stage ckd: the prompts of given are not those of the training dialogues; make the rollouts anew',
    );
    const template = OWN_TEMPLATE.withPromptTools('none');
    const speaking = {
      tokenizer: Tokenizer.load(modelOf('base')),
      template,
      config: loadConfig(modelOf('base')),
    };
    expect(() => learnedTrajectories({ name: 'sft' } as StageContext, 'chains', speaking)).toThrow(
      "Stage sft learns from the conversations of chains with the prompts that they have, and its model's show none",
    );
    const gkd = { name: 'gkd', kind: 'gkd', model: 'student', teacher: 'teacher' };
    await expect(runAll(recipeOf('names', [gkd], 'gkd'), scratch)).rejects.toThrow(
      'Stage gkd: its teacher teacher reads all of the functions (prompt_tools) and the student names',
    );
  });
});
