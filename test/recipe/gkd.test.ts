/** On-policy distillation end to end: whose answers are learned from, the loss recomputed another way, stops, and refusals. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashString } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { ChatTemplate } from '../../src/chat/template.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { renderDialogue } from '../../src/data/render.ts';
import { Device } from '../../src/ggml/device.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { parseRecipe } from '../../src/recipe/load.ts';
import type { NewModel, Recipe } from '../../src/recipe/schema.ts';
import { dialoguesOf } from '../../src/run/context.ts';
import { Local } from '../../src/sampling/local.ts';
import { sampleAll } from '../../src/sampling/sampler.ts';
import type { Metrics } from '../../src/train/events.ts';
import { fullLogits, logSoftmax } from '../helpers/full-logits.ts';
import { jsd, randomRows, type Row, topIds } from '../helpers/reference-losses.ts';
import { runAll, scratchFolder, smoke, traceOf } from '../helpers/runs.ts';
import { expectClose, TOLERANCES } from '../helpers/tolerances.ts';

const { folder: scratch, remove } = scratchFolder();
const modelOf = (stage: string): string => join(scratch, 'smoke', 'stages', stage, 'model');

beforeAll(async () => {
  await runAll(smoke(), scratch, { until: 'rollouts' });
}, 120_000);
afterAll(remove);

/** A recipe with a stage of GKD of these options, of models that are there. */
const recipeOf = (options: object, name = 'gkd'): Recipe =>
  parseRecipe(
    JSON.stringify({
      name,
      threads: 1,
      data: { source: 'assistant', seed: 7, train: 64, test: 12 },
      models: { base: modelOf('base'), teacher: modelOf('teacher') },
      defaults: { generate_max_len: 12, prompt_max_len: 1024, kd_topk: 20 },
      stages: [
        { name: 'given', kind: 'rollout', model: 'teacher', from: join(scratch, 'smoke') },
        { name: 'gkd', kind: 'gkd', model: 'base', teacher: 'teacher', seed: 5, ...options },
      ],
    }),
    join(scratch, 'recipe.yaml'),
  );

async function stepsOf(options: object, name: string): Promise<Metrics[]> {
  const events = await runAll(recipeOf(options, name), scratch);
  return events.flatMap((event) => (event.type === 'step' && event.stage === 'gkd' ? [event.metrics] : []));
}

