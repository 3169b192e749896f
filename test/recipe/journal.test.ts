/** The log and the samples of a run, which keep in step with what the run goes on from. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journal } from '../../src/run/journal.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { readLines, scratchFolder } from '../helpers/runs.ts';

let scratch = scratchFolder();
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());
const log = (): string => join(scratch.folder, 'log.jsonl');
const samples = (): string => join(scratch.folder, 'samples.jsonl');

const begins = (stage: string, done = 0, kind = 'sft'): RunEvent => ({
  type: 'stage',
  stage,
  kind,
  total: 9,
  done,
});
const step = (stage: string, number: number, loss = number): RunEvent => ({
  type: 'step',
  stage,
  step: number,
  total: 9,
  tokens: 5,
  seconds: 2,
  metrics: { loss },
});
const sample = (stage: string, number: number): RunEvent => ({
  type: 'sample',
  stage,
  step: number,
  samples: ['a', 'b'].map((id) => ({ id, prompt: 'p', generation: `g\n${number}`, reward: 1 })),
});

function record(...events: readonly RunEvent[]): void {
  const journal = new Journal(scratch.folder);
  for (const event of events) journal.record(event);
}

const steps = (path = log()): string[] =>
  readLines(path).map((line) => `${String(line['stage'])} ${String(line['step'])}`);

test('a step is one line with its stage, kind, number and metrics; a sample one line each', () => {
  record(begins('one', 0, 'simrl'), step('one', 1, 0.5), sample('one', 1), begins('two'), step('two', 1));
  expect(readLines(log())).toMatchObject([
    { stage: 'one', kind: 'simrl', step: 1, total: 9, seconds: 2, tokens: 5, loss: 0.5 },
    { stage: 'two', kind: 'sft', step: 1, loss: 1 },
  ]);
  expect(readLines(samples())).toEqual([
    { stage: 'one', step: 1, id: 'a', prompt: 'p', generation: 'g\n1', reward: 1 },
    { stage: 'one', step: 1, id: 'b', prompt: 'p', generation: 'g\n1', reward: 1 },
  ]);
});

test('lines are there as soon as they are recorded, in the order of the events', () => {
  const journal = new Journal(scratch.folder);
  journal.record(begins('one'));
  for (const number of [1, 2, 3]) {
    journal.record(step('one', number));
    expect(steps()).toHaveLength(number);
  }
  expect(steps()).toEqual(['one 1', 'one 2', 'one 3']);
});

test('what was logged after the checkpoint that a run goes on from is taken back, of that stage alone', () => {
  record(begins('one'), step('one', 1), step('one', 2), begins('two'), step('two', 1));
  record(step('two', 2), sample('two', 1), sample('two', 2), sample('two', 3), step('two', 3));
  record(begins('two', 1), step('two', 2, 7));
  expect(steps()).toEqual(['one 1', 'one 2', 'two 1', 'two 2']);
  expect(readLines(log()).at(-1)?.['loss']).toBe(7);
  expect(steps(samples())).toEqual(['two 1', 'two 1']);
});

test('a stage that begins anew loses all of its lines, one that is complete none', () => {
  record(begins('one'), step('one', 1), step('one', 2));
  record(begins('one', 2));
  expect(steps()).toEqual(['one 1', 'one 2']);
  record(begins('one', 0));
  expect(steps()).toEqual([]);
});

test('a line that a power cut left half-written goes, and what follows is whole', () => {
  record(begins('one'), step('one', 1), step('one', 2));
  appendFileSync(log(), '{"stage":"one","step":3,"lo');
  record(begins('one', 2), step('one', 3));
  expect(steps()).toEqual(['one 1', 'one 2', 'one 3']);
  expect(readFileSync(log(), 'utf8').endsWith('\n')).toBe(true);
});

test('lines in between that are no JSON go too, and no other', () => {
  record(begins('one'), step('one', 1));
  writeFileSync(log(), `\0\0\0\n${readFileSync(log(), 'utf8')}\n\n`);
  record(begins('two'), step('two', 1));
  expect(steps()).toEqual(['one 1', 'two 1']);
});

test('other events leave no line, and a run without any no file', () => {
  record(
    { type: 'warning', stage: 'one', text: 'hm' },
    { type: 'checkpoint', stage: 'one', step: 1, path: 'p' },
    { type: 'done', stage: 'one', seconds: 1, outputs: {} },
    begins('one'),
  );
  expect(existsSync(log())).toBe(false);
  expect(existsSync(samples())).toBe(false);
});
