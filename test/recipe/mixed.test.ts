/** Stages that learn from a teacher's stored answers beside others: LUFFY, CKD with Sim-RL, SFT on its thoughts. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { parseRecipe } from '../../src/recipe/load.ts';
import { contextOf, dialoguesOf } from '../../src/run/context.ts';
import { sftLessons } from '../../src/stages/sft.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { readLines, runAll, runBefore, runStopping, scratchFolder, smoke, traceOf } from '../helpers/runs.ts';

const { folder: scratch, remove } = scratchFolder();
const { export: _export, ...rest } = smoke();
const recipe = { ...rest, stages: rest.stages.filter(({ name }) => name !== 'evaluation' && name !== 'dpo') };
const folder = join(scratch, 'smoke');
let events: readonly RunEvent[] = [];

beforeAll(async () => {
  events = await runAll(recipe, scratch);
}, 120_000);
afterAll(remove);

const steps = (stage: string): Partial<Record<string, number>>[] =>
  events.flatMap((event) => (event.type === 'step' && event.stage === stage ? [event.metrics] : []));

/** Stored prompts with their answers. */
function stored(): { id: string; samples: { text: string; reward: number }[] }[] {
  const lines = readLines(join(folder, 'stages/rollouts/rollouts/answers.jsonl'));
  return lines.flatMap((line) => line['kept'] as ReturnType<typeof stored>);
}

/** A copy of the run up to a stage, with other rollouts, as if they had always been these. */
function changed(stage: string, name: string, change: (text: string) => string): string {
  const runs = runBefore(recipe, folder, stage, join(scratch, name));
  const stages = join(runs, 'smoke/stages');
  const path = join(stages, 'rollouts/rollouts/answers.jsonl');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
  for (const one of readdirSync(stages)) rmSync(join(stages, one, 'inputs.json'), { force: true });
  return runs;
}

test("LUFFY's groups have an answer of the teacher each, whose probability is logged, and rewards are of the drawn", () => {
  for (const metrics of steps('luffy')) {
    expect(metrics['off_policy_tokens']).toBeGreaterThan(0.02);
    expect(metrics['off_policy_tokens']).toBeLessThan(0.9);
    // A model that has learned little finds each of 512 tokens about as likely.
    expect(metrics['off_policy_prob']).toBeGreaterThan(0.0005);
    expect(metrics['off_policy_prob']).toBeLessThan(0.05);
    expect(metrics['completion_tokens']).toBeLessThanOrEqual(12);
    expect(metrics['kl']).toBeUndefined();
  }
  const ids = new Set(stored().map(({ id }) => id));
  const shown = readLines(join(folder, 'samples.jsonl')).filter(({ stage }) => stage === 'luffy');
  expect(shown.length).toBeGreaterThan(0);
  expect(shown.every(({ id }) => ids.has(String(id)))).toBe(true);
});

test('CKD and Sim-RL in one step: the loss is the sum of both, each over its own tokens', () => {
  for (const metrics of steps('joint')) {
    const { loss = 0, policy_loss = 0, kl = 0, kd_loss = 0, fkl = 0, tail = 0 } = metrics;
    expect(loss).toBeCloseTo(policy_loss + 1e-3 * kl + kd_loss, 5);
    expect(kd_loss).toBeCloseTo(fkl + 10 * tail, 5);
  }
  // The loss that CKD alone begins at, on the same answers.
  expect(steps('joint')[0]?.['fkl']).toBeCloseTo(steps('ckd')[0]?.['fkl'] ?? 0, 0);
});

describe('SFT on thoughts', () => {
  test('has the thought of the best stored answer before the right one, and leaves prompts without one out', async () => {
    using device = Device.open('cpu', 1);
    const stage = recipe.stages.find(({ name }) => name === 'sft-think');
    if (stage?.kind !== 'sft') throw new Error('no stage');
    const signal = new AbortController().signal;
    const context = contextOf({ recipe, folder, device, signal, now: () => 0 }, stage);
    using model = context.openModel('base', { trainable: false });
    const { examples } = await sftLessons(context, stage, model);
    const written: string[] = [];
    for (const pending of examples) {
      const { completions } = await pending.make(signal);
      for (const { tokens, rows } of completions)
        written.push(model.tokenizer.decode(asTokenIds(rows.map((row) => tokens[row]!))));
    }
    const gold = new Map(
      Array.from(dialoguesOf(recipe, 'train'), (dialogue) => [dialogue.id, dialogue.messages.at(-1)!]),
    );
    const want = stored().flatMap(({ id, samples }) => {
      const thought = samples
        .toSorted((a, b) => b.reward - a.reward)
        .map(({ text }) => (/<think>(.*?)<\/think>/s.exec(text)?.[1] ?? '').trim())
        .find((text) => text !== '');
      const { content, toolCalls = [] } = gold.get(id)!;
      const calls = toolCalls.map(
        ({ name, arguments: given }) =>
          `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${JSON.stringify(given).replaceAll('":', '": ').replaceAll(',"', ', "')}}\n</tool_call>`,
      );
      const answer = [...(content === '' ? [] : [content]), ...calls].join('\n');
      return thought === undefined ? [] : [`<think>\n${thought}\n</think>\n\n${answer}<|im_end|>`];
    });
    expect(want.length).toBeGreaterThan(0);
    expect(written.toSorted()).toEqual(want.toSorted());
  });

  test('without a thought in the rollouts it says so in one sentence', async () => {
    const runs = changed('sft-think', 'thoughtless', (text) => text.replaceAll(/<\/?think>/g, ''));
    await expect(runAll(recipe, runs)).rejects.toThrow(
      'Stage sft-think has nothing to learn from: no answer of rollouts that it may use has a thought; take a teacher that thinks (thinking: on), or lower reward_threshold.',
    );
  });
});

test('stopped after every step, each of them reaches the same files', async () => {
  const runs = runBefore(recipe, folder, 'luffy', join(scratch, 'stopped'));
  await runStopping(recipe, runs, 1);
  expect(traceOf(join(runs, 'smoke'))).toEqual(traceOf(folder));
}, 240_000);

test('rollouts of other prompts are refused in one sentence', async () => {
  const runs = changed('luffy', 'others', (text) => text.replaceAll('"prompt":"', '"prompt":"other '));
  await expect(runAll(recipe, runs)).rejects.toThrow(
    'Stage luffy: the prompts of rollouts are not those of the training dialogues; make the rollouts anew',
  );
});

describe('faults of a recipe are told with the way out', () => {
  const faultsOf = (stage: string) => (): unknown =>
    parseRecipe(
      `name: x
data: { source: assistant, train: 8, test: 4 }
models: { tiny: ./model }
stages:
  - { name: rollouts, kind: rollout, model: tiny, kd_topk: 5 }
  - { name: mine, model: tiny, ${stage} }
`,
      join(scratch, 'x.yaml'),
    );

  test.each([
    [
      'kind: luffy, data: rollouts, n_samples_per_prompt: 2, train_batch_size: 4, n_off_policy: 2',
      'n_off_policy is 2 and must be less than n_samples_per_prompt (2).',
    ],
    ['kind: joint, data: rollouts', 'kd_topk is 100, and rollouts stores only kd_topk 5'],
    [
      'kind: sft, data: rollouts, thoughts: rollouts',
      'thoughts is set, and the answers of rollouts are no gold answers; remove thoughts or data.',
    ],
    ['kind: sft, reward_threshold: 0.5', 'reward_threshold is set, and gold answers have no reward'],
  ])('%s', (stage, message) => {
    expect(faultsOf(stage)).toThrow(message);
  });
});
