/** `tinystar chat` through a pipe. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bases } from '../../../src/index.ts';
import { runCli } from '../../../test/helpers/cli.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-chat-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const tools = join(scratch, 'tools.json');
writeFileSync(
  tools,
  JSON.stringify([
    {
      name: 'switch_lamp',
      description: 'Turn the lamp of a room on or off',
      parameters: {
        type: 'object',
        properties: { room: { type: 'string', enum: ['kitchen', 'hall'] }, on: { type: 'boolean' } },
        required: ['room', 'on'],
      },
    },
  ]),
);
const chat = (input: readonly string[], ...flags: string[]) =>
  runCli(['chat', bases.student, '--tools', tools, '--max-tokens', '48', ...flags], { input });
/** Numbers of tokens of the prompts that were answered. */
const prompts = (stdout: string): number[] =>
  [...stdout.matchAll(/ of (\d+) of the prompt read/g)].map(([, tokens]) => Number(tokens));

test('each line is answered until the input ends, and the conversation grows until it is reset', async () => {
  const line = 'turn on the lamp in the kitchen';
  const { stdout, code, stderr } = await chat([line, '', 'and the hall', '/reset', line]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [first = 0, second = 0, third = 0] = prompts(stdout);
  expect(second).toBeGreaterThan(first);
  expect(third).toBe(first);
});

test('/tools lists the functions, /quit ends, and a command that is none is explained', async () => {
  const { stdout, code } = await chat(['/tools', '/help', '/quit', 'lamp on']);
  expect(code).toBe(0);
  expect(stdout).toContain('switch_lamp Turn the lamp of a room on or off\n');
  expect(stdout).toContain('/reset forgets the conversation');
  expect(prompts(stdout)).toEqual([]);
});

test('functions.json beside the model is read where no functions are named', async () => {
  const student = join(scratch, 'student');
  cpSync(bases.student, student, { recursive: true });
  writeFileSync(join(scratch, 'functions.json'), readFileSync(tools));
  const { stdout } = await runCli(['chat', student], { input: ['/tools'] });
  expect(stdout).toContain('switch_lamp Turn the lamp of a room on or off\n');
  const none = await runCli(['chat', bases.student], { input: ['/tools'] });
  expect(none.stdout).toContain('There are no functions');
});

test('a result that is typed in is answered, and an empty line skips it', async () => {
  const line = 'turn on the lamp in the kitchen';
  const answered = await chat([line, '{"ok": true}'], '--results');
  // The student makes a call of this request; without one there would be no result to ask for.
  expect(answered.stdout).toContain('switch_lamp {\n  "room": "kitchen"');
  expect(prompts(answered.stdout).length).toBeGreaterThan(1);
  const skipped = await chat([line, '', '/quit'], '--results');
  expect(prompts(skipped.stdout)).toHaveLength(1);
});
