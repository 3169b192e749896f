import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { selectEntries } from '../../benchmarks/src/bfcl/evaluation.ts';
import { call, makeBfcl } from '../../benchmarks/test/bfcl/made.ts';
import { runCli } from '../../../test/helpers/cli.ts';
import { readLines as read } from '../../../test/helpers/runs.ts';
import { bfclRuns } from './benchmark-runs.ts';

const { folder, data, runs, evaluate: bfcl } = bfclRuns();

describe('a file of responses', () => {
  const file = join(folder, 'responses.jsonl');
  const respond = (...rows: readonly unknown[]): void => {
    writeFileSync(
      file,
      rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''),
    );
  };

  test('is scored by category, with a verdict a line and the sums', async () => {
    const out = join(folder, 'scored');
    respond(
      { id: 'simple_0', result: call('set_timer', { minutes: 5 }) },
      { id: 'simple_1', result: call('set_timer', { minutes: 10.0 }) },
      { id: 'simple_2', result: call('set_timer', { minutes: 1 }) },
      { id: 'irrelevance_0', result: 'No.' },
      { id: 'irrelevance_1', result: call('set_timer', { minutes: 1 }) },
      {
        id: 'multi_turn_base_0',
        result: [[call('mkdir', { dir_name: 'notes' }), 'Done.'], [call('touch', { file_name: 'todo.txt' })]],
      },
    );
    const { stdout, stderr, code } = await bfcl('--responses', file, '--out', out);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^simple +50\.00% .* 2\/4$/m);
    expect(stdout).toMatch(/^irrelevance +50\.00% .* 1\/2$/m);
    expect(stdout).toMatch(/^multi_turn_base +100\.00% .* 1\/1$/m);
    expect(stdout).toMatch(/^Multi Turn +25\.00%$/m);
    expect(stdout).toContain('14 of 17 categories');
    expect(stdout).not.toContain('left out');
    expect(read(join(out, 'verdicts.jsonl'))).toEqual([
      { id: 'simple_0', category: 'simple', valid: true, error: null },
      { id: 'simple_1', category: 'simple', valid: true, error: null },
      { id: 'simple_2', category: 'simple', valid: false, error: 'value_error:others' },
      { id: 'simple_3', category: 'simple', valid: false, error: 'no_response' },
      { id: 'irrelevance_0', category: 'irrelevance', valid: true, error: null },
      {
        id: 'irrelevance_1',
        category: 'irrelevance',
        valid: false,
        error: 'irrelevance_error:decoder_success',
      },
      { id: 'multi_turn_base_0', category: 'multi_turn_base', valid: true, error: null },
    ]);
    expect(JSON.parse(readFileSync(join(out, 'scores.json'), 'utf8'))).toMatchObject({
      benchmark: 'BFCL v3',
      model: 'responses',
      sample: null,
      categories: { simple: { correct: 2, total: 4 } },
      errors: { no_response: 1 },
    });
  });

  test('keeps 5.0 apart from 5', async () => {
    respond(
      '{"id": "simple_0", "result": "<tool_call>\\n{\\"name\\": \\"set_timer\\", \\"arguments\\": {\\"minutes\\": 5.0}}\\n</tool_call>"}',
    );
    const { stdout } = await bfcl('--responses', file, '--category', 'simple', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ errors: { 'type_error:simple': 1, no_response: 3 } });
  });

  test('may have malformed lines: they are counted and named', async () => {
    respond(
      { id: 'simple_0', result: 'x' },
      { id: 'simple_0', result: 'y' },
      { result: 'z' },
      { id: 7, result: 'z' },
      { id: 'simple_99', result: 'z' },
      { id: 'simple_1' },
      { id: 'simple_1', result: 5 },
      { id: 'multi_turn_base_0', result: ['a step that is no turn'] },
      [],
      '{"id": "simple_1", "resu',
    );
    const { stdout, code } = await bfcl('--responses', file);
    expect(code).toBe(0);
    expect(stdout).toContain('left out: 9 lines of responses');
    for (const fault of [
      '1 × not_json',
      '1 × not_an_object',
      '2 × no_id',
      '1 × unknown_id',
      '1 × duplicate_id',
      '1 × no_result',
      '2 × wrong_type',
    ])
      expect(stdout).toContain(`  ${fault}: `);
    expect(stdout).toContain('line 5 of');
  });

  test('may be of a service with function calling of its own, in one turn and in several', async () => {
    respond(
      { id: 'simple_0', result: [{ set_timer: '{"minutes": 5}' }] },
      {
        id: 'multi_turn_base_0',
        result: [
          [[{ mkdir: '{"dir_name": "notes"}' }], 'Done.'],
          [[{ touch: { file_name: 'todo.txt' } }], [], 'Done.'],
        ],
      },
    );
    const { stdout } = await bfcl('--responses', file, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      categories: { simple: { correct: 1 }, multi_turn_base: { correct: 1, total: 1 } },
      faults: {},
    });
  });

  test('of such a service has underscores for dots, null where nothing came, and may begin with a byte order mark', async () => {
    const dotted = join(folder, 'dotted');
    makeBfcl(dotted);
    for (const name of ['BFCL_v3_simple.json', 'possible_answer/BFCL_v3_simple.json']) {
      const path = join(dotted, name);
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll('set_timer', 'clock.timer.set'));
    }
    respond(
      `\ufeff${JSON.stringify({ id: 'simple_0', result: [{ clock_timer_set: '{"minutes": 5}' }] })}`,
      { id: 'simple_1', result: [{ 'clock.timer.set': '{"minutes": 10}' }] },
      { id: 'simple_2', result: call('clock.timer.set', { minutes: 15 }) },
      { id: 'simple_3', result: null },
      { id: 'irrelevance_0', result: null },
      { id: 'irrelevance_1', result: [{}] },
    );
    const flags = ['--data', dotted, '--runs', runs, '--responses', file, '--json'];
    const { stdout } = await runCli(['eval', 'bfcl', ...flags]);
    expect(JSON.parse(stdout)).toMatchObject({
      categories: { simple: { correct: 2 }, irrelevance: { correct: 2 } },
      errors: { 'simple_function_checker:wrong_func_name': 1, 'ast_decoder:decoder_failed': 1 },
      faults: {},
    });
  });

  test('may be one of many in folders of folders, or that of an earlier evaluation', async () => {
    const results = join(folder, 'results');
    mkdirSync(join(results, 'non_live'), { recursive: true });
    mkdirSync(join(results, 'multi_turn'));
    const line = (id: string, result: unknown): string => `${JSON.stringify({ id, result })}\n`;
    writeFileSync(
      join(results, 'non_live', 'BFCL_v3_simple_result.json'),
      line('simple_0', call('set_timer', { minutes: 5 })),
    );
    writeFileSync(
      join(results, 'multi_turn', 'BFCL_v3_multi_turn_base_result.json'),
      line('multi_turn_base_0', []),
    );
    const nested = JSON.parse((await bfcl('--responses', results, '--json')).stdout) as unknown;
    expect(nested).toMatchObject({
      categories: { simple: { correct: 1 }, multi_turn_base: { correct: 0 } },
      faults: {},
    });
    writeFileSync(join(results, 'responses.jsonl'), line('simple_1', call('set_timer', { minutes: 10 })));
    writeFileSync(join(results, 'verdicts.jsonl'), '{"id": "simple_1", "valid": true}\n');
    const own = JSON.parse((await bfcl('--responses', results, '--json')).stdout) as unknown;
    expect(own).toMatchObject({ categories: { simple: { correct: 1, total: 4 } }, faults: {} });
  });

  test('of other categories than those asked for is passed over', async () => {
    respond(
      { id: 'simple_0', result: 'x' },
      { id: 'irrelevance_0', result: 'x' },
      { id: 'live_simple_3-2-1', result: 'x' },
    );
    const { stdout } = await bfcl('--responses', file, '--category', 'irrelevance', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      categories: { irrelevance: { correct: 1, total: 2 } },
      faults: {},
    });
  });

  test('that answers nothing is told', async () => {
    const told = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await bfcl('--responses', file, ...args);
      expect(code).toBe(1);
      return stderr.replace(file, 'FILE').trimEnd();
    };
    respond({ id: 'simple_99', result: 'x' });
    expect(await told()).toBe(
      'FILE answers nothing of BFCL (lines left out: 1, the first because the benchmark has no entry of this id); each line must be {"id": ..., "result": ...}.',
    );
    respond();
    expect(await told()).toContain('answers nothing of BFCL (it is empty)');

    // One that the sample of one does not have.
    const sample = selectEntries({ data, category: ['simple'], limit: 1 }).entries.map(({ id }) => id);
    expect(sample).toHaveLength(1);
    const [other] = ['simple_0', 'simple_1'].filter((id) => !sample.includes(id));
    respond({ id: other, result: 'x' });
    expect(await told('--category', 'simple', '--limit', '1')).toBe(
      `FILE answers 1 entry of BFCL, and none of the 1 that --limit 1 and --category simple asks for (${sample.join()} is one); leave out --limit 1 and --category simple, or have those answered.`,
    );
    respond({ id: 'simple_0', result: 'x' }, { id: 'simple_1', result: 'x' });
    expect(await told('--category', 'irrelevance')).toBe(
      'FILE answers 2 entries of BFCL, and none of the 2 that --category irrelevance asks for (irrelevance_0 is one); leave out --category irrelevance, or have those answered.',
    );
    // Of a category that BFCL has, and these data not.
    respond({ id: 'java_0', result: 'x' });
    expect(await told()).toMatch(
      /answers 1 entry of BFCL, and none of the \d+ that the data have \(simple_0 is one\); give the data that it answers with --data\.$/,
    );
  });

  test('of a sample is labelled, and the same every time', async () => {
    respond(...[0, 1, 2, 3].map((i) => ({ id: `simple_${i}`, result: 'x' })));
    const out = join(folder, 'sample');
    const { stdout } = await bfcl('--responses', file, '--limit', '2', '--out', out);
    expect(stdout).toContain('sample of at most 2 entries a category (seed 7): not the official score');
    const first = readFileSync(join(out, 'verdicts.jsonl'), 'utf8');
    expect(read(join(out, 'verdicts.jsonl'))).toHaveLength(2);
    await bfcl('--responses', file, '--limit', '2', '--out', out);
    expect(readFileSync(join(out, 'verdicts.jsonl'), 'utf8')).toBe(first);
  });
});

