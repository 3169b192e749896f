/** The data commands as a user meets them, from a public data set's rows to training records. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trainVocabulary } from '../../assistant/src/vocabulary.ts';
import { runCli } from '../../../test/helpers/cli.ts';

const formats = fileURLToPath(new URL('../../../test/fixtures/formats/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tinystar-data-'));
const at = (name: string): string => join(folder, name);
const lines = (name: string): Record<string, unknown>[] =>
  readFileSync(at(name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** A record of one request and one call. */
function record(id: string, minutes: number, request = `Set a timer to ${id} of ${minutes} minutes`): string {
  const tools = [
    { name: 'set_timer', description: 'd', parameters: { minutes: { type: 'int', description: 'd' } } },
  ];
  const call = { name: 'set_timer', arguments: { minutes } };
  const messages = [
    { role: 'user', content: request },
    { role: 'assistant', content: '', reasoning_content: 'A timer.', tool_calls: [call] },
  ];
  return JSON.stringify({ id, source: 'own', messages, tools });
}

async function data(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await runCli(['data', ...args]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

beforeAll(() => {
  trainVocabulary({ seed: 1, size: 400, groups: 4 }).save(at('tokenizer'));
  const many = Array.from({ length: 20 }, (_, i) => record(`r${i}`, i));
  writeFileSync(at('records.jsonl'), `${many.join('\n')}\n`);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each(['convert', 'clean', 'label', 'mix', 'render'])('help of data %s', (command) => {
  test('has an example', async () => {
    expect(await data(command, '--help')).toContain(`  tinystar data ${command} `);
  });
});

describe('a command that would write over a file it reads', () => {
  test('is refused, and the file is left alone', async () => {
    const before = readFileSync(at('records.jsonl'), 'utf8');
    symlinkSync(at('records.jsonl'), at('link.jsonl'));
    const refused = async (output: string, ...args: string[]): Promise<void> => {
      const { stderr, code } = await runCli(['data', ...args, '--output', at(output)]);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `--output is the input ${at('records.jsonl')}; name another file.\n`,
      });
    };
    const input = at('records.jsonl');
    for (const output of ['records.jsonl', 'link.jsonl']) {
      await refused(output, 'convert', input);
      await refused(output, 'clean', input);
      await refused(output, 'clean', at('other.jsonl'), '--against', input);
      await refused(output, 'label', input);
      await refused(output, 'mix', input, '--size', '3');
      await refused(output, 'mix', '--by', 'weights', `${input}=2`, '--size', '3');
      await refused(output, 'render', input, '--tokenizer', at('tokenizer'));
    }
    expect(readFileSync(input, 'utf8')).toBe(before);
  });

  test('is refused too where records and rejects would be one file', async () => {
    const flags = ['--output', at('both.jsonl'), '--rejects', at('both.jsonl')];
    const { stderr, code } = await runCli(['data', 'convert', at('records.jsonl'), ...flags]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `--rejects is the file of --output, ${at('both.jsonl')}; name another file.\n`,
    });
  });
});

test('what a command that was killed left half-written goes when the same file is written again', async () => {
  // No process has a number as large.
  for (const name of ['.again.jsonl.4194999.tmp', '.again2.jsonl.4194999.tmp']) writeFileSync(at(name), 'x');
  writeFileSync(at(`.again.jsonl.${process.ppid}.tmp`), 'x');
  await data('convert', at('records.jsonl'), '--output', at('again.jsonl'));
  const left = readdirSync(folder).filter((name) => name.endsWith('.tmp'));
  expect(left.toSorted()).toEqual(
    [`.again.jsonl.${process.ppid}.tmp`, '.again2.jsonl.4194999.tmp'].toSorted(),
  );
});

describe('data convert', () => {
  test('writes records, counts what is broken by its reason, and keeps it', async () => {
    const inputs = [`${formats}xlam.jsonl`, `${formats}toolace.jsonl`];
    const flags = ['--output', at('converted.jsonl'), '--rejects', at('rejects.jsonl')];
    const stdout = await data('convert', ...inputs, ...flags);
    expect(stdout).toMatch(/^records +toolace +4\nrecords +xlam +2\nrejected +call +2\n/);
    expect(stdout).toMatch(/\n6 records in .*converted\.jsonl, 13 rejected\.\n$/);
    expect(lines('converted.jsonl')).toHaveLength(6);
    const rejects = lines('rejects.jsonl');
    expect(rejects).toHaveLength(13);
    expect(rejects[0]).toEqual({
      where: `${formats}xlam.jsonl:3`,
      code: 'not_json',
      message: expect.stringMatching(/./),
      text: readFileSync(`${formats}xlam.jsonl`, 'utf8').split('\n')[2],
    });
  });

  test("reads a project's examples with its functions, and asks for these where they are not given", async () => {
    const project = fileURLToPath(new URL('../../../examples/home/', import.meta.url));
    const out = ['--output', at('requests.jsonl'), '--rejects', at('requests-bad.jsonl')];
    const input = ['convert', `${project}examples.jsonl`, ...out];
    expect(await data(...input, '--tools', `${project}functions.json`)).toMatch(/^records +requests +220\n/);
    const names = lines('requests.jsonl').map(({ tools }) => (tools as unknown[]).length);
    expect(new Set(names)).toEqual(new Set([9]));
    await data(...input);
    expect(lines('requests-bad.jsonl')[0]).toMatchObject({
      code: 'no_tools',
      message: 'The row has calls and no functions; give them with --tools FILE.',
    });
  });

  test('says that there is no row in an empty file', async () => {
    writeFileSync(at('empty.jsonl'), '\n');
    const { stderr, code } = await runCli([
      'data',
      'convert',
      at('empty.jsonl'),
      '--output',
      at('none.jsonl'),
    ]);
    const message = 'Not one row became a record: there is none; check the files.\n';
    expect({ code, stderr }).toEqual({ code: 1, stderr: message });
  });

  test('leaves an existing file alone where nothing can be converted', async () => {
    writeFileSync(at('kept.jsonl'), 'mine\n');
    writeFileSync(at('junk.jsonl'), '{"a": 1}\nnot json\n{"a": 2}\n');
    const { stderr, code } = await runCli([
      'data',
      'convert',
      at('junk.jsonl'),
      '--output',
      at('kept.jsonl'),
    ]);
    expect([code, stderr]).toEqual([
      1,
      'Not one row became a record: the most frequent reason is unknown_format; look at them with --rejects.\n',
    ]);
    expect(readFileSync(at('kept.jsonl'), 'utf8')).toBe('mine\n');
  });

  test('says what to write for the name of a data set', async () => {
    const { stderr } = await runCli(['data', 'convert', 'owner/name', '--output', at('x.jsonl')]);
    expect(stderr).toBe(
      "Cannot read owner/name: it does not exist; check the path. If it is a data set's name, write hf:owner/name.\n",
    );
    expect(existsSync(at('x.jsonl'))).toBe(false);
  });
});

describe('data clean', () => {
  test.each(['0', '8', 'much'])('takes no similarity of %s', async (near) => {
    const { stderr, code } = await runCli(['data', 'clean', 'x.jsonl', '--output', 'y', '--near', near]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('must be a') });
  });

  test('reports duplicates and overlaps with an evaluation, and with which question', async () => {
    const asked = 'Well: how long must an egg of sixty grams boil, to be soft inside?';
    const input = [record('a', 1), record('a', 1), record('b', 2, asked), record('c', 3)];
    writeFileSync(at('unclean.jsonl'), input.join('\n'));
    const flags = ['--output', at('clean.jsonl'), '--rejects', at('left.jsonl')];
    const stdout = await data('clean', at('unclean.jsonl'), '--against', `${formats}bfcl.jsonl`, ...flags);
    expect(stdout).toMatch(/^compared with +bfcl\.jsonl +2\nnot readable +bfcl\.jsonl +2\n/);
    expect(stdout).toMatch(
      /left out +contaminated by bfcl\.jsonl +1\nleft out +exact duplicate +1\n2 records/,
    );
    expect(lines('clean.jsonl').map(({ id }) => id)).toEqual(['a', 'c']);
    expect(lines('left.jsonl')[1]!['message']).toMatch(
      /^In common with simple_0 of bfcl\.jsonl: how long must/,
    );
  });
});

