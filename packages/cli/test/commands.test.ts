import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Rng } from '../../../src/base/rng.ts';
import { trainVocabulary } from '../../assistant/src/vocabulary.ts';
import { Device } from '../../../src/ggml/device.ts';
import { initialiseWeights, saveCheckpoint } from '../../../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs } from '../../../src/model/arch/config.ts';
import { ParameterSet } from '../../../src/tensor/parameters.ts';
import { runCli } from '../../../test/helpers/cli.ts';
import { makeFakeRun } from '../../../test/recipe/fake-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-commands-'));
const checkpoint = join(folder, 'tiny');

beforeAll(() => {
  const tokenizer = trainVocabulary({ seed: 1, size: 400, groups: 4 });
  tokenizer.save(join(folder, 'tokenizer'));
  const config = {
    vocabSize: tokenizer.vocabSize,
    hiddenSize: 32,
    intermediateSize: 64,
    layers: 1,
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    ropeTheta: 1e6,
    rmsNormEps: 1e-6,
    family: 'qwen3',
    contextLength: 2048,
    tiedEmbeddings: true,
    bosTokenId: tokenizer.eosId,
    eosTokenId: tokenizer.eosId,
  };
  using device = Device.open('cpu', 1);
  using parameters = new ParameterSet(device, parameterSpecs(config), 'weights');
  initialiseWeights(config, parameters, Rng.seeded(1));
  saveCheckpoint(checkpoint, config, parameters, { tokenizerFiles: join(folder, 'tokenizer') });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('help', () => {
  test('lists the commands', async () => {
    const { stdout, code } = await runCli(['--help']);
    expect(code).toBe(0);
    for (const command of ['run', 'eval', 'generate', 'export', 'report', 'data', 'doctor']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    }
  });

  test.each(['run', 'eval', 'generate', 'export', 'report', 'data inspect', 'doctor', 'data'])(
    'of %s has an example',
    async (command) => {
      const { stdout, code } = await runCli([...command.split(' '), '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain('EXAMPLE');
      expect(stdout).toContain(`  tinystar ${command}`);
    },
  );

  test('the version is that of the package', async () => {
    expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('a slip of the keys gets a suggestion and exit code 1', async () => {
    expect(await runCli(['repotr', 'x'])).toEqual({
      stdout: '',
      stderr: 'No command registered for `repotr`, did you mean `report`?\n',
      code: 1,
    });
    expect(await runCli(['run', 'x', '--jsno'])).toMatchObject({ code: 1 });
    expect((await runCli(['data', 'inspect', '--count', 'none'])).stderr).toContain(
      'must be a whole number of at least 1',
    );
  });
});

test('doctor shows versions, the engine library, and every device with its memory and speed', async () => {
  const { stdout, code } = await runCli(['doctor']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Node\.js +20\.|^Node\.js +\d+\./m);
  expect(stdout).toMatch(/@node-llama-cpp\/\S+ +\d\S+ +in use: ggml \S+, \d+ functions checked/);
  expect(stdout).toMatch(/^CPU +cpu +[\d.]+ GB +[\d.]+ GB +[\d.]+ GFLOP\/s/m);
});

describe('data inspect', () => {
  test('shows a dialogue as text and as tokens with the loss mask', async () => {
    const { stdout, code } = await runCli([
      'data',
      'inspect',
      '--count',
      '1',
      '--category',
      'single',
      '--tokenizer',
      join(folder, 'tokenizer'),
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^assistant-train-\S+ single {2}tools: \w+/);
    expect(stdout).toMatch(/^user {7}\S/m);
    expect(stdout).toMatch(/mask "all" counts \d+/);
    expect(stdout).toContain('[<tool_call>]');
  });

  test('an unknown category names the ones there are', async () => {
    const { stderr, code } = await runCli(['data', 'inspect', '--category', 'paralel']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^There is no category "paralel"; there are single, .*parallel/);
  });
});

test('a flag of an earlier version is told with its present name', async () => {
  const { stderr, code } = await runCli(['generate', checkpoint, 'hello', '--max-tokens', '4']);
  expect(stderr).toBe('--max-tokens is called --generate-max-len now.\n');
  const camel = await runCli(['generate', checkpoint, 'hello', '--maxTokens', '4']);
  expect(camel.stderr).toBe('--maxTokens is called --generate-max-len now.\n');
  expect(code).toBe(1);
});

describe('help of an option that recipes have', () => {
  test('has its default, and its own words', async () => {
    const { stdout } = await runCli(['rollouts', '--help']);
    expect(stdout).toMatch(/--top-p\] +Draw from the smallest set of tokens with this mass +\[default = 1\]/);
  });

  test.each([
    ['--top-p', '0', 'must be a number above 0 and at most 1'],
    ['--temperature', '0', 'must be a number above 0'],
    ['--kd-topk', '1.5', 'must be a whole number above 0'],
    ['--concurrency', '', 'must be a whole number above 0'],
  ])('%s takes no %j', async (flag, value, why) => {
    const { stderr, code } = await runCli(['rollouts', 'x.jsonl', '--model', 'x', flag, value]);
    expect(stderr).toContain(why);
    expect(code).toBe(1);
  });
});

describe('generate', () => {
  const tools = join(folder, 'tools.json');

  test('names what the device leaves to the CPU', async () => {
    vi.stubEnv('TINYSTAR_FALLBACK', 'SOFT_MAX');
    const { stderr, code } = await runCli(['generate', checkpoint, 'hello', '--generate-max-len', '4']);
    vi.unstubAllEnvs();
    expect(stderr).toMatch(/^note: .*SOFT_MAX/);
    expect(code).toBe(0);
  });

  test('answers a request with tools, the same for the same seed', async () => {
    const tool = {
      name: 'start_timer',
      description: 'Starts a timer',
      parameters: { type: 'object', properties: {} },
    };
    writeFileSync(tools, JSON.stringify([tool, { type: 'function', function: tool }]));
    const args = [
      'generate',
      checkpoint,
      'Set a timer',
      '--tools',
      tools,
      '--generate-max-len',
      '8',
      '--temperature',
      '1',
      '--raw',
    ];
    const first = await runCli(args);
    expect(first).toMatchObject({ stderr: expect.stringMatching(/^\(cut after 8 tokens|^$/), code: 0 });
    expect(first.stdout).toContain('start_timer');
    expect(first.stdout).toContain('<|im_start|>user\nSet a timer<|im_end|>');
    expect(await runCli(args)).toEqual(first);
    expect((await runCli([...args, '--seed', '1'])).stdout).not.toBe(first.stdout);
  });

  test("a tool's schema stands in the prompt as it was written", async () => {
    const schema =
      '{"type": "object", "properties": {"n": {"type": "number", "default": 5.0, "maximum": 12345678901234567890}}}';
    writeFileSync(tools, `[{"name": "f", "description": "d", "inputSchema": ${schema}}]`);
    const args = ['generate', checkpoint, 'x', '--tools', tools, '--generate-max-len', '1', '--raw'];
    expect((await runCli(args)).stdout).toContain(schema);
  });

  test('a tool without a name is told', async () => {
    writeFileSync(tools, JSON.stringify([{ name: 'a' }, { description: 'no name' }]));
    const { stderr, code } = await runCli(['generate', checkpoint, 'x', '--tools', tools]);
    expect(stderr).toBe(`${tools}: Tool 2 has no name; correct it.\n`);
    expect(code).toBe(1);
  });

  test.each([
    ['[', 'is not JSON'],
    ['{}', 'must hold a JSON list of tools'],
  ])('a tools file %j is told', async (text, fault) => {
    writeFileSync(tools, text);
    const { stderr, code } = await runCli(['generate', checkpoint, 'x', '--tools', tools]);
    expect(stderr).toContain(fault);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
  });

  test('a missing checkpoint is told', async () => {
    const { stderr, code } = await runCli(['generate', join(folder, 'nowhere'), 'x']);
    expect(stderr).toMatch(/^Cannot read .*nowhere.*: it does not exist; check the path\.\n$/);
    expect(code).toBe(1);
  });
});

test('export writes a GGUF file, and tells of whose functions the requests of its check are', async () => {
  const gguf = join(folder, 'tiny.gguf');
  const { stdout, code } = await runCli(['export', checkpoint, '--gguf', gguf]);
  expect(stdout).toMatch(/tiny\.gguf: [\d,]+ parameters as f16, 0\.\d MB\n/);
  expect(stdout).toMatch(/check: llama\.cpp reads 8 of 8 prompts as the same tokens/);
  expect(stdout).toMatch(/requests are of an assistant's functions, give yours by --data FILE/);
  expect(code).toBe(0);
});

test('export refuses to quantise a folder', async () => {
  const { stderr, code } = await runCli([
    'export',
    checkpoint,
    '--folder',
    join(folder, 'q'),
    '--dtype',
    'q8_0',
  ]);
  expect(stderr).toContain('A folder in Hugging Face format cannot hold q8_0');
  expect(code).toBe(1);
});

test('export writes a folder that answers as the checkpoint does, and replaces none', async () => {
  const half = join(folder, 'half');
  const { stdout, code } = await runCli(['export', checkpoint, '--folder', half]);
  expect(stdout).toMatch(/half: [\d,]+ parameters as f16, 0\.\d MB\n$/);
  expect(code).toBe(0);
  const tokenizer = (of: string): string => readFileSync(join(of, 'tokenizer.json'), 'utf8');
  expect(tokenizer(half)).toBe(tokenizer(checkpoint));
  expect((await runCli(['generate', half, 'hello', '--generate-max-len', '4'])).code).toBe(0);
  const again = await runCli(['export', checkpoint, '--folder', half]);
  expect(again.stderr).toContain('exists already; name another folder');
  expect(again.code).toBe(1);
});

test('export without anything to write says so', async () => {
  const { stderr, code } = await runCli(['export', checkpoint]);
  expect(stderr).toBe('Nothing to write: give --gguf FILE, --folder DIR, --web DIR or --modelfile FILE.\n');
  expect(code).toBe(1);
});

test('export --web says what a page needs, and writes none without it', async () => {
  const web = join(folder, 'web');
  const ofFolder = await runCli(['export', checkpoint, '--web', web]);
  expect(ofFolder.stderr).toMatch(/A page runs a GGUF file, and .* is a folder; write one by --gguf/);
  const gguf = join(folder, 'page.gguf');
  await runCli(['export', checkpoint, '--gguf', gguf, '--check', '0']);
  const withoutTools = await runCli(['export', gguf, '--web', web]);
  expect(withoutTools.stderr).toMatch(
    /There is no functions\.json beside .*; give the functions of the page/,
  );
  expect([ofFolder.code, withoutTools.code, existsSync(web)]).toEqual([1, 1, false]);
});

test('export --modelfile writes a Modelfile with functions in its template, for a GGUF file alone', async () => {
  const gguf = join(folder, 'ollama.gguf');
  const [tools, file] = [join(folder, 'ollama-tools.json'), join(folder, 'Modelfile')];
  writeFileSync(
    tools,
    JSON.stringify([{ name: 'ping', description: 'Pings.', parameters: { type: 'object' } }]),
  );
  const ofFolder = await runCli(['export', checkpoint, '--modelfile', file, '--tools', tools]);
  expect(ofFolder.stderr).toMatch(/Ollama runs GGUF files, and .* is none/);
  const flags = ['--gguf', gguf, '--check', '0', '--modelfile', file, '--tools', tools];
  expect((await runCli(['export', checkpoint, ...flags])).stdout).toContain(
    'with 1 function in its template',
  );
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('FROM ./ollama.gguf\n');
  expect(text).toContain('"name": "ping"');
  expect(text).toContain('{{ if .Tools }}{{ end }}');
});

test("report writes a run's report and prints its table", async () => {
  const run = join(folder, 'tiny-star');
  makeFakeRun(run);
  const { stdout, code } = await runCli(['report', run]);
  expect(stdout).toContain('STAR                84.8%   82.3 – 87.1  733/864');
  expect(stdout).toContain(`report  ${join(run, 'report.html')}`);
  expect(code).toBe(0);
});

test('report of another folder is refused', async () => {
  mkdirSync(join(folder, 'empty'));
  const { stderr, code } = await runCli(['report', join(folder, 'empty')]);
  expect(stderr).toContain('is not a run folder');
  expect(code).toBe(1);
});
