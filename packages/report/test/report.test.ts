import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { UserError } from '../../../src/base/errors.ts';
import { machineFacts } from '../../../src/run/machine.ts';
import type { EvalSample } from '../../../src/eval/formats.ts';
import { machineSchema } from '../../../src/eval/formats.ts';
import { html } from '../src/html.ts';
import { writeReport } from '../src/page.ts';
import { formatDuration, formatNumber, wilson } from '../src/numbers.ts';
import { ticks } from '../src/plot.ts';
import { readRun } from '../src/read.ts';
import { chosenSamples, readableAnswer, requestOf } from '../src/samples.ts';
import { makeFakeRun } from '../../../test/recipe/fake-run.ts';

let folder = '';
let run = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinystar-report-'));
  run = join(folder, 'tiny-star');
  makeFakeRun(run);
  return () => {
    rmSync(folder, { recursive: true });
  };
});

/** The page's text, tags and white space aside. */
async function textOf(path: string): Promise<string> {
  const page = readFileSync(await writeReport(path), 'utf8');
  const body = page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, ' ');
  return body.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
}

test('the report says what was run, where, how long, and how well', async () => {
  const text = await textOf(run);
  expect(text).toContain('Example CPU 9000, 2 cores, 16 GB; linux x64');
  expect(text).toContain('2026-11-20 12:00 UTC');
  expect(text).toContain('tinystar run recipes/tiny-star.yaml');
  expect(text).toContain('84.8% STAR, exact match 95% interval 82.3 – 87.1');
  expect(text).toContain('+49.0 points over base which has 35.9%');
  expect(text).toContain('92% of teacher which has 91.8%');
});

test('every stage has its curves, each with unit and meaning', async () => {
  const page = readFileSync(await writeReport(run), 'utf8');
  for (const stage of ['teacher-adapt', 'rollouts', 'ckd', 'star'])
    expect(page).toContain(`id="stage-${stage}"`);
  for (const text of [
    'aria-label="Reward of star"',
    'aria-label="Tail mass of ckd"',
    'nats per token',
    'global gradient norm before clipping',
  ]) {
    expect(page).toContain(text);
  }
});