describe('data label', () => {
  test('counts kinds of answers, and writes them', async () => {
    const stdout = await data('label', at('records.jsonl'), '--output', at('labelled.jsonl'));
    expect(stdout).toMatch(/^single +20 \(100\.0%\)$/m);
    expect(stdout).toContain('Calls in an answer: 1: 20.\n');
    expect(lines('labelled.jsonl')[0]!['labels']).toEqual([{ tags: ['single'], turns: 1, calls: 1 }]);
  });
});

test('every format that has answers: converted, rendered, and scored 1 against themselves', async () => {
  const names = ['xlam', 'hammer', 'toolace', 'toolace-cleaned', 'toolmind', 'openai', 'sharegpt'];
  const inputs = names.map((name) => `${formats}${name}.jsonl`);
  await data('convert', ...inputs, '--refusal', 'I cannot do that.', '--output', at('all.jsonl'));
  const sources = new Set(lines('all.jsonl').map(({ source }) => source));
  expect(sources).toEqual(new Set(['hammer', 'openai', 'sharegpt', 'toolace', 'toolmind', 'xlam']));
  for (const mode of ['star', 'native']) {
    const flags = ['--tokenizer', at('tokenizer'), '--mode', mode, '--no-reasoning'];
    const { code } = await runCli([
      'data',
      'render',
      at('all.jsonl'),
      ...flags,
      '--output',
      at('train.jsonl'),
    ]);
    expect(code).toBe(0);
    const rendered = lines('train.jsonl');
    expect(rendered).toHaveLength(lines('all.jsonl').length);
    const samples = rendered.map(({ inputs: prompt, targets }) =>
      JSON.stringify({ prompt, label: targets, generation: targets }),
    );
    writeFileSync(at('samples.jsonl'), samples.join('\n'));
    const score = [
      'score',
      '--reward',
      'simrl',
      '--input',
      at('samples.jsonl'),
      '--output',
      at('scores.jsonl'),
    ];
    expect((await runCli(score)).stderr).toBe('');
    expect(lines('scores.jsonl').map(({ reward }) => reward)).toEqual(samples.map(() => 1));
  }
});

