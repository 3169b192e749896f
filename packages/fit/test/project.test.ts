/** Project folders of people: their examples and settings, and all that is wrong with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openProject } from '../src/project.ts';
import { readExamples } from '../src/examples.ts';
import type { Tool } from '../../../src/chat/messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-project-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const FUNCTIONS = [
  {
    name: 'set_light',
    description: 'Switch lights',
    parameters: {
      type: 'object',
      properties: {
        room: { type: 'string', enum: ['kitchen', 'bedroom'] },
        brightness: { type: 'integer', minimum: 1, maximum: 100 },
        time: { type: 'string', pattern: '^[0-9]{2}:[0-9]{2}$' },
        tags: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
      },
      required: ['room'],
    },
  },
];

/** Examples of a file with these lines, or what is said of it. */
function examplesOf(...lines: readonly (string | Buffer)[]): unknown {
  const path = join(folder, 'examples.jsonl');
  writeFileSync(path, Buffer.concat(lines.map((line) => Buffer.from(line))));
  try {
    return readExamples(path, FUNCTIONS as readonly Tool[]);
  } catch (thrown) {
    return (thrown as Error).message.replaceAll(`${folder}/`, '');
  }
}

const call = (given: object): string =>
  JSON.stringify({ request: 'do it', calls: [{ name: 'set_light', arguments: given }] });

test('calls, replies and nothing at all are answers; other keys are kept out of the way', () => {
  expect(
    examplesOf(
      '\uFEFF{"request": "light", "calls": [{"name": "set_light", "arguments": {"room": "kitchen"}}], "by": "me"}\r\n',
      '\r\n',
      '{"request": " pizza ", "reply": "No."}\r\n',
      '{"request": "thanks", "calls": [], "intent": "praise"}',
    ),
  ).toEqual([
    { request: 'light', calls: [{ name: 'set_light', arguments: { room: 'kitchen' } }], reply: '', line: 1 },
    { request: 'pizza', calls: [], reply: 'No.', line: 3 },
    { request: 'thanks', calls: [], reply: '', line: 4 },
  ]);
});

test("calls in OpenAI's form are calls", () => {
  const written = { type: 'function', function: { name: 'set_light', arguments: '{"room": "kitchen"}' } };
  expect(examplesOf(JSON.stringify({ request: 'light', calls: [written] }))).toMatchObject([
    { calls: [{ name: 'set_light', arguments: { room: 'kitchen' } }] },
  ]);
});

test('an argument that is null and may be left out is left out', () => {
  expect(examplesOf(call({ room: 'kitchen', brightness: null }))).toMatchObject([
    { calls: [{ arguments: { room: 'kitchen' } }] },
  ]);
});

test('all bad lines are told at once, with file, line and what is wrong', () => {
  const lines = [
    call({ room: 'kichen', brightness: 200, colour: 'red' }),
    call({}),
    '{"request": "x", "calls": [{"name": "set_lights", "arguments": {}}]}',
    '{"request": "x"',
    '["x"]',
    '{"request": "", "reply": "a"}',
    '{"request": "y"}',
    '{"request": "z", "reply": "a", "calls": [{"name": "set_light", "arguments": {"room": "kitchen"}}]}',
    call({ room: 'kitchen', time: 'noon', tags: [{ nam: 'a' }] }),
    '{"request": "w", "calls": [{"name": "set_light", "arguments": "kitchen"}]}',
  ];
  expect(examplesOf(lines.join('\n'))).toBe(
    [
      'examples.jsonl has 13 faults:',
      '  examples.jsonl:1: room of set_light is "kichen" and must be one of kitchen, bedroom; did you mean kitchen?',
      '  examples.jsonl:1: brightness of set_light is 200 and must be a whole number from 1 to 100.',
      '  examples.jsonl:1: set_light has no argument colour; it takes room, brightness, time or tags.',
      '  examples.jsonl:2: set_light needs the argument room; add it.',
      '  examples.jsonl:3: there is no function set_lights; did you mean set_light?',
      "  examples.jsonl:4: it is not JSON (',' or '}' is expected at character 16); correct or remove the line.",
      '  examples.jsonl:5: it is a list; write one object a line, {"request": "...", "calls": [...]}.',
      '  examples.jsonl:6: it has no text under "request"; say what the person asks for.',
      '  examples.jsonl:7: it has neither "calls" nor "reply"; "calls": [] says that nothing is to be called.',
      '  examples.jsonl:8: it has both calls and a reply; keep the one that is due.',
      '  examples.jsonl:9: time of set_light is "noon" and must be a text of the pattern ^[0-9]{2}:[0-9]{2}$.',
      '  examples.jsonl:9: set_light has no argument tags[0].nam; did you mean name?',
      '  examples.jsonl:10: The arguments of set_light are a text that is not JSON (a value is expected at character 1); write {"name": "...", "arguments": {...}}.',
    ].join('\n'),
  );
});

test('requests that contradict each other are told with their lines', () => {
  const other = '{"request": "Do it!", "calls": []}';
  expect(examplesOf(`${call({ room: 'kitchen' })}\n\n${other}\n`)).toBe(
    'examples.jsonl: lines 1, 3 ask the same ("do it") and want different calls; keep the right one.',
  );
});

test('in data of thousands of lines most of the lines win, as such data always have some', () => {
  const many = Array.from({ length: 1200 }, (_, i) => `{"request": "r${i}", "calls": []}`);
  const lines = [call({ room: 'kitchen' }), ...many, call({ room: 'kitchen' }), call({ room: 'bedroom' })];
  const read = examplesOf(lines.join('\n'));
  expect(read).toHaveLength(1202);
});

test('a file that is not UTF-8 is refused by its line', () => {
  expect(examplesOf(call({ room: 'kitchen' }), Buffer.from('\n{"request": "caf\xe9"}', 'latin1'))).toContain(
    'is not UTF-8 (byte 0xE9 in line 2); save it as UTF-8.',
  );
});

test('a project has functions, examples and settings, and tells all that is wrong with them', () => {
  writeFileSync(join(folder, 'functions.json'), JSON.stringify(FUNCTIONS));
  writeFileSync(join(folder, 'examples.jsonl'), `${call({ room: 'kitchen' })}\n`);
  writeFileSync(join(folder, 'fit.yaml'), 'seed: 3\nminutes: 20\n');
  const project = openProject(folder);
  expect(project.settings).toMatchObject({ seed: 3, minutes: 20, cases: 24_000, irrelevant_share: 0.125 });
  expect(project.examples).toHaveLength(1);
  writeFileSync(join(folder, 'fit.yaml'), 'sed: 3\nirrelevant_share: 12\n');
  writeFileSync(join(folder, 'examples.jsonl'), `${call({ room: 'attic' })}\n`);
  expect(() => openProject(folder)).toThrow(
    [
      `${folder} has 3 faults:`,
      `  ${folder}/examples.jsonl:1: room of set_light is "attic" and must be one of kitchen, bedroom.`,
      `  ${folder}/fit.yaml:2:19: irrelevant_share is 12 and must be a number from 0 to 0.9.`,
      `  ${folder}/fit.yaml:1:1: sed is no setting; did you mean seed?`,
    ].join('\n'),
  );
});

test('a folder without functions is told with the command that makes one', () => {
  expect(() => openProject(join(folder, 'none'))).toThrow('tinystar init');
});
