/** A whole fit of a toy project with a model of a few thousand weights: it learns little, and leaves everything behind. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runRecipe } from '../../../src/run/runner.ts';
import type { Services } from '../../../src/cli/context.ts';
import { runCli } from '../../../test/helpers/cli.ts';
import { makeTinyStudent } from '../../../test/helpers/tiny-student.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-fit-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const call = (on: boolean) => [{ name: 'lamp', arguments: { on } }];

beforeAll(() => {
  makeTinyStudent(join(scratch, 'tiny'));
});

/** Makes a project and returns the path of a file in it, or of itself. */
function project(name: string): (file?: string) => string {
  const at = (file = '.'): string => join(scratch, name, file);
  mkdirSync(at('cases'), { recursive: true });
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
minutes: 0.01
threads: 1
stages:
  teacher: { max_epochs: 25, lr: 2e-2 }
  star: { steps: 1, rollout_batch_size: 4, n_samples_per_prompt: 2, train_batch_size: 8 }
`.replaceAll(': student\n', ': ../tiny/student\n'),
  );
  return at;
}

const now = (): number => performance.now();
const run = (folder: string, services: Partial<Services> = {}): ReturnType<typeof runCli> =>
  runCli(['fit', folder], { services: { runRecipe, now, ...services } });

test('a toy project becomes a student with its answer, and the same command then does nothing anew', async () => {
  const at = project('whole');
  const { stdout, stderr, code } = await run(at());
  expect(code).toBe(0);
  for (const stage of ['teacher', 'sft', 'rollouts', 'ckd', 'star']) expect(stderr).toContain(`✓ ${stage} `);
  expect(stderr).toContain('round-1: distilled: the teacher answers');
  expect(stdout).toMatch(/^all +9 +/m);
  expect(stdout).toMatch(/\nnot yet, because 9 test requests are too few/);
  for (const name of ['student.gguf', 'Modelfile', 'promptfooconfig.yaml', 'acceptance.jsonl', 'README.md'])
    expect(existsSync(at(name))).toBe(true);
  const card = readFileSync(at('README.md'), 'utf8');
  expect(card).toContain('not yet, because');
  const again = await run(at());
  expect(again.code).toBe(0);
  expect(again.stderr).not.toContain('steps');
  expect(readFileSync(at('README.md'), 'utf8').split('## Training')[1]).toEqual(card.split('## Training')[1]);

  // The exported file on lines of a person's own, by llama.cpp.
  writeFileSync(
    at('mine.jsonl'),
    '{"request": "hello", "reply": "No."}\n{"request": "now?", "reply": "When?"}\n',
  );
  const scored = await runCli(
    ['eval', 'project', at(), '--test', at('mine.jsonl'), '--engine', 'llama.cpp', '--json'],
    { services: { now } },
  );
  expect(scored).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(scored.stdout)).toMatchObject({
    title: 'mine.jsonl',
    models: [{ label: 'student', scores: { all: { total: 2 }, willing: { total: 0, correct: 0 } } }],
    verdict: { isReady: false },
  });

  // A request of its own: the confidence is told, and a call below it is not made.
  const asked = await runCli(
    ['generate', at('student.gguf'), 'lamp on', '--tools', at('functions.json'), '--abstain', '1'],
    { services: { now } },
  );
  expect(asked).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/right with a probability of 0\.\d\d/),
  });
  expect(asked.stdout).not.toContain('<tool_call>');
}, 300_000);

test('a fit that was stopped goes on where it was, to the same student to the bit', async () => {
  const at = project('stopped');
  let stop = (): void => undefined;
  const first = await run(at(), {
    onInterrupt(listener) {
      stop = listener;
      return () => undefined;
    },
    async *runRecipe(recipe, options) {
      for await (const event of runRecipe(recipe, options)) {
        if (event.type === 'step' && event.stage === 'ckd') stop();
        yield event;
      }
    },
  });
  expect(first).toMatchObject({ code: 130, stdout: '' });
  expect(existsSync(at('student.gguf'))).toBe(false);
  const second = await run(at());
  expect(second.code).toBe(0);
  expect(second.stderr).toContain('✓ teacher  was done before');
  const bytes = (name: string): Buffer => readFileSync(join(scratch, name, 'student.gguf'));
  expect(bytes('stopped').equals(bytes('whole'))).toBe(true);
}, 300_000);