test('generations of another format of calls are scored in it, with the tools of their lines', async () => {
  const call = '<|tool_call_start|>[set_timer(minutes=5)]<|tool_call_end|>';
  const tool = {
    name: 'set_timer',
    parameters: { type: 'object', properties: { minutes: { type: 'integer' } } },
  };
  const row = { prompt: 'A timer of 5 minutes', label: call, tools: [{ type: 'function', function: tool }] };
  const generations = [call, call.replace('5', '6'), call.replace('set_timer', 'stop_timer')];
  const written = generations.map((generation) => JSON.stringify({ ...row, generation }));
  writeFileSync(at('lfm2.jsonl'), written.join('\n'));
  const score = ['score', '--input', at('lfm2.jsonl'), '--output', at('lfm2-scores.jsonl')];
  expect((await runCli([...score, '--tool-format', 'lfm2'])).stderr).toBe('');
  const [right, wrong, unknown] = lines('lfm2-scores.jsonl').map(({ reward }) => reward as number);
  expect(right).toBe(1);
  expect(wrong).toBeLessThan(1);
  expect(unknown).toBe(-1);
  writeFileSync(at('bare.jsonl'), JSON.stringify({ prompt: 'p', label: call, generation: call }));
  const bare = await runCli(['score', '--input', at('bare.jsonl'), '--tool-format', 'lfm2']);
  expect(bare.stderr).toContain('has no "tools", and prompts of lfm2 do not show them');
});

describe('data mix', () => {
  test('takes by quotas, and says when there is not enough of some kind', async () => {
    const stdout = await data('mix', at('records.jsonl'), '--size', '10', '--output', at('mixed.jsonl'));
    // Single turns and single calls end at 3 and 5; there is nothing else.
    expect(stdout).toMatch(/^single +20 +5$/m);
    expect(stdout).toContain('That is fewer than the 10 that were asked for.');
    expect(lines('mixed.jsonl')).toHaveLength(5);
  });

  test('wants shares of at most 1, and weights that are numbers', async () => {
    const { stderr } = await runCli([
      'data',
      'mix',
      'x.jsonl',
      '--size',
      '9',
      '--output',
      'y',
      '--parallel',
      '50',
    ]);
    expect(stderr).toContain('must be a share from 0 to 1');
    const { stderr: weight } = await runCli(['data', 'mix', 'x.jsonl=a', '--size', '9', '--output', 'y']);
    expect(weight).toBe('x.jsonl=a: the weight must be a number of at least 0.\n');
  });

  test('tells of prompts that are too long, and of those that the chat template refuses', async () => {
    cpSync(at('tokenizer'), at('picky'), { recursive: true });
    const refusing = `{# tools #}{% if 'r3 ' in messages[0].content %}{{ raise_exception('no') }}{% endif %}`;
    const long = `{% if 'r4 ' in messages[0].content %}${'long '.repeat(99)}{% endif %}`;
    writeFileSync(at('picky/chat_template.jinja'), `${refusing}${long}{{ messages[0].content }}`);
    const flags = [
      '--by',
      'weights',
      '--size',
      '20',
      '--tokenizer',
      at('picky'),
      '--max-prompt-tokens',
      '80',
    ];
    const stdout = await data('mix', at('records.jsonl'), ...flags, '--output', at('fitting.jsonl'));
    expect(stdout).toMatch(
      /18 records in \S+\. That is fewer than the 20 that were asked for\. Left out: 1 with prompts over 80 tokens, 1 that the chat template refuses\.\n$/,
    );
  });

  test('takes by weight what the same seed takes again', async () => {
    writeFileSync(at('others.jsonl'), Array.from({ length: 20 }, (_, i) => record(`o${i}`, i)).join('\n'));
    const mix = async (seed: string): Promise<string> => {
      const files = [`${at('records.jsonl')}=3`, `${at('others.jsonl')}=1`];
      const flags = ['--by', 'weights', '--size', '12', '--seed', seed, '--output', at('weighted.jsonl')];
      await data('mix', ...files, ...flags);
      return lines('weighted.jsonl')
        .map(({ id }) => String(id))
        .join(' ');
    };
    const first = await mix('1');
    expect(first.match(/r\d+/g)).toHaveLength(9);
    expect(first.match(/o\d+/g)).toHaveLength(3);
    expect(await mix('1')).toBe(first);
    expect(await mix('2')).not.toBe(first);
  });
});

