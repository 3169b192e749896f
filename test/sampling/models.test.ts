/** The answerers of a benchmark: what a server and a checkpoint are asked, and what becomes of faults. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { trainTokenizer } from '../../src/chat/bpe-trainer.ts';
import { DEFAULT_TEMPLATE } from '../../src/chat/default-template.ts';
import { ggufTokenizer } from '../../src/chat/gguf-tokenizer.ts';
import { openSampler } from '../../src/sampling/open.ts';
import type { Answer, SampleOptions, Sampler } from '../../src/sampling/sampler.ts';
import { Device } from '../../src/ggml/device.ts';
import { initialiseWeights, loadModel, saveCheckpoint } from '../../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs, type ModelConfig } from '../../src/model/arch/config.ts';
import { exportGguf } from '../../src/model/checkpoint/gguf.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';

const greedy: SampleOptions = { generate_max_len: 4, temperature: 0 };

interface One {
  readonly index: number;
  readonly text: string;
  readonly tokens: number;
  readonly end: string;
}

/** The one sample of each prompt, as answers come. */

async function all(answers: AsyncGenerator<Answer>): Promise<One[]> {
  const found: One[] = [];
  for await (const {
    index,
    samples: [sample],
    failure,
    isFull,
  } of answers) {
    if (failure !== undefined && isFull !== true) throw new Error(failure);
    const { text = '', length = 0, finish = 'full' } = sample ?? {};
    found.push({ index, text, tokens: length, end: finish });
  }
  return found;
}

const complete = (model: Sampler, texts: readonly string[], options = greedy) =>
  model.sample(
    texts.map((text) => ({ text })),
    options,
  );

describe('a server', () => {
  let server: Server;
  let url = '';
  let requests = 0;
  let keys: (string | undefined)[] = [];
  let handle: (
    path: string,
    prompt: string,
  ) => {
    status?: number;
    text: string;
    after?: Promise<void>;
  };
  const completion = (text: string): string =>
    JSON.stringify({ choices: [{ text, finish_reason: 'length' }] });

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString('utf8')));
      request.on('end', () => {
        requests += 1;
        keys.push(request.headers.authorization);
        const { prompt = '' } = (body === '' ? {} : JSON.parse(body)) as { prompt?: string };
        const { status = 200, text, after = Promise.resolve() } = handle(request.url ?? '', prompt);
        void after.then(() => response.writeHead(status).end(text));
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
  });
  afterAll(() => {
    server.close();
  });

  const open = () => openSampler(url, { device: 'cpu', parallel: 2, served: 'm', apiKey: 'secret' });

  test('is sent several requests at once, and its answers come as they are ready', async () => {
    keys = [];
    // The first answer waits until the last question has come, which it can only while the first is under way.
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    handle = (_, prompt) => {
      if (prompt === 'c') release();
      return { text: completion(prompt.toUpperCase()), ...(prompt === 'a' ? { after: held } : {}) };
    };
    using model = await open();
    const answers = await all(complete(model, ['a', 'b', 'c'], greedy));
    expect(answers[0]).toMatchObject({ index: 1, text: 'B' });
    expect(new Map(answers.map(({ index, text }) => [index, text]))).toEqual(
      new Map([
        [0, 'A'],
        [1, 'B'],
        [2, 'C'],
      ]),
    );
    expect(answers[0]).toMatchObject({ end: 'length', tokens: 0 });
    expect(keys).toEqual(Array.from({ length: 3 }, () => 'Bearer secret'));
  });

  test('is asked again after a fault that may pass', async () => {
    requests = 0;
    handle = () => (requests === 1 ? { status: 503, text: 'warming up' } : { text: completion('x') });
    using model = await open();
    expect(await all(complete(model, ['a'], greedy))).toMatchObject([{ text: 'x' }]);
    expect(requests).toBe(2);
  });

  test('that has no room for a prompt leaves it unanswered', async () => {
    handle = (_, prompt) =>
      prompt === 'long'
        ? { status: 400, text: "This model's maximum context length is 8 tokens" }
        : { text: completion('x') };
    using model = await open();
    const answers = await all(complete(model, ['long', 'short'], greedy));
    expect(answers.toSorted((a, b) => a.index - b.index)).toMatchObject([
      { text: '', end: 'full' },
      { text: 'x', end: 'length' },
    ]);
  });

  test('that refuses, or that speaks something else, is told', async () => {
    using model = await open();
    handle = () => ({ status: 401, text: 'who are you?' });
    await expect(all(complete(model, ['a'], greedy))).rejects.toThrow(
      /refuses the request \(HTTP 401, who are you\?\); check the API key, which is given by the environment variable OPENAI_API_KEY\./,
    );
    handle = () => ({ text: '{"choices": 5}' });
    await expect(all(complete(model, ['a'], greedy))).rejects.toThrow(
      /does not answer as the OpenAI-compatible server does \(the reply\.choices is no list\); check the address/,
    );
    handle = () => ({ text: '{"data": []}' });
    await expect(openSampler(url, { device: 'cpu', parallel: 1 })).rejects.toThrow(
      /lists no model; name the one to ask with --served/,
    );
  });
});

