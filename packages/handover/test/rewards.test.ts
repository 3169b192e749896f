/** Rewards over HTTP: the scores of the reference (which are of single precision) in every form in which engines ask. */
import { expect, test } from 'vitest';
import { hermes } from '../../../src/chat/formats/hermes.ts';
import { simrl } from '../../../src/rewards/simrl.ts';
import { defineReward } from '../../../src/rewards/define.ts';
import { type Reward, scoresAnswers } from '../../../src/rewards/reward.ts';
import { goldenLines } from '../../../test/helpers/golden-files.ts';
import { type Rewards, rewardsApp, withoutPadding } from '../src/rewards.ts';

const app = rewardsApp({ reward: simrl, format: hermes });
const cases = goldenLines('simrl-reward.jsonl').map(
  (line) =>
    JSON.parse(line) as { prompt: string; generation: string; label: string; expect: { reward: number } },
);

const post = async (body: unknown, to = app): Promise<Response> =>
  to.request('/get_reward', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
const asked = async (body: unknown, to = app): Promise<Rewards> =>
  (await (await post(body, to)).json()) as Rewards;

test('a batch has the rewards of the reference, whatever the names of its lists', async () => {
  const query = cases.map(({ prompt, generation }) => prompt + generation);
  const [prompts, labels] = [cases.map(({ prompt }) => prompt), cases.map(({ label }) => label)];
  const told = await asked({ query, prompts, labels });
  expect(told.rewards.length).toBeGreaterThan(100);
  const far = cases.filter(
    ({ expect: due }, i) => !(Math.abs((told.rewards[i] ?? Number.NaN) - due.reward) < 1e-6),
  );
  expect(far).toEqual([]);
  expect(await asked({ queries: query, prompts, labels })).toEqual(told);
  expect(told.extra_logs.format_reward.map(Math.abs)).toEqual(cases.map(() => 1));
});

test('one answer alone, as OpenRLHF asks, has the reward that it has in a batch, padded or not', async () => {
  const some = cases.filter((_, i) => i % 97 === 0);
  for (const { prompt, generation, label, expect: due } of some) {
    const one = await asked({ query: [prompt + generation], prompts: [prompt], labels: [label] });
    expect(one.rewards).toEqual([expect.closeTo(due.reward, 6)]);
    const bare = await asked({ query: prompt + generation, prompts: prompt, labels: label });
    expect(bare).toEqual(one);
  }
  expect(withoutPadding('a<|im_end|><|endoftext|><|endoftext|>')).toBe('a<|im_end|>');
  expect(withoutPadding('a <|b c')).toBe('a <|b c');
  expect(withoutPadding(`${'<|x|>'.repeat(50_000)}`)).toBe('<|x|>');
});

test('an answer without its prompt is what stands behind the last header of an assistant', async () => {
  const own = cases.filter(({ prompt }) => prompt.endsWith('<|im_start|>assistant\n'));
  const query = own.map(({ prompt, generation }) => prompt + generation);
  const labels = own.map(({ label }) => label);
  const with_ = await asked({ query, prompts: own.map(({ prompt }) => prompt), labels });
  expect((await asked({ query, labels })).rewards).toEqual(with_.rewards);
});

test.each([
  ['{', 'JSON'],
  [{ query: ['a'] }, 'labels'],
  [{ query: ['a', 'b'], labels: ['c'] }, 'lists of one length'],
  [{ query: [1], labels: ['c'] }, 'query'],
])('%j is refused in a sentence', async (body, word) => {
  const response = await post(body);
  expect(response.status).toBe(400);
  expect(await response.text()).toContain(word);
});

test('a body that is too large, or one too many, is refused, and the server goes on', async () => {
  const small = rewardsApp({ reward: simrl, format: hermes, maxBody: 100 });
  const large = { query: ['x'.repeat(200)], labels: ['y'] };
  const headers = { 'content-length': String(JSON.stringify(large).length) };
  const response = await small.request('/get_reward', {
    method: 'POST',
    headers,
    body: JSON.stringify(large),
  });
  expect(response.status).toBe(413);
  const none = rewardsApp({ reward: simrl, format: hermes, most: 0 });
  const busy = await post(large, none);
  expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '1']);
  expect((await app.request('/get_reward')).status).toBe(404);
});

test('a reward of the user that fails earns -1 and an error in the log, and is told once', async () => {
  const own = defineReward({
    name: 'brittle',
    scoreAnswer: ({ generation }) => {
      if (generation.includes('bad')) throw new Error('no such key');
      return 0.5;
    },
  });
  if (!scoresAnswers(own)) throw new Error('it scores answers');
  const said: string[] = [];
  const brittle = rewardsApp({
    reward: own as Reward<unknown>,
    format: hermes,
    tell: (line) => said.push(line),
  });
  const body = {
    query: ['p good', 'p bad', 'p bad'],
    prompts: ['p ', 'p ', 'p '],
    labels: ['</think>x', '</think>x', '</think>x'],
  };
  const told = await asked(body, brittle);
  expect(told.rewards).toEqual([0.5, -1, -1]);
  expect(told.extra_logs.error).toEqual([0, 1, 1]);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('no such key');
  expect(await (await brittle.request('/metrics')).text()).toMatch(/^tinystar_reward_errors_total 2$/m);
});
