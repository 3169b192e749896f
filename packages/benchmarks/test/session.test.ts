/** A benchmark of three sums, which has nothing but what the interface asks for. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { Answer, Prompt, Sampler } from '../../../src/sampling/sampler.ts';
import { stageKinds } from '../../../src/stages/index.ts';
import { runCli } from '../../../test/helpers/cli.ts';
import { answersTo } from '../src/answers.ts';
import { type AskOptions, askOptions, type Benchmark, type CommonScores } from '../src/benchmark.ts';
import { benchmarks } from '../src/index.ts';
import { Session } from '../src/session.ts';

interface Sum {
  readonly id: string;
  readonly category: string;
  readonly right: string;
}
const SUMS: readonly Sum[] = [
  { id: '1+1', category: 'small', right: '2' },
  { id: '2+3', category: 'small', right: '5' },
  { id: '70+7', category: 'large', right: '77' },
];

const toy: Benchmark<AskOptions, Sum, string, CommonScores & { readonly right: number }> = {
  entries: () => ({
    entries: SUMS,
    knows: (id) => SUMS.some((sum) => sum.id === id),
    read: (result) => (typeof result === 'string' ? result : undefined),
  }),
  async *ask(model, sums, { temperature, generate_max_len }, signal) {
    const prompts = sums.map(({ id }) => ({ text: id }));
    for await (const { index, text, tokens } of answersTo(model, prompts, {
      temperature,
      generate_max_len,
      signal,
    }))
      yield { entry: sums[index]!, result: text, tokens };
  },
  judge({ id, category, right }, result) {
    const error = result === undefined ? 'no_response' : result === right ? null : 'wrong_sum';
    return { id, category, valid: error === null, error };
  },
  scores: (common, _sums, verdicts) => ({ ...common, right: verdicts.filter(({ valid }) => valid).length }),
  readScores: () => undefined,
  note: () => undefined,
  table: {
    edition: () => '',
    remarks: () => [],
    tables: () => [],
    summary: { columns: [], cells: () => [] },
    page: {
      title: '',
      columns: [],
      cells: () => [],
      remarks: () => [],
      published: [],
      categories: { title: '', names: [], column: () => '', cell: () => '' },
    },
  },
};

const defaults = z.object(askOptions('small, large', { temperature: 0, generate_max_len: 8 })).parse({});
const options = { ...defaults, data: 'none' };

/** Answers with the texts of a table; a prompt that is not in it fills the context. */
function model(answers: Readonly<Record<string, string>>): Sampler & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    name: 'adder',
    identity: 'adder',
    givesTopK: false,
    asked,
    async *sample(prompts: Iterable<Prompt>): AsyncGenerator<Answer, void, undefined> {
      for (const [index, { text = '' }] of [...prompts].entries()) {
        asked.push(text);
        const answer = await Promise.resolve(answers[text]);
        const drawn = { text: answer ?? '', length: 3, tokens: [] } as unknown as Answer['samples'][number];
        yield answer === undefined ? { index, samples: [], isFull: true } : { index, samples: [drawn] };
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinystar-session-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const open = (who: Sampler): Session => new Session(toy, who, options, toy.entries(options), folder);
const linesOf = (name: string): unknown[] =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

test('a session stores each answer at once, and another one asks only the rest', async () => {
  const signal = new AbortController().signal;
  {
    using session = open(model({ '1+1': '2', '2+3': '6', '70+7': '77' }));
    expect([session.total, session.done, session.correct]).toEqual([3, 0, 0]);
    const answers = session.answers(signal);
    expect((await answers.next()).value).toEqual({ tokens: 3, isRight: true });
    expect(linesOf('responses.jsonl')).toEqual([{ id: '1+1', result: '2' }]);
    expect((await answers.next()).value).toEqual({ tokens: 3, isRight: false });
    await answers.return();
    expect(existsSync(join(folder, 'scores.json'))).toBe(false);
  }
  const rest = model({ '70+7': '77' });
  using session = open(rest);
  expect([session.total, session.done, session.correct]).toEqual([3, 2, 1]);
  for await (const { isRight } of session.answers(signal)) expect(isRight).toBe(true);
  expect(rest.asked).toEqual(['70+7']);
  const { scores, unasked } = session.finish();
  expect(unasked).toBe(0);
  expect(scores).toEqual({
    model: 'adder',
    sample: null,
    seed: 7,
    openThought: false,
    errors: { wrong_sum: 1 },
    faults: {},
    right: 2,
  });
  expect(JSON.parse(readFileSync(join(folder, 'scores.json'), 'utf8'))).toEqual(scores);
  expect(linesOf('verdicts.jsonl')).toEqual([
    { id: '1+1', category: 'small', valid: true, error: null },
    { id: '2+3', category: 'small', valid: false, error: 'wrong_sum' },
    { id: '70+7', category: 'large', valid: true, error: null },
  ]);
});

test('a prompt that fills the context is counted, is wrong, and is asked again another time', async () => {
  const signal = new AbortController().signal;
  {
    using session = open(model({ '1+1': '2', '2+3': '5' }));
    for await (const _ of session.answers(signal)) continue;
    expect(session.finish()).toMatchObject({ unasked: 1, scores: { right: 2, errors: { no_response: 1 } } });
  }
  const second = model({ '70+7': '77' });
  using session = open(second);
  for await (const _ of session.answers(signal)) continue;
  expect(second.asked).toEqual(['70+7']);
  expect(session.finish()).toMatchObject({ unasked: 0, scores: { right: 3, errors: {} } });
});

test('every benchmark of the table has its command and its kind of stage', async () => {
  for (const [name, spec] of Object.entries(benchmarks)) {
    expect(spec.name).toBe(name);
    expect(Object.keys(stageKinds[name as keyof typeof benchmarks].options)).toEqual([
      'models',
      'data',
      ...Object.keys(spec.options),
    ]);
    const { stdout, code } = await runCli(['eval', name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`tinystar eval ${name} --data`);
  }
});