describe('a checkpoint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-answering-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const tokenizer = trainTokenizer(['hello there', 'a timer for tea'], {
    size: 284,
    chatTemplate: DEFAULT_TEMPLATE,
  });
  const config: ModelConfig = {
    vocabSize: tokenizer.vocabSize,
    hiddenSize: 32,
    intermediateSize: 64,
    layers: 1,
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    tiedEmbeddings: true,
    family: 'qwen3',
    contextLength: 64,
    bosTokenId: null,
    eosTokenId: tokenizer.eosId,
  };

  beforeAll(() => {
    using device = Device.open('cpu', 1);
    using parameters = new ParameterSet(device, parameterSpecs(config), 'weights');
    initialiseWeights(config, parameters, Rng.seeded(2));
    saveCheckpoint(folder, config, parameters);
    tokenizer.save(folder);
  });

  test('answers what fits, begins with the thought that was opened, and leaves the rest unanswered', async () => {
    using model = await openSampler(folder, { device: 'cpu', parallel: 1 });
    const ask = (content: string) => ({ messages: [{ role: 'user', content } as const] });
    const answers = await all(
      model.sample([ask('hello'), ask('tea '.repeat(99))], { ...greedy, open_thought: true }),
    );
    const [short, long] = answers.toSorted((a, b) => a.index - b.index);
    expect(short!.text).toMatch(/^<think>/);
    expect(short).toMatchObject({ tokens: 4, end: 'length' });
    expect(long).toEqual({ index: 1, text: '', tokens: 0, end: 'full' });
    const prompt = '<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n';
    const [plain] = await all(model.sample([ask('hello')], greedy));
    expect([plain]).toEqual(await all(complete(model, [prompt], greedy)));
    const [thoughtless] = await all(model.sample([ask('hello')], { ...greedy, enable_thinking: false }));
    const closed = `${prompt}<think>\n\n</think>\n\n`;
    expect([thoughtless]).toEqual(await all(complete(model, [closed], greedy)));
  });

  test('says the same as a GGUF file of it, which llama.cpp runs', async () => {
    using device = Device.open('cpu', 1);
    const { config, parameters } = loadModel(device, folder, { trainable: false });
    using weights = parameters;
    const file = join(folder, 'model.gguf');
    exportGguf(file, config, weights, ggufTokenizer(folder), { dtype: 'f32' });
    using checkpoint = await openSampler(folder, { device: 'cpu', parallel: 1 });
    using gguf = await openSampler(file, { device: 'cpu', parallel: 1, engine: 'llama.cpp' });
    const prompts = ['a', 'tea'].map(
      (text) => `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`,
    );
    const byIndex = (answers: One[]): One[] => answers.toSorted((a, b) => a.index - b.index);
    const long = 'tea '.repeat(99);
    const options = { generate_max_len: 12, temperature: 0.001 };
    const ours = byIndex(await all(complete(checkpoint, [...prompts, long], options)));
    expect(byIndex(await all(complete(gguf, [...prompts, long], options)))).toEqual(ours);
    expect(ours.map(({ end }) => end)).toContain('full');
    await expect(all(complete(gguf, prompts, { generate_max_len: 4, temperature: 1 }))).rejects.toThrow(
      /one greedy answer to a prompt, not for 1 at temperature 1; use --temperature 0/,
    );
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(all(complete(gguf, prompts, { ...options, signal: gone }))).rejects.toThrow('gone');
  });
});