describe('what is wrong is told', () => {
  test('the long context without its constants', async () => {
    const copy = join(folder, 'without-constants');
    cpSync(data, copy, { recursive: true });
    writeFileSync(join(copy, 'BFCL_v3_multi_turn_long_context.json'), '');
    const file = join(folder, 'one.jsonl');
    writeFileSync(file, '{"id": "simple_0", "result": "x"}\n');
    const args = ['eval', 'bfcl', '--data', copy, '--runs', runs, '--responses', file];
    expect((await runCli(args)).stdout).toContain('left out: multi_turn_long_context, whose constants');
    expect((await runCli([...args, '--category', 'simple'])).stdout).not.toContain('left out');
  });

  test('neither model nor responses', async () => {
    expect(await bfcl()).toMatchObject({ code: 1, stderr: expect.stringContaining('Give either --model') });
  });

  test('an unknown category', async () => {
    expect((await bfcl('--responses', data, '--category', 'simpel')).stderr).toContain(
      'BFCL has no category "simpel"; there are simple, java',
    );
  });

  test('a folder without data', async () => {
    const { stderr, code } = await runCli(['eval', 'bfcl', '--data', runs, '--responses', data]);
    expect(stderr).toContain('has no BFCL_v3_*.json');
    expect(code).toBe(1);
  });
});
