/** `tinystar serve-rewards` as a process: several of them answer at one address, and one that dies is replaced. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { runCli } from '../../../test/helpers/cli.ts';
import { goldenLines } from '../../../test/helpers/golden-files.ts';
import type { Rewards } from '../src/rewards.ts';

const program = fileURLToPath(new URL('../../../bin/tinystar.mjs', import.meta.url));
const recipe = 'recipes/tiny-star.yaml';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

test('two processes answer like one, and end when they are told to', async () => {
  const flags = [recipe, '--stage', 'star', '--port', '0', '--workers', '2'];
  const child = spawn(process.execPath, [program, 'serve-rewards', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  let address: string | undefined;
  while (address === undefined) {
    if (child.exitCode !== null) throw new Error(`it has ended: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    address = /at (http:[^\s,]+)/.exec(said)?.[1];
  }
  const cases = goldenLines('simrl-reward.jsonl')
    .slice(0, 64)
    .map(
      (line) =>
        JSON.parse(line) as { prompt: string; generation: string; label: string; expect: { reward: number } },
    );
  const answers = await Promise.all(
    cases.map(async ({ prompt, generation, label }) => {
      const body = JSON.stringify({ query: [prompt + generation], prompts: [prompt], labels: [label] });
      const response = await fetch(address, { method: 'POST', body });
      return ((await response.json()) as Rewards).rewards[0];
    }),
  );
  expect(answers).toEqual(cases.map(({ expect: due }) => expect.closeTo(due.reward, 6)));
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
});

test('a stage that is not there, and a recipe without rewards, are told', async () => {
  const wrong = await runCli(['serve-rewards', recipe, '--stage', 'ckd']);
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringContaining('no stage ckd with a reward; it has teacher-adapt, star'),
  ]);
  const none = await runCli(['serve-rewards', 'recipes/pretrain-tiny.yaml']);
  expect(none.stderr).toContain('has no stage with a reward');
});