test('the page is one file without outside resources, and its numbers are all numbers', async () => {
  const page = readFileSync(await writeReport(run), 'utf8');
  expect(page).not.toMatch(/(src|href)=|url\(|@import|https?:/);
  expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
});

test('what models and users wrote is escaped', async () => {
  const page = readFileSync(await writeReport(run), 'utf8');
  expect(page).toContain('Text &lt;Mara&gt; that I am running late');
  expect(page).not.toContain('<Mara>');
  expect(html`<a title="${'"><script>'}">${'<b>'}${html`<i>${'&'}</i>`}</a>`.html).toBe(
    '<a title="&quot;&gt;&lt;script&gt;">&lt;b&gt;<i>&amp;</i></a>',
  );
});

test('the recipe in the report keeps its lines', async () => {
  const page = readFileSync(await writeReport(run), 'utf8');
  const [, shown = ''] = /<pre class="yaml">([\s\S]*?)<\/pre>/.exec(page) ?? [];
  expect(
    shown
      .replace(/<[^>]*>/g, '')
      .split('\n')
      .slice(0, 2),
  ).toEqual(['name: tiny-star', 'seed: 1']);
});

test('baselines stand beside the run that their recipe compares with', async () => {
  const baselines = join(folder, 'tiny-baselines');
  makeFakeRun(baselines, 'tiny-baselines');
  const recipe = join(baselines, 'recipe.yaml');
  writeFileSync(recipe, readFileSync(recipe, 'utf8').replace(/compare:.*/, 'compare: [../tiny-star]'));
  const text = await textOf(baselines);
  expect(text).toContain('STAR tiny-star 84.8%');
  expect(text).toContain('teacher tiny-star 91.8%');
  expect(text.match(/ base 35\.9%/g)).toHaveLength(1);

  const otherTest = readFileSync(recipe, 'utf8').replace('seed: 7', 'seed: 8');
  writeFileSync(recipe, otherTest);
  expect(await textOf(baselines)).toContain('tested on other data');

  rmSync(run, { recursive: true });
  expect(await textOf(baselines)).toContain(
    'The run tiny-star, which the recipe compares with, is not there yet',
  );
});

test('a line cut by a kill is skipped and told, and repeated steps count once', async () => {
  const before = await readRun(run);
  const log = join(run, 'log.jsonl');
  const lastLine = readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '';
  appendFileSync(log, `${lastLine}\n${lastLine.slice(0, 40)}`);
  const after = await readRun(run);
  expect(after.stages).toEqual(before.stages);
  expect(after.notes).toEqual(['log.jsonl: 1 damaged line was skipped.']);
});

test('a damaged file leaves the rest of the report', async () => {
  writeFileSync(join(run, 'stages/evaluation/eval.json'), '{"models": [');
  writeFileSync(join(run, 'recipe.yaml'), 'name: [');
  const text = await textOf(run);
  expect(text).toContain('eval.json is damaged and was left out');
  expect(text).toContain('this is not valid YAML');
  expect(text).toContain('Gradient norm');
});

test('a run that has only begun has a report', async () => {
  const young = join(folder, 'young');
  mkdirSync(young);
  writeFileSync(
    join(young, 'log.jsonl'),
    `${JSON.stringify({ stage: 'a', kind: 'sft', step: 1, total: 9, time: 1, loss: 2 })}\n`,
  );
  expect(await textOf(young)).toContain('a sft 1 of 9');
});

test('another folder is no run', async () => {
  await expect(writeReport(folder)).rejects.toThrow(UserError);
  await expect(writeReport(folder)).rejects.toThrow('is not a run folder');
});

test("Wilson's interval matches published values", () => {
  // Newcombe (1998), table I: 81/263, 15/148, 0/20, 1/29.
  const rounded = (correct: number, total: number): number[] =>
    Object.values(wilson(correct, total)).map((x) => Number(x.toFixed(4)));
  expect(rounded(81, 263)).toEqual([0.2553, 0.3662]);
  expect(rounded(15, 148)).toEqual([0.0624, 0.1605]);
  expect(rounded(0, 20)).toEqual([0, 0.1611]);
  expect(rounded(1, 29)).toEqual([0.0061, 0.1718]);
});

test('numbers are short, and ticks tell neighbours apart', () => {
  expect([0, 0.1234, 12.345, 12345, 3e-6, -0.5].map(formatNumber)).toEqual([
    '0',
    '0.123',
    '12.3',
    '12,345',
    '3.00e−6',
    '−0.5',
  ]);
  expect([0.5, 42, 61, 3661].map(formatDuration)).toEqual(['0.5 s', '42 s', '1 min 01 s', '1 h 01 min']);
  expect(ticks(0.9991, 0.9994, 3).map(({ label }) => label)).toEqual([
    '0.9991',
    '0.9992',
    '0.9993',
    '0.9994',
  ]);
  expect(ticks(-0.1, 1, 4).map(({ label }) => label)).toEqual(['0', '0.5', '1.0']);
});

test('the samples shown are first what was learnt, in turn over the categories, then what is still wrong', () => {
  const sample = (id: string, category: string, before: boolean, after: boolean): EvalSample => ({
    id,
    category,
    request: '',
    gold: '',
    outputs: {},
    correct: { before, after },
  });
  const samples = [
    sample('kept', 'x', true, true),
    sample('wrong', 'x', false, false),
    sample('learnt x1', 'x', false, true),
    sample('learnt x2', 'x', false, true),
    sample('learnt y1', 'y', false, true),
  ];
  expect(chosenSamples(samples, 'before', 'after').map(({ id }) => id)).toEqual([
    'learnt x1',
    'learnt y1',
    'learnt x2',
    'wrong',
    'kept',
  ]);
});

test('calls read as calls, and what is no call as it is', () => {
  const call = '<tool_call>\n{"name": "f", "arguments": {"a": "b", "n": [1]}}\n</tool_call>';
  expect(readableAnswer(`<think></think>${call}\n${call}<|im_end|>`)).toBe(
    'f(a: "b", n: [1])\nf(a: "b", n: [1])',
  );
  expect(readableAnswer('<tool_call>\n{"name": "f"\n</tool_call>')).toBe(
    '<tool_call>\n{"name": "f"\n</tool_call>',
  );
  expect(readableAnswer('</think>I cannot.<|im_end|>\n')).toBe('I cannot.');
  const asked = "One.<|tool_call_start|>[f(a='x'), g()]<|tool_call_end|><|im_end|>";
  expect(readableAnswer(asked)).toBe('One.[f(a: "x"), g()]');
  expect(readableAnswer('{"name": "f", "parameters": {"a": 1}}<|eot_id|>')).toBe('f(a: 1)');
  expect(readableAnswer('<start_function_call>call:f{a:1}<end_function_call><start_function_response>')).toBe(
    'f(a: 1)',
  );
});

test('the request is the last thing the user said', () => {
  const turn = (text: string): string => `<|im_start|>user\n${text}<|im_end|>\n`;
  expect(requestOf(`${turn('one')}${turn('two')}<|im_start|>assistant\n`)).toBe('two');
  const llama = (role: string, text: string): string =>
    `<|start_header_id|>${role}<|end_header_id|>\n\n${text}<|eot_id|>`;
  expect(requestOf(`${llama('system', 's')}${llama('user', 'three')}<|start_header_id|>assistant`)).toBe(
    'three',
  );
  expect(requestOf('<bos><start_of_turn>user\nfour<end_of_turn>\n<start_of_turn>model\n')).toBe('four');
});

test('the facts of this machine are what the report reads', () => {
  const facts = machineFacts({ started: new Date(0), command: 'tinystar run x.yaml' });
  expect(machineSchema.parse(facts)).toEqual(facts);
  expect(facts.version).toMatch(/^\d+\.\d+\.\d+/);
});
