/** `tinystar eval acebench` as a user meets it, on a benchmark of our own in the official layout. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { promptOf } from '../../benchmarks/src/acebench/prompts.ts';
import { officialReply } from '../../benchmarks/src/acebench/replay.ts';
import { selectEntries } from '../../benchmarks/src/acebench/evaluation.ts';
import { runCli } from '../../../test/helpers/cli.ts';
import { readLines as read } from '../../../test/helpers/runs.ts';
import { benchmarkRuns } from './benchmark-runs.ts';

const fixture = fileURLToPath(new URL('../../benchmarks/test/fixtures/acebench', import.meta.url));
const { folder, data, runs, evaluate: acebench } = benchmarkRuns('acebench', () => fixture);
const { entries } = selectEntries({ data });

describe('a file of responses', () => {
  const file = join(folder, 'answers.jsonl');
  const respond = (...rows: readonly unknown[]): void => {
    const lines = rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`);
    writeFileSync(file, lines.join(''));
  };
  const right = () => entries.map((entry) => ({ id: entry.id, result: officialReply(entry) }));

  test('is scored by category beside what the official answers reach, with a verdict a line', async () => {
    const out = join(folder, 'scored');
    const rows = right().filter(({ id }) => !id.startsWith('special') && id !== 'normal_atom_bool_0');
    respond(...rows.map((row) => (row.id.endsWith('adjust_0_1') ? { ...row, result: '[stop]' } : row)));
    const { stdout, stderr, code } = await acebench('--responses', file, '--out', out);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('ACEBench English, revision 2025-10  answers\n');
    expect(stdout).toMatch(/^single_turn_single_function +100\.0% .* 100\.0% +2\/2$/m);
    expect(stdout).toMatch(/^multi_turn_user_adjust +50\.0% .* 100\.0% +1\/2$/m);
    expect(stdout).toMatch(/^Normal +incomplete$/m);
    // Entries that it answers nothing of are left out.
    expect(stdout).not.toMatch(/^(atom_bool|Special)/m);
    expect(stdout).toMatch(/^wrong_output_format +1$/m);
    expect(read(join(out, 'verdicts.jsonl'))).toContainEqual({
      id: 'normal_multi_turn_user_adjust_0_1',
      category: 'normal_multi_turn_user_adjust',
      valid: false,
      error: 'wrong_output_format',
    });
    expect(JSON.parse(readFileSync(join(out, 'scores.json'), 'utf8'))).toMatchObject({
      benchmark: 'ACEBench',
      revision: '2025-10',
      sample: null,
      normal: null,
    });
  });

  test('that lacks an entry has it wrong', async () => {
    respond(...right().slice(1));
    const { stdout } = await acebench('--responses', file, '--category', 'single_turn_single_function');
    expect(stdout).toMatch(/^single_turn_single_function +50\.0% .* 1\/2$/m);
    expect(stdout).toMatch(/^no_response +1$/m);
  });

  test('has what is malformed counted and named', async () => {
    const [first, second] = right();
    respond(
      { result: '[]' },
      { id: 7, result: '[]' },
      { id: 'normal_atom_bool_9', result: '[]' },
      first,
      { ...first, result: '[]' },
      { ...second, result: ['[]'] },
      { id: second!.id },
      '[1]',
      '{"id": ',
      // Agents are not part of what is scored, but no fault either.
      { id: 'agent_multi_step_0', result: [] },
    );
    const { stdout, code } = await acebench('--responses', file, '--category', 'normal');
    expect(code).toBe(0);
    const lines = stdout.slice(stdout.indexOf('left out')).replaceAll(file, 'FILE').split('\n');
    expect(lines.slice(0, 8)).toEqual([
      'left out: 8 lines of responses',
      '  1 × not_json: the line is not whole JSON (line 9 of FILE)',
      '  1 × not_an_object: the line is no JSON object (line 8 of FILE)',
      '  2 × no_id: there is no "id", or it is no text (first line 1 of FILE)',
      '  1 × unknown_id: the benchmark has no entry of this id (line 3 of FILE, normal_atom_bool_9)',
      `  1 × duplicate_id: the id was answered on an earlier line, which counts (line 5 of FILE, ${first!.id})`,
      `  1 × no_result: there is no "result" (line 7 of FILE, ${second!.id})`,
      `  1 × wrong_type: the "result" is of another type than the benchmark asks for (line 6 of FILE, ${second!.id})`,
    ]);
  });

  test('may begin with a byte order mark', async () => {
    const [first, ...rest] = right();
    respond(`\ufeff${JSON.stringify(first)}`, ...rest);
    const { stdout } = await acebench('--responses', file, '--category', 'single_turn_single_function');
    expect(stdout).toMatch(/^single_turn_single_function +100\.0% .* 2\/2$/m);
    expect(stdout).not.toContain('left out');
  });

  test('that answers nothing is told', async () => {
    respond({ id: 'simple_0', result: 'x' });
    expect(await acebench('--responses', file)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /answers nothing of ACEBench \(lines left out: 1, the first because the benchmark has no entry of this id\)/,
      ),
    });
    const category = 'multi_turn_user_adjust';
    respond(...right().filter(({ id }) => !id.startsWith(`normal_${category}`)));
    expect(await acebench('--responses', file, '--category', category)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /answers \d+ entries of ACEBench, and none of the 3 that --category multi_turn_user_adjust asks for \(normal_multi_turn_user_adjust_\d_\d is one\); leave out/,
      ),
    });
  });

  test('of a sample is labelled as one, also as JSON', async () => {
    respond(...right());
    const args = ['--responses', file, '--limit', '1'];
    expect((await acebench(...args)).stdout).toContain(
      'sample of at most 1 entries a category (seed 7): not the official score',
    );
    expect(JSON.parse((await acebench(...args, '--json')).stdout)).toMatchObject({
      sample: 1,
      special: { accuracy: 1, ceiling: 1 },
      errors: {},
    });
  });

  test('with thoughts is scored with them, unless they are to be taken off', async () => {
    respond(...right().map((row) => ({ ...row, result: `<think>[one]</think>\n\n${row.result}` })));
    const kept = await acebench('--responses', file, '--category', 'preference');
    expect(kept.stdout).toMatch(/^preference +0\.0% /m);
    expect(kept.stdout).toContain(
      'note: 1 reply holds thoughts, which the official rules score with the rest',
    );
    const stripped = await acebench('--responses', file, '--category', 'preference', '--thinking', 'strip');
    expect(stripped.stdout).toMatch(/^preference +100\.0% /m);
    expect(stripped.stdout).toContain('thoughts taken off before scoring');
  });
});

test('mistakes are told in a sentence', async () => {
  const told = async (...args: string[]) => (await acebench(...args)).stderr;
  expect(await told()).toContain('Give either --model');
  expect(await told('--responses', 'nowhere.jsonl')).toBe(
    'Cannot read nowhere.jsonl: it does not exist; check the path.\n',
  );
  expect(await told('--responses', folder, '--category', 'atoms')).toMatch(
    /has no category atoms; choose from/,
  );
  expect(await told('--model', folder)).toContain('is no checkpoint');
  const { stderr } = await runCli(['eval', 'acebench', '--data', folder, '--responses', folder]);
  expect(stderr).toMatch(/has no ACEBench data: neither it nor its data_en has a folder possible_answer/);
});

describe('a served model', () => {
  interface Asked {
    readonly messages: readonly { role: string; content: string }[];
    readonly [name: string]: unknown;
  }
  const replies = new Map(entries.map((entry) => [promptOf(entry)[1]!.content, officialReply(entry)]));
  let server: Server;
  let address = '';
  let asked: Asked[] = [];
  let respond = (question: string): string | undefined => replies.get(question);
  let refusal = 'no more';

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString('utf8')));
      request.on('end', () => {
        if (request.url === '/v1/models') return void response.end('{"data": [{"id": "tiny"}]}');
        const question = JSON.parse(body) as Asked;
        asked.push(question);
        const content = respond(question.messages.at(-1)!.content);
        if (content === undefined) return void response.writeHead(400).end(refusal);
        const choices = [{ message: { content }, finish_reason: 'stop' }];
        response.end(JSON.stringify({ choices, usage: { completion_tokens: 3 } }));
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  });
  afterAll(() => {
    server.close();
  });
  afterEach(() => {
    asked = [];
    respond = (question) => replies.get(question);
  });

  test('is asked with the official prompts and settings, and not again', async () => {
    const { stdout, code } = await acebench('--model', address);
    expect(code).toBe(0);
    expect(stdout).toContain('ACEBench English, revision 2025-10  tiny');
    expect(stdout).toMatch(/^multi_turn_user_adjust +100\.0% .* 2\/2$/m);
    expect(asked).toHaveLength(entries.length);
    expect(asked[0]).toMatchObject({ model: 'tiny', max_tokens: 1024, temperature: 0, top_p: 0.9 });
    expect(asked.map(({ messages }) => messages)).toContainEqual(promptOf(entries[0]!));
    const [made] = readdirSync(runs).filter((name) => name.startsWith('acebench-tiny-'));
    expect(read(join(runs, made!, 'responses.jsonl'))).toHaveLength(entries.length);
    asked = [];
    expect((await acebench('--model', address)).stdout).toBe(stdout);
    // Another revision is judged from the same answers.
    expect((await acebench('--model', address, '--revision', '2025-08')).stdout).toContain('2025-08');
    expect(asked).toEqual([]);
  });

  test('that fails on the way is gone on with from the last answer', async () => {
    const out = join(folder, 'resumed');
    respond = (question) => (asked.length > 3 ? undefined : replies.get(question));
    const args = ['--model', address, '--out', out, '--parallel', '1', '--category', 'normal'];
    const failed = await acebench(...args);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('refuses the request') });
    const path = join(out, 'responses.jsonl');
    expect(read(path)).toHaveLength(3);
    // As after a power cut: a line that was being written is asked again.
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -5));
    respond = (question) => replies.get(question);
    asked = [];
    const { stdout, code } = await acebench(...args);
    expect(code).toBe(0);
    const normal = entries.filter(({ category }) => category.kind === 'normal').length;
    expect(asked).toHaveLength(normal - 2);
    expect(read(path)).toHaveLength(normal);
    expect(stdout).toMatch(/^preference +100\.0% /m);
  });

  test('that has no room for a prompt has it wrong, is told, and is asked again another time', async () => {
    const out = join(folder, 'full');
    refusal = 'the context is exceeded';
    respond = (question) => (question.includes('Loud tea') ? undefined : replies.get(question));
    const args = ['--model', address, '--out', out, '--category', 'preference,atom_bool'];
    const { stdout } = await acebench(...args);
    refusal = 'no more';
    expect(stdout).toMatch(/^atom_bool +0\.0% /m);
    expect(stdout).toMatch(/^no_response +1$/m);
    expect(stdout).toContain("note: 1 prompt fills the model's positions, so that nothing was asked");
    respond = (question) => replies.get(question);
    expect((await acebench(...args)).stdout).toMatch(/^atom_bool +100\.0% /m);
  });

  test('is left alone when the user says so', async () => {
    const out = join(folder, 'stopped');
    let stop = (): void => undefined;
    const onInterrupt = (listener: () => void): (() => void) => {
      stop = listener;
      return () => undefined;
    };
    respond = (question) => {
      if (asked.length === 2) stop();
      return replies.get(question);
    };
    const args = ['eval', 'acebench', '--data', data, '--model', address, '--out', out, '--parallel', '1'];
    const { code, stderr } = await runCli(args, { services: { onInterrupt } });
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped at step \d of \d+ of acebench; re-run the same command to resume\.\n$/);
    expect(existsSync(join(out, 'scores.json'))).toBe(false);
  });

  test('is asked for no thoughts where none are wanted, and its answers are not mixed with others', async () => {
    const out = join(folder, 'off');
    const args = ['--model', address, '--out', out, '--category', 'preference'];
    expect((await acebench(...args, '--thinking', 'off')).code).toBe(0);
    expect(asked[0]).toMatchObject({ chat_template_kwargs: { enable_thinking: false } });
    expect(await acebench(...args)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/responses of another model or of other options; choose another --out/),
    });
  });
});
