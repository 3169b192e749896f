/** `tinystar eval bfcl` of a model behind an address. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { call, rightAnswer } from '../../benchmarks/test/bfcl/made.ts';
import { runCli } from '../../../test/helpers/cli.ts';
import { readLines as read } from '../../../test/helpers/runs.ts';
import { bfclRuns } from './benchmark-runs.ts';

const { folder, data, runs, evaluate: bfcl } = bfclRuns();

describe('a served model', () => {
  let server: Server;
  let prompts: string[] = [];
  let answer = rightAnswer;
  let address = '';

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString('utf8')));
      request.on('end', () => {
        if (request.url === '/v1/models') {
          response.end('{"data": [{"id": "tiny"}]}');
          return;
        }
        const { prompt } = JSON.parse(body) as { prompt: string };
        prompts.push(prompt);
        try {
          response.end(JSON.stringify({ choices: [{ text: answer(prompt), finish_reason: 'stop' }] }));
        } catch (thrown) {
          response.writeHead(400).end((thrown as Error).message);
        }
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  });
  afterAll(() => {
    server.close();
  });
  afterEach(() => {
    prompts = [];
    answer = rightAnswer;
  });

  test('is asked with the official prompts, one turn and several, and is not asked again', async () => {
    const out = join(folder, 'served');
    const { stdout, code } = await bfcl('--model', address, '--out', out);
    expect(code).toBe(0);
    expect(stdout).toContain('BFCL v3  tiny');
    expect(stdout).toMatch(/^simple +100\.00% /m);
    expect(stdout).toMatch(/^multi_turn_base +100\.00% /m);
    expect(prompts).toHaveLength(4 + 2 + 4);
    const [first] = prompts;
    expect(first).toMatch(/^<\|im_start\|>system\n# Tools\n/);
    expect(first).toContain('"Sets a timer. Note that the provided function is in Python 3 syntax."');
    expect(first).toMatch(/minutes\.<\|im_end\|>\n<\|im_start\|>assistant\n$/);
    expect(read(join(out, 'responses.jsonl'))).toContainEqual({
      id: 'simple_0',
      result: call('set_timer', { minutes: 5 }),
    });
    prompts = [];
    expect((await bfcl('--model', address, '--out', out)).stdout).toBe(stdout);
    expect(prompts).toEqual([]);
  });

  test("of another family is asked in its own template, which begins behind what the server's tokenizer writes", async () => {
    const tokenizer = join(folder, 'llama');
    const golden = join(import.meta.dirname, '../../../test/golden');
    mkdirSync(tokenizer);
    const one = { SpecialToken: { id: '<|endoftext|>', type_id: 0 } };
    const text = { Sequence: { id: 'A', type_id: 0 } };
    const parts = JSON.parse(
      readFileSync(join(golden, 'tokenizers/falcon3/tokenizer.json'), 'utf8'),
    ) as object;
    const post = {
      type: 'TemplateProcessing',
      single: [one, text],
      pair: [one, text],
      special_tokens: { '<|endoftext|>': { id: '<|endoftext|>', ids: [0], tokens: ['<|endoftext|>'] } },
    };
    writeFileSync(join(tokenizer, 'tokenizer.json'), JSON.stringify({ ...parts, post_processor: post }));
    const config = {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: '<|endoftext|>',
      eos_token: '<|endoftext|>',
      chat_template: readFileSync(join(golden, 'chat-templates/llama3.jinja'), 'utf8'),
    };
    writeFileSync(join(tokenizer, 'tokenizer_config.json'), JSON.stringify(config));
    answer = (prompt) => {
      const minutes = /Set a timer for (\d+) minutes/.exec(prompt)?.[1];
      return `{"name": "set_timer", "parameters": {"minutes": ${minutes}}}`;
    };
    const out = join(folder, 'llama-served');
    const args = ['--model', address, '--tokenizer', tokenizer, '--out', out, '--category', 'simple'];
    const { stdout, code } = await bfcl(...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^simple +100\.00% /m);
    for (const prompt of prompts)
      expect(prompt).toMatch(
        /^<\|start_header_id\|>system[^]*<\|start_header_id\|>assistant<\|end_header_id\|>\n\n$/,
      );
    expect(read(join(out, 'responses.jsonl'))).toContainEqual({
      id: 'simple_0',
      result: '<tool_call>\n{"name": "set_timer", "arguments": {"minutes": 5}}\n</tool_call>',
    });
  });

  test('that fails on the way is gone on with from the last answer', async () => {
    const out = join(folder, 'resumed');
    answer = (prompt) => {
      if (prompts.length > 3) throw new Error('gone');
      return rightAnswer(prompt);
    };
    const args = ['--model', address, '--out', out, '--parallel', '1', '--category', 'simple,irrelevance'];
    const failed = await bfcl(...args);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('refuses the request');
    expect(read(join(out, 'responses.jsonl'))).toHaveLength(3);
    answer = rightAnswer;
    prompts = [];
    const { stdout, code } = await bfcl(...args);
    expect(code).toBe(0);
    expect(prompts).toHaveLength(3);
    expect(stdout).toMatch(/^simple +100\.00% /m);
  });

  test('that has no room for a prompt is wrong there, and told to have not been asked', async () => {
    const out = join(folder, 'full');
    answer = (prompt) => {
      if (prompt.includes('joke') || prompt.includes('todo.txt')) throw new Error('context length exceeded');
      return rightAnswer(prompt);
    };
    const { stdout, code } = await bfcl('--model', address, '--out', out);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^simple +100\.00% /m);
    expect(stdout).toMatch(/^irrelevance +0\.00% /m);
    expect(stdout).toMatch(/^multi_turn_base +0\.00% /m);
    expect(stdout).toContain("3 prompts fill the model's positions");
    expect(read(join(out, 'responses.jsonl'))).toHaveLength(4);
  });

  test('is left alone when the user says so, and gone on with later', async () => {
    const out = join(folder, 'stopped');
    let stop = (): void => undefined;
    answer = (prompt) => {
      if (prompts.length === 3) stop();
      return rightAnswer(prompt);
    };
    const args = ['eval', 'bfcl', '--data', data, '--model', address, '--out', out, '--parallel', '1'];
    const onInterrupt = (listener: () => void): (() => void) => {
      stop = listener;
      return () => undefined;
    };
    const { code, stderr } = await runCli(args, { services: { onInterrupt } });
    expect(stderr).toMatch(/Stopped at step \d of 7 of bfcl; re-run the same command to resume\.\n$/);
    expect(code).toBe(130);
    answer = rightAnswer;
    expect((await runCli(args)).stdout).toMatch(/^multi_turn_base +100\.00% /m);
    expect(new Set(prompts).size).toBe(10);
    expect(prompts.length).toBeLessThanOrEqual(11);
  });

  test('does not mix its answers with those of other options', async () => {
    const out = join(folder, 'mixed');
    const args = ['--model', address, '--out', out, '--category', 'simple'];
    expect((await bfcl(...args)).code).toBe(0);
    expect(await bfcl(...args, '--generate-max-len', '7')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/responses of another model or of other options; choose another --out/),
    });
  });

  test('is asked again where the data are others, and not where they only lie elsewhere', async () => {
    const copy = join(folder, 'copied-data');
    cpSync(data, copy, { recursive: true });
    const ask = (...more: string[]) =>
      runCli(['eval', 'bfcl', '--data', copy, '--runs', runs, '--model', address, ...more]);
    const scored = (stdout: string): string => /^verdicts and scores +(\S+)$/m.exec(stdout)?.[1] ?? 'none';
    const first = await bfcl('--model', address, '--category', 'simple');
    prompts = [];
    expect(scored((await ask('--category', 'simple')).stdout)).toBe(scored(first.stdout));
    expect(prompts).toEqual([]);
    const out = join(folder, 'kept');
    expect((await ask('--category', 'simple', '--out', out)).code).toBe(0);
    const file = join(copy, 'BFCL_v3_simple.json');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('minutes', 'hours'));
    prompts = [];
    await ask('--category', 'simple');
    expect(prompts).toHaveLength(4);
    expect(prompts[0]).toContain('hours');
    expect(await ask('--category', 'simple', '--out', out)).toMatchObject({
      code: 1,
      stderr: `${out} has responses to other data, or responses of another model or of other options; choose another --out.\n`,
    });
  });

  test('may be asked to go on from <think>', async () => {
    await bfcl('--model', address, '--category', 'irrelevance', '--open-thought');
    expect(prompts[0]).toMatch(/<\|im_start\|>assistant\n<think>$/);
  });
});
