/** A whole fit of a toy project with a model of a few thousand weights: it learns little, and leaves everything behind. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runRecipe } from '../../../src/run/runner.ts';
import { runCli } from '../../../test/helpers/cli.ts';
import { makeTinyStudent } from '../../../test/helpers/tiny-student.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-fit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const call = (on: boolean) => [{ name: 'lamp', arguments: { on } }];

beforeAll(() => {
  makeTinyStudent(at('tiny'));
  writeFileSync(
    at('functions.json'),
    JSON.stringify([
      {
        name: 'lamp',
        description: 'Turn the lamp on or off',
        parameters: { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] },
      },
    ]),
  );
  writeFileSync(at('examples.jsonl'), `${JSON.stringify({ request: 'lamp on', calls: call(true) })}\n`);
  mkdirSync(at('cases'));
  for (const [split, count] of [
    ['train', 16],
    ['dev', 2],
    ['test', 3],
  ] as const) {
    const lines = Array.from({ length: count }, (_, i) => [
      { request: `${split} lamp on ${i}`, calls: call(true), kind: 'single' },
      { request: `${split} lamp off ${i}`, calls: call(false), kind: 'single' },
      { request: `${split} hello ${i}`, calls: [], reply: 'No.', kind: 'irrelevant' },
    ])
      .flat()
      .map((line, i) => ({ id: `${split}-${i}`, ...line, wording: String(i), made: 'example' }));
    writeFileSync(at(`cases/${split}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  writeFileSync(
    at('fit.yaml'),
    `base: student
teacher_base: student
search: false
minutes: 0.05
threads: 1
stages:
  teacher: { max_epochs: 25, lr: 2e-2 }
  star: { steps: 1, rollout_batch_size: 4, n_samples_per_prompt: 2, train_batch_size: 8 }
`.replaceAll(': student\n', ': tiny/student\n'),
  );
});

const run = (...args: string[]): ReturnType<typeof runCli> =>
  runCli(['fit', folder, ...args], { services: { runRecipe, now: () => performance.now() } });

test('a toy project becomes a student with its answer, and the same command then does nothing anew', async () => {
  const { stdout, stderr, code } = await run();
  expect(code).toBe(0);
  for (const stage of ['teacher', 'sft', 'rollouts', 'ckd', 'star']) expect(stderr).toContain(`✓ ${stage} `);
  expect(stderr).toContain('round-1: distilled: the teacher answers');
  expect(stdout).toMatch(/^all +9 +/m);
  expect(stdout).toMatch(/\nnot yet, because 9 test requests are too few/);
  for (const name of ['student.gguf', 'Modelfile', 'promptfooconfig.yaml', 'acceptance.jsonl', 'README.md'])
    expect(existsSync(at(name))).toBe(true);
  const card = readFileSync(at('README.md'), 'utf8');
  expect(card).toContain('not yet, because');
  const again = await run();
  expect(again.code).toBe(0);
  expect(again.stderr).not.toContain('steps');
  expect(readFileSync(at('README.md'), 'utf8').split('## Training')[1]).toEqual(card.split('## Training')[1]);

  // The exported file on lines of a person's own, by llama.cpp.
  writeFileSync(
    at('mine.jsonl'),
    '{"request": "hello", "reply": "No."}\n{"request": "now?", "reply": "When?"}\n',
  );
  const scored = await runCli(
    ['eval', 'project', folder, '--test', at('mine.jsonl'), '--engine', 'llama.cpp', '--json'],
    { services: { now: () => performance.now() } },
  );
  expect(scored).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(scored.stdout)).toMatchObject({
    title: 'mine.jsonl',
    models: [{ label: 'student', scores: { all: { total: 2 }, willing: { total: 0, correct: 0 } } }],
    verdict: { isReady: false },
  });
}, 300_000);
