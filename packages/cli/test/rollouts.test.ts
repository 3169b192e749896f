/** `tinystar rollouts` with a served teacher, and a recipe that learns from what it drew. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readRollouts } from '../../../src/train/rollout-store.ts';
import { logOf, runEngine, scratchFolder } from '../../../test/helpers/runs.ts';
import { chat, ScriptedServer } from '../../../test/helpers/scripted-server.ts';
import { TeacherServer } from '../../../test/helpers/teacher-server.ts';
import { makeTinyStudent } from '../../../test/helpers/tiny-student.ts';

const { folder: scratch, remove } = scratchFolder();
const { checkpoint, tokenizer } = makeTinyStudent(scratch);
const runs = join(scratch, 'runs');
const data = join(scratch, 'data.jsonl');
let server: TeacherServer;

beforeAll(async () => {
  const line = (level: number): string =>
    JSON.stringify({
      id: `d${level}`,
      tools: [{ name: 'dim', description: '', parameters: { type: 'object', properties: { level: {} } } }],
      messages: [
        { role: 'user', content: `Dim to ${level}.` },
        { role: 'assistant', content: '', tool_calls: [{ name: 'dim', arguments: { level } }] },
      ],
    });
  writeFileSync(data, [1, 2, 3].map((level) => `${line(level)}\n`).join(''));
  server = await TeacherServer.start({
    tokenizer,
    answer: (_, seed) =>
      `<think></think><tool_call>{"name": "dim", "arguments": {"level": ${seed % 3}}}</tool_call>`,
    message: (_, seed) => ({
      content: '',
      tool_calls: [{ function: { name: 'dim', arguments: `{"level": ${seed % 3}}` } }],
    }),
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  remove();
});

const OPTIONS = [
  '--n-samples-per-prompt',
  '2',
  '--generate-max-len',
  '120',
  '--kd-topk',
  '5',
  '--runs',
  runs,
];
const draw = (teacher: string, ...more: string[]) =>
  runEngine([
    'rollouts',
    data,
    '--model',
    checkpoint,
    '--teacher',
    teacher,
    '--endpoint',
    server.url,
    ...OPTIONS,
    ...more,
  ]);

/** Draws from another server than the one of this file, each time anew. */
const drawFrom = (url: string, ...more: string[]) => {
  const args = ['rollouts', data, '--model', checkpoint, '--teacher', 'openai', '--endpoint', url];
  return runEngine([...args, ...OPTIONS, '--seed', String((seed += 1)), ...more]);
};
let seed = 100;

/** All that the files of a folder hold. */
const readTree = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');

/** The folder that the command says that it drew into. */
const folderOf = (stdout: string): string => /rollouts +(\S+)\n$/.exec(stdout)?.[1] ?? '';

function recipe(name: string, stage: string, from: string, kdTopk = 5): string {
  const path = join(scratch, `${name}.yaml`);
  mkdirSync(scratch, { recursive: true });
  writeFileSync(
    path,
    `name: ${name}
threads: 1
data: { source: file, train: data.jsonl, test: data.jsonl }
models: { student: student }
stages:
  - { name: drawn, kind: rollout, model: student, from: ${from}, kd_topk: ${kdTopk} }
  - { name: learn, ${stage}, model: student, data: drawn, lr: 1e-4, train_batch_size: 2 }
`,
  );
  return path;
}

