/** Rewards of one's own: functions of an answer or of a conversation, in a module that a recipe or `score` names. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load.ts';
import { defineReward } from '../../src/rewards/define.ts';
import { loadConversationReward, loadReward } from '../../src/rewards/index.ts';
import { type Reward, scoresAnswers } from '../../src/rewards/reward.ts';
import { runCli } from '../helpers/cli.ts';
import { runAll } from '../helpers/runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-reward-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const DEFINE = fileURLToPath(new URL('../../src/rewards/define.ts', import.meta.url));

/** A module whose default export is made by `defineReward` of this text. */
function moduleOf(name: string, definition: string): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `import { defineReward } from ${JSON.stringify(DEFINE)};\nexport default ${definition};\n`,
  );
  return path;
}

const prompt = `<|im_start|>system
<tools>
{"name": "ring", "parameters": {"type": "object", "properties": {"at": {}}}}
</tools><|im_end|>
<|im_start|>assistant
<think>`;
const call = '<tool_call>\n{"name": "ring", "arguments": {"at": 7}}\n</tool_call>';

function answersOf(definition: Parameters<typeof defineReward>[0]): Reward<unknown> {
  const reward = defineReward(definition);
  if (!scoresAnswers(reward)) throw new Error('it scores no answers');
  return reward;
}

describe('a reward of answers', () => {
  const scored = (reward: Reward<unknown>, answer: string) =>
    reward.prepare({ prompt, label: `</think>${call}` }).score(`</think>${answer}`);

  test('is given the answer and the right one, taken apart, and earns what it says', () => {
    const reward = answersOf({
      name: 'kinds',
      scoreAnswer: ({ answer, gold }) => (answer.kind === gold.kind ? 0.25 : -0.5),
    });
    expect(scored(reward, call)).toMatchObject({ reward: 0.25, answer: 0.25, format: 1 });
    // Its rightness cannot be below 0, whatever it earns.
    expect(scored(reward, 'hello')).toMatchObject({ reward: -0.5, answer: 0, format: 1 });
    expect(scored(reward, '<tool_call>{"name": "sing", "arguments": {}}</tool_call>')).toMatchObject({
      reward: -0.5,
      format: -1,
    });
  });

  test('says how right an answer is where that is another number than the reward', () => {
    const reward = answersOf({ name: 'two', scoreAnswer: () => ({ reward: 0.1, score: 0.9 }) });
    expect(scored(reward, call)).toMatchObject({ reward: 0.1, answer: 0.9 });
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('out of words');
      },
      'The reward own failed on the answer "</think>hello" (out of words); correct it.',
    ],
    [
      'gives no number',
      () => Number.NaN,
      'The reward own gave NaN for the answer "</think>hello", which is no finite number; correct it.',
    ],
  ])('that %s is told with the answer', (_, scoreAnswer, message) => {
    const reward = answersOf({ name: 'own', scoreAnswer });
    expect(() => scored(reward, 'hello')).toThrow(message);
  });
});

describe('a module', () => {
  test('is loaded by its path, for what it scores', async () => {
    const path = moduleOf(
      'both.ts',
      `defineReward({ name: 'both', scoreAnswer: () => 1, scoreConversation: ({ ended }) => (ended ? 1 : 0) })`,
    );
    expect((await loadReward(path)).name).toBe('both');
    const reward = await loadConversationReward(path);
    const task = { answer: '', tools: new Set<string>(), teacher: undefined };
    const options = { argument_weight: 0 };
    expect(reward.converse(task, { text: '', calls: [], ended: true }, options)).toMatchObject({
      reward: 1,
      correct: true,
    });
    const answers = moduleOf('answers.ts', `defineReward({ name: 'answers', scoreAnswer: () => 1 })`);
    await expect(loadConversationReward(answers)).rejects.toThrow('is no reward of conversations');
  });

  test('that is missing, exports nothing or something else is told by its path', async () => {
    const missing = join(folder, 'missing.js');
    await expect(loadReward(missing)).rejects.toThrow(`There is no module ${missing}; check its path.`);
    const other = join(folder, 'other.mjs');
    writeFileSync(other, 'export default () => 1;\n');
    await expect(loadReward(other)).rejects.toThrow('is no reward; export what defineReward returns.');
    const none = join(folder, 'none.mjs');
    writeFileSync(none, 'export const reward = 1;\n');
    await expect(loadReward(none)).rejects.toThrow('has no default export');
    const nothing = moduleOf('nothing.ts', `defineReward({ name: 'nothing' })`);
    await expect(loadReward(nothing)).rejects.toThrow('The reward nothing scores nothing');
  });

  test('scores lines of a file', async () => {
    const path = moduleOf(
      'length.ts',
      `defineReward({ name: 'length', scoreAnswer: ({ generation }) => generation.length / 100 })`,
    );
    const input = join(folder, 'lines.jsonl');
    const lines = [{ prompt, label: `</think>${call}`, generation: 'x'.repeat(50) }];
    writeFileSync(input, lines.map((line) => JSON.stringify(line)).join('\n'));
    const { stdout, code } = await runCli(['score', '--reward', path, '--input', input, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ reward: path, lines: 1 });
    expect(stdout).toContain('0.5');
  });
});

test('a recipe names it by a path relative to itself, and its stages learn from it', async () => {
  mkdirSync(join(folder, 'recipes'));
  moduleOf(
    'recipes/brief.ts',
    `defineReward({ name: 'brief', scoreAnswer: ({ generation }) => 1 / (1 + generation.length) })`,
  );
  const path = join(folder, 'recipes/own.yaml');
  writeFileSync(
    path,
    `name: own
seed: 1
threads: 1
data: { source: assistant, seed: 7, train: 16, test: 4 }
models:
  tiny:
    { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1, head_dim: 16, max_position_embeddings: 2048, tokenizer: { vocab_size: 512, groups: 4 } }
stages:
  - { name: rl, kind: simrl, model: tiny, reward: ./brief.ts, steps: 1, rollout_batch_size: 2, n_samples_per_prompt: 2, train_batch_size: 4, dynamic_filtering: false, prompt_max_len: 1024, generate_max_len: 8 }
`,
  );
  const recipe = loadRecipe(path, { checkFiles: true });
  const events = await runAll(recipe, join(folder, 'runs'));
  const step = events.find((event) => event.type === 'step');
  expect(step?.metrics.reward).toBeGreaterThan(0);
  expect(step?.metrics.reward).toBeLessThan(0.5);
  writeFileSync(path, 'name: x\nmodels: {}\nstages: [{ name: rl, kind: simrl, model: m, reward: brief }]\n');
  expect(() => loadRecipe(path)).toThrow(/reward is "brief" and must be .*simrl.* or the path of a module/);
});