describe('data render', () => {
  const render = (...flags: string[]): Promise<string> =>
    data(
      'render',
      at('records.jsonl'),
      '--tokenizer',
      at('tokenizer'),
      '--output',
      at('train.jsonl'),
      ...flags,
    );

  test('writes ids, inputs and targets in both modes, with and without the thought', async () => {
    const call = '<tool_call>\n{"name": "set_timer", "arguments": {"minutes": 0}}\n</tool_call><|im_end|>\n';
    const targets = {
      star: [`A timer.</think>${call}`, `</think>${call}`],
      native: [`<think>\nA timer.\n</think>\n\n${call}`, `<think>\n\n</think>\n\n${call}`],
    };
    for (const mode of ['star', 'native'] as const) {
      for (const [i, flag] of ['--reasoning', '--no-reasoning'].entries()) {
        const stdout = await render('--mode', mode, flag);
        expect(stdout).toMatch(
          /^20 training records in \S+ \(\d+ tokens of prompts, \d+ of targets\), 0 left out\.\n$/,
        );
        const [first] = lines('train.jsonl');
        expect(Object.keys(first!)).toEqual(['id', 'inputs', 'targets']);
        expect(first!['inputs']).toMatch(/^<\|im_start\|>system\n/);
        const end = `<|im_start|>assistant\n${mode === 'star' ? '<think>' : ''}`;
        expect(String(first!['inputs']).endsWith(end)).toBe(true);
        expect(first!['targets']).toBe(targets[mode][i]);
      }
    }
  });

  test('writes what data inspect shows token by token, as it does records', async () => {
    await render('--mode', 'star');
    const inspect = (name: string, ...flags: string[]): Promise<string> =>
      data('inspect', '--file', at(name), '--tokenizer', at('tokenizer'), '--count', '1', ...flags);
    const rendered = await inspect('train.jsonl');
    expect(rendered).toMatch(/^r0 rendered\ninputs {5}<\|im_start\|>system\n/);
    expect(rendered).toContain('[</think>][<tool_call>][↵\n]');
    expect(await inspect('records.jsonl', '--category', 'single')).toMatch(
      /^r0 openai single {2}tools: set_timer\nuser .*\nassistant {2}\(A timer\.\)\n/,
    );
  });

  test('counts and keeps what is too long, and cuts nothing', async () => {
    writeFileSync(
      at('records.jsonl'),
      `${readFileSync(at('records.jsonl'), 'utf8')}${record('long', 1, 'x '.repeat(999))}\n`,
    );
    const stdout = await render('--max-prompt-tokens', '900', '--rejects', at('long.jsonl'));
    expect(stdout).toMatch(/^left out +prompt_too_long +1\n20 training records .* 1 left out\.\n$/);
    expect(lines('long.jsonl')[0]).toMatchObject({
      code: 'prompt_too_long',
      message: expect.stringMatching(/^The prompt has \d{4} tokens, more than 900\.$/),
    });
    expect(lines('train.jsonl').map(({ id }) => id)).not.toContain('long');
  });
});