describe('rollouts of a server', () => {
  test('are drawn once, looked into, and learned from by a recipe that takes them over', async () => {
    const { stdout, stderr, code } = await draw('llama.cpp');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const folder = folderOf(stdout);
    const student = { vocabulary: tokenizer.fingerprint(), vocabSize: tokenizer.vocabSize };
    expect(readRollouts(folder, student).map(({ id, samples }) => [id, samples.length])).toEqual(
      expect.arrayContaining([
        ['d1', 2],
        ['d2', 2],
        ['d3', 2],
      ]) as unknown,
    );
    const asked = server.asked.length;
    expect(folderOf((await draw('llama.cpp')).stdout)).toBe(folder);
    expect(server.asked.length).toBe(asked);
    const inspected = await runEngine(['data', 'topk', folder, '--student', checkpoint, '--show', '1']);
    expect(inspected.stdout).toMatch(/answers +6, \d+ tokens with 5 log-probabilities each/);
    const run = await runEngine([
      'run',
      recipe('ckd', 'kind: distill, kd_topk: 5, kd_student_topm: 5', folder),
      '--runs',
      runs,
    ]);
    expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 });
    expect(logOf(join(runs, 'ckd')).filter(({ stage }) => stage === 'learn').length).toBe(3);
  });

  test('without log-probabilities serve SFT, and distillation says why it cannot use them', async () => {
    const { stdout, stderr, code } = await draw('openai');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    // A run's folder will do, where it has one stage of rollouts.
    const folder = folderOf(stdout).replace(/\/stages\/.*/, '');
    const sft = await runEngine(['run', recipe('sft', 'kind: sft', folder), '--runs', runs]);
    expect({ code: sft.code, stderr: sft.stderr }).toMatchObject({ code: 0 });
    const ckd = await runEngine([
      'run',
      recipe('no-ckd', 'kind: distill, kd_topk: 5', folder),
      '--runs',
      runs,
    ]);
    expect(ckd.code).toBe(1);
    expect(ckd.stderr).toMatch(
      /The rollouts hold no log-probabilities, as their teacher gives none; train on them/,
    );
  });

  test('with fewer log-probabilities than a recipe wants are refused before it trains', async () => {
    const folder = folderOf((await draw('llama.cpp')).stdout);
    const { stderr, code } = await runEngine([
      'run',
      recipe('more', 'kind: distill, kd_topk: 9', folder, 9),
      '--runs',
      runs,
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /stages.learn.kd_topk is 9, and drawn stores only kd_topk 5; lower the one or raise the other/,
    );
  });
});

describe('a server that fails', () => {
  test('is told of at once, with what it says, and asked again until it answers', async () => {
    const answer = chat([
      { tool_calls: [{ function: { name: 'dim', arguments: '{"level": 1}' } }] },
      'tool_calls',
    ]);
    await using other = await ScriptedServer.start(({ path }, number) => {
      if (path.endsWith('/models')) return { body: { data: [{ id: 'm' }] } };
      return {
        body: number === 1 ? { error: { code: 'rate_limit_exceeded', message: 'Slow down' } } : answer,
      };
    });
    const { stderr, code } = await drawFrom(other.url, '--prompts', '1');
    expect(code).toBe(0);
    expect(stderr).toMatch(/rollouts: http:\S+ answers HTTP 429, Slow down; trying again for 3 min\n/);
  });
});

test('prompts that were added are asked, and so are all where the model is another', async () => {
  const drawn = async (): Promise<string> => {
    const { stdout, stderr, code } = await draw('vllm');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return folderOf(stdout);
  };
  const first = await drawn();
  const student = { vocabulary: tokenizer.fingerprint(), vocabSize: tokenizer.vocabSize };
  const lines = readFileSync(data, 'utf8');
  writeFileSync(data, lines + lines.slice(0, lines.indexOf('\n') + 1).replaceAll('1', '4'));
  const second = await drawn();
  expect([first, second].map((folder) => readRollouts(folder, student).length)).toEqual([3, 4]);
  writeFileSync(data, lines);
  expect(await drawn()).toBe(first);
  appendFileSync(join(checkpoint, 'chat_template.jinja'), '\n');
  expect(await drawn()).not.toBe(first);
});

