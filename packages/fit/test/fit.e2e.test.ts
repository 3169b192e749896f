/** A whole fit of a toy project with a model of a few thousand weights: it learns little, and leaves everything behind. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatTemplate } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { runRecipe } from '../../../src/run/runner.ts';
import type { Services } from '../../cli/src/context.ts';
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
      { request: `lamp on ${i}`, calls: call(true), kind: 'single' },
      { request: `lamp off ${i}`, calls: call(false), kind: 'single' },
      { request: `hello ${i}`, calls: [], reply: 'No.', kind: 'irrelevant' },
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

test('settings that suit no fit are told before any work', async () => {
  const at = project('wrong');
  const settings = readFileSync(at('fit.yaml'), 'utf8');
  writeFileSync(at('fit.yaml'), settings.replace('  star:', '  stars:'));
  expect(await run(at())).toMatchObject({
    code: 1,
    stderr:
      'fit.yaml has options for a stage stars, and there is none; the stages are teacher, teacher-rl, sft-some, sft, sft-longer, rollouts, ckd, star.\n',
  });
  writeFileSync(at('fit.yaml'), settings.replace('base: ../tiny/student', 'base: nowhere'));
  expect((await run(at())).stderr).toContain('nowhere is no checkpoint');
  writeFileSync(at('fit.yaml'), settings);
  const many = {
    type: 'object',
    properties: { on: { type: 'string', enum: Array.from({ length: 900 }, (_, i) => `value ${i}`) } },
  };
  writeFileSync(
    at('functions.json'),
    JSON.stringify([{ name: 'lamp', description: 'Turn the lamp', parameters: many }]),
  );
  writeFileSync(
    at('examples.jsonl'),
    '{"request": "x", "calls": [{"name": "lamp", "arguments": {"on": "value 1"}}]}\n',
  );
  expect((await run(at())).stderr).toMatch(
    /The 1 functions take \d+ tokens of every prompt, .* and the base reads 2048; shorten/,
  );
  expect(existsSync(at('runs'))).toBe(false);
});

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
  writeFileSync(at('mine.jsonl'), '{"request": "hello", "reply": "No."}\n');
  writeFileSync(at('fit.yaml'), `${readFileSync(at('fit.yaml'), 'utf8')}test: mine.jsonl\n`);
  const second = await run(at());
  expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('Requests of mine.jsonl') });
  expect(second.stderr).toContain('✓ teacher  was done before');
  const bytes = (name: string): Buffer => readFileSync(join(scratch, name, 'student.gguf'));
  expect(bytes('stopped').equals(bytes('whole'))).toBe(true);
}, 300_000);

test('with --bake-tools the teacher reads the functions and the student does not, nor does its file in any runtime', async () => {
  const at = project('baked');
  const { code, stderr } = await runCli(['fit', at(), '--bake-tools'], { services: { runRecipe, now } });
  expect(code).toBe(0);
  expect(stderr).toContain('✓ ckd ');
  const rounds = readdirSync(at('runs'), { recursive: true, encoding: 'utf8' });
  const stored = rounds.find((path) => path.endsWith(join('rollouts', 'rollouts', 'answers.jsonl')));
  expect(readFileSync(at(join('runs', stored ?? '')), 'utf8')).toContain('Turn the lamp on or off');
  const template = ChatTemplate.of(Tokenizer.load(at('student.gguf')));
  expect(template.promptTools).toBe('none');
  const tools = [{ name: 'lamp', description: 'Turn the lamp on or off', parameters: { type: 'object' } }];
  expect(template.prompt({ messages: [{ role: 'user', content: 'lamp on' }], tools })).not.toContain('Turn');
  expect(readFileSync(at('Modelfile'), 'utf8')).toContain('knows the functions by heart');
  expect(readFileSync(at('Modelfile'), 'utf8')).not.toContain('Turn the lamp');
  expect(readFileSync(at('README.md'), 'utf8')).toContain('with the functions left out of its prompts');
});