/** The mean divergence over an answer's tokens by whole distributions, with one forward pass of each model and no tree. */
async function divergence(prompt: TokenIds, answer: TokenIds, beta: number): Promise<number> {
  using device = Device.open('cpu', 1);
  const sequence = asTokenIds([...prompt, ...answer]);
  const logits = async (stage: string): Promise<Float32Array[]> => {
    const { config, parameters } = loadModel(device, modelOf(stage), { trainable: false });
    using weights = parameters;
    return await fullLogits(device, config, weights, sequence);
  };
  const [students, teachers] = [await logits('base'), await logits('teacher')];
  const [some] = randomRows(1, { rows: 1, vocabulary: 8, k: 2 });
  const values = Array.from(answer, (_, i) => {
    const at = prompt.length - 1 + i;
    const teacher = logSoftmax(teachers[at]!);
    const teacherIds = topIds([...teacher], teacher.length);
    const teacherLogprobs = teacherIds.map((id) => teacher[id]!);
    const row: Row = { ...some!, logits: [...students[at]!], teacherIds, teacherLogprobs };
    return jsd(row, beta);
  });
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** The first training dialogue's prompt and gold answer, and what the student writes in place of it in the first step. */
async function firstAnswers(recipe: Recipe): Promise<{ prompt: TokenIds; gold: TokenIds; own: TokenIds }> {
  using device = Device.open('cpu', 1);
  const tokenizer = Tokenizer.load(modelOf('base'));
  const template = ChatTemplate.of(tokenizer);
  const dialogue = dialoguesOf(recipe, 'train').at(0)!;
  const { promptIds, targetIds } = renderDialogue(dialogue, tokenizer, template);
  const { config, parameters } = loadModel(device, modelOf('base'), { trainable: false });
  using student = new Local(device, { name: 'base', config, weights: parameters, tokenizer, template }, [
    parameters,
  ]);
  const asked = { temperature: 0.9, generate_max_len: 12, n_samples_per_prompt: 1, seed: hashString('5:0') };
  const [[drawn] = []] = await sampleAll(student, [{ ids: promptIds }], asked);
  return { prompt: promptIds, gold: targetIds, own: drawn!.tokens };
}

const ONE = { max_samples: 1, train_batch_size: 1, kd_topk: 512 };

test.each([0, 0.5, 1])(
  'with beta %d the loss is the divergence of whole distributions over what the student wrote, or over the gold answer',
  async (beta) => {
    const { prompt, gold, own } = await firstAnswers(recipeOf(ONE));
    for (const [lmbda, answer] of [
      [1, own],
      [0, gold],
    ] as const) {
      const [step] = await stepsOf({ ...ONE, beta, lmbda }, `one-${beta}-${lmbda}`);
      expect(step).toMatchObject({ on_policy: lmbda });
      expectClose([step!.loss!], [await divergence(prompt, answer, beta)], TOLERANCES.objective, 'loss');
    }
  },
);

test('a teacher that is the student itself has nothing to teach', async () => {
  const options = { teacher: 'base', max_samples: 4, train_batch_size: 4, lmbda: 1 };
  const [step] = await stepsOf(options, 'itself');
  expect(Math.abs(step!.loss!)).toBeLessThan(1e-6);
  expect(step!.grad_norm).toBeLessThan(1e-5);
});

/** Three trees, and a step of each. */
const TREES = { max_samples: 24, train_batch_size: 8, lr: 1e-2, save_steps: 2 };

test('about a share lmbda of the steps has answers of the student, and the student comes closer to its teacher', async () => {
  const steps = await stepsOf({ ...TREES, max_epochs: 4 }, 'learns');
  const shares = steps.map(({ on_policy }) => on_policy);
  expect(new Set(shares)).toEqual(new Set([0, 1]));
  for (const kind of [0, 1]) {
    const losses = steps.filter(({ on_policy }) => on_policy === kind).map(({ loss }) => loss!);
    expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
  }
}, 120_000);

test("a teacher's own answers stand in place of gold ones, and the student's in place of either", async () => {
  for (const lmbda of [0, 1]) {
    const options = { data: 'given', max_samples: 16, train_batch_size: 8, lmbda };
    const steps = await stepsOf(options, `sequences-${lmbda}`);
    expect(steps.length).toBeGreaterThan(0);
    expect(steps.every(({ loss, on_policy }) => loss! > 0 && on_policy === lmbda)).toBe(true);
  }
});

test('stopped after every step, it ends with the same bytes', async () => {
  const recipe = recipeOf({ ...TREES, max_epochs: 2 }, 'stopped');
  const [runs, others] = [join(scratch, 'whole'), join(scratch, 'parts')];
  await runAll(recipe, runs);
  let stops = 0;
  for (let ended = false; !ended; stops++) {
    const stop = new AbortController();
    const events = await runAll(recipe, others, {
      signal: stop.signal,
      onEvent: ({ type, stage }) => {
        if (type === 'step' && stage === 'gkd') stop.abort();
      },
    });
    ended = events.some(({ type, stage }) => type === 'done' && stage === 'gkd');
  }
  expect(stops).toBeGreaterThan(4);
  expect(traceOf(join(others, 'stopped'))).toEqual(traceOf(join(runs, 'stopped')));
}, 120_000);

describe('refused is', () => {
  test('a server as teacher, when the recipe is read', () => {
    const teacher = { kind: 'vllm', endpoints: ['http://localhost:1'] };
    expect(() => recipeOf({ teacher })).toThrow(
      /stages\.gkd\.teacher is a server, and none is asked for the probabilities of what it did not write; name a model/,
    );
  });

  test('a reward threshold of gold answers', () => {
    expect(() => recipeOf({ reward_threshold: 0.5 })).toThrow(/reward_threshold is set, and gold answers/);
  });

  test('more ids than the vocabulary has', async () => {
    await expect(stepsOf({ kd_topk: 513 }, 'many')).rejects.toThrow(
      'Stage gkd: kd_topk is 513, and the vocabulary has 512 ids; lower it.',
    );
  });

  test('a teacher with another vocabulary', async () => {
    const { models, stages, ...recipe } = recipeOf({}, 'other');
    const { tiny } = smoke().models;
    const other = { ...(tiny as NewModel), tokenizer: { vocab_size: 500, groups: 8 } };
    await expect(
      runAll({ ...recipe, models: { ...models, teacher: other }, stages: stages.slice(1) }, scratch),
    ).rejects.toThrow(/its teacher teacher has another vocabulary .* use one with the student's tokenizer/);
  });
});