describe('a wrong command', () => {
  test('is told in one sentence', async () => {
    const fails = async (...args: string[]): Promise<string> => {
      const { stderr, code } = await runEngine(['rollouts', data, '--model', checkpoint, ...args]);
      expect(code).toBe(1);
      return stderr;
    };
    expect(await fails('--teacher', 'vllm')).toMatch(/The teacher vllm needs an --endpoint, such as/);
    expect(await fails('--endpoint', 'http://localhost:1')).toMatch(
      /An --endpoint needs a --teacher that says/,
    );
    expect(await fails('--teacher', 'vllm', '--endpoint', 'localhost:1')).toMatch(
      /endpoint: must be an address such as http:\/\/localhost:1: it does not begin with http/,
    );
    expect(await fails('--reward-threshold', '2')).toMatch(/must be a number from -1 to 1/);
    expect((await runEngine(['rollouts', data, '--model', scratch])).stderr).toMatch(
      /There is no \S+config\.json/,
    );
    expect((await runEngine(['rollouts', data, '--model', join(scratch, 'none.gguf')])).stderr).toMatch(
      /There is no \S+none\.gguf; give with --model the teacher's checkpoint/,
    );
  });

  test('about the address of a server is told before anything is written, and without its password', async () => {
    const bad = 'http://me:hunter2@gpu1:8080/v1';
    const asked = await runEngine([
      'rollouts',
      data,
      '--model',
      checkpoint,
      '--teacher',
      'openai',
      '--endpoint',
      bad,
    ]);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toMatch(
      /"http:\/\/\[secret\]@gpu1:8080\/v1" for endpoint: must be .*a name or password in it/,
    );
    const path = join(scratch, 'served.yaml');
    const teacher = `{ kind: openai, endpoints: ["${bad}", "http://gpu1:99999"], api_key_env: sk-aaaabbbbccccdddd1 }`;
    writeFileSync(
      path,
      `name: served\nmodels: { student: ${checkpoint} }\ndata: { source: file, train: ${data}, test: ${data} }\nstages:\n  - { name: drawn, kind: rollout, model: student, teacher: ${teacher} }\n`,
    );
    const { stderr, code } = await runEngine(['run', path, '--runs', runs]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /stages\.drawn\.teacher\.endpoints\.1 is .* and must be .*: there is no port 99999/,
    );
    expect(stderr).toMatch(/api_key_env must be the name of the environment variable/);
    expect(asked.stderr + stderr).not.toMatch(/hunter2|sk-aaaa/);
    expect(existsSync(join(runs, 'served'))).toBe(false);
  });

  test('with a model that the server does not have says which it has', async () => {
    await using other = await ScriptedServer.start(({ path }) =>
      path.endsWith('/models')
        ? { body: { data: [{ id: 'llama-3' }, { id: 'qwen3-8b' }] } }
        : { status: 404, body: { error: { message: 'The model does not exist', code: 'model_not_found' } } },
    );
    const { stderr, code } = await drawFrom(other.url, '--served', 'qwen3-9b');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /HTTP 404, The model does not exist\); it has no model qwen3-9b; name one of qwen3-8b, llama-3 with served/,
    );
  });

  test('with a key that the server sends back shows it nowhere', async () => {
    const key = 'zebra-crossing-1234567';
    vi.stubEnv('KEY_OF_A_TEST', key);
    await using other = await ScriptedServer.start(() => ({
      status: 401,
      body: { error: { message: `Incorrect API key provided: ${key}` } },
    }));
    const { stderr, stdout } = await drawFrom(
      other.url,
      '--api-key-env',
      'KEY_OF_A_TEST',
      '--debug',
      '--served',
      'm',
    );
    vi.unstubAllEnvs();
    expect(stderr).toContain('Incorrect API key provided: [secret]');
    expect(stderr + stdout + readTree(runs)).not.toContain(key);
  });

  test('with a key that is not set says which', async () => {
    expect((await draw('openai', '--seed', '9', '--api-key-env', 'NO_SUCH_KEY_OF_OURS')).stderr).toMatch(
      /The environment variable NO_SUCH_KEY_OF_OURS with the teacher's API key is not set/,
    );
  });
});

