/** `tinystar init` as a person meets it. */
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
import { afterAll, expect, test } from 'vitest';
import { runCli } from '../../../test/helpers/cli.ts';
import { readExamples } from '../src/examples.ts';
import { openProject } from '../src/project.ts';

const root = mkdtempSync(join(tmpdir(), 'tinystar-init-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const at = (...names: readonly string[]): string => join(root, ...names);
const TOOLS = at('tools.json');
writeFileSync(
  TOOLS,
  JSON.stringify([
    {
      name: 'set_light',
      description: 'Switch the light of a room. Dims it, too.',
      parameters: {
        type: 'object',
        properties: { room: { type: 'string', enum: ['kitchen', 'bedroom'] }, level: { type: 'integer' } },
        required: ['room'],
      },
    },
    { name: 'start_vacuum', description: 'Send the robot to clean' },
    {
      name: 'get_weather',
      description: 'Tell the weather',
      parameters: {
        type: 'object',
        properties: { place: { type: 'string', description: 'a city, e.g. Berlin' } },
        required: ['place'],
      },
    },
  ]),
);

test('a project is made from a file of tools, with requests that its descriptions give away', async () => {
  const { stdout, code } = await runCli(['init', at('new'), '--tools', TOOLS]);
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      'function         arguments  examples',
      'set_light                2         1',
      'start_vacuum             0         1',
      'get_weather              1         1',
      'nothing to call                    2',
      '',
      `${at('new')}: wrote functions.json, examples.jsonl, fit.yaml, HELP.md`,
      `Next: write 5 to 10 requests for each function into ${at('new', 'examples.jsonl')}, then run tinystar fit ${at('new')}`,
      '',
    ].join('\n'),
  );
  const { functions, examples: learnt, notes } = openProject(at('new'));
  const examples = readExamples(at('new', 'examples.jsonl'), functions);
  expect(functions.map(({ name }) => name)).toEqual(['set_light', 'start_vacuum', 'get_weather']);
  // Nobody speaks like that: they are there to be replaced.
  expect(learnt).toEqual([]);
  expect(notes.map(({ text }) => text).join()).toContain('has 5 requests in the words of descriptions');
  expect(examples.map(({ request, calls, reply }) => ({ request, answer: calls[0] ?? reply }))).toEqual([
    {
      request: 'switch the light of a room: room kitchen',
      answer: { name: 'set_light', arguments: { room: 'kitchen' } },
    },
    { request: 'switch the light of a room', answer: 'Which room?' },
    { request: 'send the robot to clean', answer: { name: 'start_vacuum', arguments: {} } },
    {
      request: 'tell the weather: place Berlin',
      answer: { name: 'get_weather', arguments: { place: 'Berlin' } },
    },
    { request: 'tell the weather', answer: 'Which place?' },
  ]);
  expect(readFileSync(at('new', 'fit.yaml'), 'utf8')).toContain('\n# seed: 7\n');
});

test('examples of a person are copied as they are, once they are right', async () => {
  const examples = at('mine.jsonl');
  writeFileSync(
    examples,
    '{"request": "light", "calls": [{"name": "set_light", "arguments": {"room": "hall"}}]}\n',
  );
  const bad = await runCli(['init', at('mine'), '--tools', TOOLS, '--examples', examples]);
  expect(bad.code).toBe(1);
  expect(bad.stderr).toContain(
    `${examples}:1: room of set_light is "hall" and must be one of kitchen, bedroom.`,
  );
  expect(existsSync(at('mine'))).toBe(false);
  const text = '{"request": "light", "calls": [{"name": "start_vacuum", "arguments": {}}], "by": "me"}\n';
  writeFileSync(examples, text);
  const good = await runCli(['init', at('mine'), '--tools', TOOLS, '--examples', examples, '--json']);
  expect(JSON.parse(good.stdout)).toEqual({
    folder: at('mine'),
    written: ['functions.json', 'examples.jsonl', 'fit.yaml', 'HELP.md'],
    functions: 3,
    examples: 1,
    inferred: false,
    notes: [],
  });
  expect(readFileSync(at('mine', 'examples.jsonl'), 'utf8')).toBe(text);
});

test('nothing that is there is changed', async () => {
  mkdirSync(at('old'));
  writeFileSync(at('old', 'functions.json'), readFileSync(TOOLS));
  writeFileSync(at('old', 'HELP.md'), 'own');
  const refused = await runCli(['init', at('old'), '--tools', TOOLS]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    'functions.json exists already and is left as it is; leave --tools out to keep it',
  );
  expect(readdirSync(at('old'))).toEqual(['HELP.md', 'functions.json']);
  expect((await runCli(['init', at('old')])).code).toBe(0);
  expect(readFileSync(at('old', 'functions.json'))).toEqual(readFileSync(TOOLS));
  expect(readFileSync(at('old', 'HELP.md'), 'utf8')).toBe('own');
  expect(readdirSync(at('old'))).toEqual(['HELP.md', 'examples.jsonl', 'fit.yaml', 'functions.json']);
});

test.each<[string, readonly string[], string]>([
  ['no source', [], 'name a source of functions by --tools'],
  [
    'a header without a value',
    ['--tools', TOOLS, '--header', 'Authorization'],
    'must be written as "NAME: VALUE"',
  ],
  ['a function that is not there', ['--tools', TOOLS, '--only', 'set_lite'], 'There is no function set_lite'],
])('%s is told in a sentence', async (_, flags, message) => {
  const { stderr, code } = await runCli(['init', at('none'), ...flags]);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
  expect(existsSync(at('none'))).toBe(false);
});