describe('rollouts of which no answer can be kept end with what to do', () => {
  const call = { content: '', tool_calls: [{ function: { name: 'dim', arguments: '{"level": 1}' } }] };
  const withoutEnd = chat(['I can tell you that the', 'content_filter']);

  test.each<[string, object, string[], RegExp]>([
    [
      'cut',
      withoutEnd,
      [],
      /none of \d answers is valid, as \d have no end or say nothing; raise generate_max_len, or/,
    ],
    ['nothing', chat([{ content: '' }, 'stop']), [], /none of \d answers is valid, as \d have no end/],
    ['malformed', chat([{ content: '<tool_call>{</tool_call>' }, 'stop']), [], /as \d are not well-formed/],
    [
      'below the threshold',
      chat([{ content: 'No.' }, 'stop']),
      ['--reward-threshold', '1'],
      /none of \d answers has a reward of at least 1; lower reward_threshold/,
    ],
  ])('when they are %s', async (_, reply, more, why) => {
    let isGood = false;
    await using scripted = await ScriptedServer.start(({ path }) => ({
      body: path.endsWith('/models') ? { data: [{ id: 'm' }] } : isGood ? chat([call, 'tool_calls']) : reply,
    }));
    const first = await drawFrom(scripted.url, ...more);
    expect(first).toMatchObject({ code: 1, stderr: expect.stringMatching(why) as unknown });
    // The same command asks again, as the server may have been seen to.
    isGood = true;
    seed -= 1;
    const asked = scripted.asked.length;
    await drawFrom(scripted.url, ...(more.length > 0 ? ['--reward-threshold', '1'] : []));
    expect(scripted.asked.length).toBeGreaterThan(asked + 3);
  });

  test('but not when one of them can', async () => {
    await using scripted = await ScriptedServer.start(({ path, body }) => ({
      body: path.endsWith('/models')
        ? { data: [{ id: 'm' }] }
        : JSON.stringify(body).includes('Dim to 2.')
          ? chat([call, 'tool_calls'])
          : withoutEnd,
    }));
    expect(await drawFrom(scripted.url)).toMatchObject({ code: 0 });
  });
});

test('each address is asked for the model by the name that it gives it', async () => {
  const reply = chat([
    { content: '', tool_calls: [{ function: { name: 'dim', arguments: '{"level": 1}' } }] },
    'stop',
  ]);
  const serving = (id: string) =>
    ScriptedServer.start(({ path, body }) =>
      path.endsWith('/models')
        ? { body: { data: [{ id }] } }
        : body['model'] === id
          ? { body: reply }
          : { status: 404, body: { error: { message: 'no such model' } } },
    );
  await using one = await serving('one');
  await using two = await serving('two');
  const { code, stderr } = await drawFrom(one.url, '--endpoint', two.url, '--concurrency', '1');
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/different models \(one at \S+, two at \S+\)/) as unknown,
  });
});

test.each<[string, object, string]>([
  ['a thought in both places', { reasoning_content: 'Hm.', content: '<think>Hm.</think>\nNo.' }, 'No.'],
  ['an empty refusal', { content: 'No.', refusal: '' }, 'No.'],
  [
    'arguments that are JSON in JSON',
    { tool_calls: [{ function: { name: 'dim', arguments: JSON.stringify('{"level": 1}') } }] },
    '{"name": "dim", "arguments": {"level": 1}}',
  ],
])('%s is read as it is meant', async (_, message, text) => {
  await using scripted = await ScriptedServer.start(({ path }) => ({
    body: path.endsWith('/models') ? { data: [{ id: 'm' }] } : chat([message, 'stop']),
  }));
  const { stdout, code } = await drawFrom(scripted.url);
  expect(code).toBe(0);
  const student = { vocabulary: tokenizer.fingerprint(), vocabSize: tokenizer.vocabSize };
  const [prompt] = readRollouts(folderOf(stdout), student);
  expect(prompt?.samples[0]?.text.split('</think>')[1]).toContain(text);
});
