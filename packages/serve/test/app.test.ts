/** OpenAI's API without a socket: what is asked for, what is refused, and what is counted. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { Tool } from '../../../src/chat/messages.ts';
import { appOf } from '../src/app.ts';
import { ServedModel } from '../src/model.ts';

const functions = JSON.parse(readFileSync('examples/home/functions.json', 'utf8')) as Tool[];
const tools = functions.map((own) => ({ type: 'function', function: own }));
const messages = [{ role: 'user', content: 'make the bedroom lamp 15 percent' }];

const model = new ServedModel('bases/fit-student', { name: 'student', rows: 4, tools: functions });
afterAll(() => model.close());
const app = appOf([model]);

interface Call {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}
interface Choice {
  readonly index: number;
  readonly text: string;
  readonly finish_reason: string | null;
  readonly message: { readonly content: string | null; readonly tool_calls?: readonly Call[] };
  readonly delta: {
    readonly content?: string;
    readonly tool_calls?: readonly (Call & { readonly index: number })[];
  };
}
interface Answer {
  readonly choices: readonly Choice[];
  readonly usage: Readonly<Record<string, number>>;
  readonly error: Readonly<Record<string, string>>;
}

const post = async (path: string, body: unknown, headers: Record<string, string> = {}, to = app) =>
  to.request(path, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const chat = async (body: object, to = app): Promise<Answer> =>
  (await (await post('/v1/chat/completions', { messages, tools, ...body }, {}, to)).json()) as Answer;
const events = async (path: string, body: object): Promise<string[]> =>
  (await (await post(path, { ...body, stream: true })).text())
    .split('\n\n')
    .flatMap((event) => /^(?:event: .*\n)?data: (.*)$/m.exec(event)?.[1] ?? []);

describe('chat completions', () => {
  test('tool_choice makes a call due, names it, or forbids it', async () => {
    const required = await chat({ tool_choice: 'required' });
    expect(required.choices[0]?.finish_reason).toBe('tool_calls');
    const named = await chat({ tool_choice: { type: 'function', function: { name: 'set_heating' } } });
    expect(named.choices[0]?.message.tool_calls?.[0]?.function.name).toBe('set_heating');
    const none = await chat({ tool_choice: 'none' });
    expect(none.choices[0]?.message).not.toHaveProperty('tool_calls');
    const single = await chat({ tool_choice: 'required', parallel_tool_calls: false });
    expect(single.choices[0]?.message.tool_calls).toHaveLength(1);
  });

  test('a stream has the same call in pieces, and usage behind it', async () => {
    const whole = await chat({ tool_choice: 'required' });
    const data = await events('/v1/chat/completions', {
      messages,
      tools,
      tool_choice: 'required',
      stream_options: { include_usage: true },
    });
    expect(data.at(-1)).toBe('[DONE]');
    const chunks = data.slice(0, -1).map((text) => JSON.parse(text) as Answer);
    const pieces = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    const wanted = whole.choices[0]?.message.tool_calls ?? [];
    for (const [index, call] of wanted.entries()) {
      const own = pieces.filter((piece) => piece.index === index);
      expect(own.map((piece) => piece.function.name).filter(Boolean)).toEqual([call.function.name]);
      expect(JSON.parse(own.map((piece) => piece.function.arguments).join(''))).toEqual(
        JSON.parse(call.function.arguments),
      );
    }
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('tool_calls');
    expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: whole.usage['completion_tokens'] });
  });

  test('the same seed draws the same answers, and n are drawn each for itself', async () => {
    const warm = { temperature: 2, n: 4, tool_choice: 'none', max_tokens: 12 };
    const texts = ({ choices }: Answer) => choices.map(({ message }) => message.content);
    const [first, second, other] = [
      await chat({ ...warm, seed: 5 }),
      await chat({ ...warm, seed: 5 }),
      await chat({ ...warm, seed: 6 }),
    ];
    expect(texts(first)).toEqual(texts(second));
    expect(texts(first)).not.toEqual(texts(other));
    expect(new Set(texts(first)).size).toBeGreaterThan(1);
    expect(first.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  });

  test.each([
    [{ frequency_penalty: 1 }, 'frequency_penalty'],
    [{ logit_bias: { 1: 5 } }, 'logit_bias'],
    [{ functions: [] }, 'functions'],
    [{ temperature: 3 }, 'temperature'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages.0.content'],
    [{ tools: [{ type: 'web_search' }] }, 'tools.0.type'],
    [{ tool_choice: { type: 'function', function: { name: 'fly' } } }, 'tool_choice'],
    [{ tools: [], tool_choice: 'required' }, 'tool_choice'],
    [{ response_format: { type: 'json_schema', json_schema: {} } }, 'response_format.json_schema.schema'],
    [
      { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'a', arguments: '[' } }] }] },
      'messages.0.tool_calls.0.function.arguments',
    ],
  ])('%j is refused by the name of what is wrong', async (body, param) => {
    const response = await post('/v1/chat/completions', { messages, tools, ...body });
    expect(response.status).toBe(400);
    expect(((await response.json()) as Answer).error).toMatchObject({ type: 'invalid_request_error', param });
  });

  test('what says nothing about an answer is let pass', async () => {
    const harmless = { user: 'me', store: false, metadata: {}, service_tier: 'auto', prompt_cache_key: 'k' };
    expect(await chat({ ...harmless, max_tokens: 4 })).toHaveProperty('choices');
  });
});

describe('completions and responses', () => {
  test('a completion goes on with each of its texts, also in a stream', async () => {
    const prompt = [
      model.prompt({ messages: [{ role: 'user', content: 'hello' }], tools: functions }),
      'one two',
    ];
    const body = { prompt, max_tokens: 8, n: 2 };
    const whole = (await (await post('/v1/completions', body)).json()) as Answer;
    expect(whole.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const data = (await events('/v1/completions', body)).slice(0, -1);
    const pieces = data.flatMap((text) => (JSON.parse(text) as Answer).choices);
    for (const { index, text } of whole.choices)
      expect(pieces.flatMap((piece) => (piece.index === index ? [piece.text] : [])).join('')).toBe(text);
  });

  test('a response has the items of its events', async () => {
    const body = {
      input: messages,
      tools: functions.map((own) => ({ type: 'function', ...own })),
      tool_choice: 'required',
    };
    interface Event {
      readonly type: string;
      readonly item?: object;
      readonly response?: { readonly output: readonly object[]; readonly status: string };
    }
    const told = (await events('/v1/responses', body)).map((text) => JSON.parse(text) as Event);
    const last = told.at(-1);
    expect(told[0]?.type).toBe('response.created');
    expect(last?.type).toBe('response.completed');
    const done = told.filter(({ type }) => type === 'response.output_item.done');
    expect(last?.response?.output).toEqual(done.map(({ item }) => item));
    expect(last?.response?.output[0]).toMatchObject({ type: 'function_call', status: 'completed' });
  });
});

describe('schemas that calls cannot be held to', () => {
  const odd = {
    type: 'function',
    function: {
      name: 'tag_photo',
      description: 'Tag a photo',
      parameters: { type: 'object', properties: { tags: { type: 'object', patternProperties: {} } } },
    },
  };

  test('are refused with the name of their function, whatever would be called, streamed or not', async () => {
    for (const stream of [false, true]) {
      const response = await post('/v1/chat/completions', { messages, tools: [...tools, odd], stream });
      expect(response.status).toBe(400);
      const { error } = (await response.json()) as Answer;
      expect(error['message']).toContain('tag_photo');
      expect(error['message']).toContain('patternProperties');
    }
  });

  test('are read as they are meant where numbers to choose from are given as texts, unless strict', async () => {
    const dice = {
      name: 'roll_dice',
      description: 'Roll some dice',
      parameters: {
        type: 'object',
        properties: { number: { type: 'integer', enum: ['4', '6'] } },
        required: ['number'],
      },
    };
    const ask = (strict: boolean) =>
      chat({ tools: [{ type: 'function', function: { ...dice, strict } }], tool_choice: 'required' });
    const call = (await ask(false)).choices[0]?.message.tool_calls?.[0];
    expect([4, 6]).toContain((JSON.parse(call?.function.arguments ?? '') as { number: number }).number);
    const { error } = await ask(true);
    expect(error['message']).toContain('roll_dice');
    expect(error['message']).toContain('of number');
  });

  test('are no hindrance where nothing may be called', async () => {
    const answer = await chat({ tools: [...tools, odd], tool_choice: 'none', max_tokens: 4 });
    expect(answer.choices).toHaveLength(1);
  });
});

describe('limits', () => {
  test.each([
    ['{"messages": [', 400],
    ['"\u{D800}"', 400],
    [`{"messages": ${'['.repeat(100_000)}`, 400],
    [JSON.stringify({ messages: [{ role: 'user', content: 'a'.repeat(3_000_000) }] }), 400],
    [`"${'a'.repeat(5_000_000)}"`, 413],
  ])('a body that cannot be taken is refused (%#)', async (body, status) => {
    const began = performance.now();
    expect((await post('/v1/chat/completions', body)).status).toBe(status);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('more requests than there are places for are told to come again', async () => {
    const small = appOf([model], { queue: 2 });
    const asked = Array.from({ length: 5 }, () =>
      post('/v1/chat/completions', { messages, tools, max_tokens: 4 }, {}, small),
    );
    const responses = await Promise.all(asked);
    expect(responses.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 429, 429, 429]);
    expect(responses.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('1');
    expect((await post('/v1/chat/completions', { messages, n: 3 }, {}, small)).status).toBe(429);
    expect((await post('/v1/chat/completions', { messages, max_tokens: 2 }, {}, small)).status).toBe(200);
  });

  test('an answer that takes too long is ended', async () => {
    const hasty = appOf([model], { timeout: 0.02 });
    const body = { prompt: 'one', max_tokens: 1000, temperature: 2 };
    expect((await post('/v1/completions', body, {}, hasty)).status).toBe(504);
    expect(model.load).toBe(0);
  });

  test('who does not know the key is let in nowhere but to /health', async () => {
    const locked = appOf([model], { apiKey: 'secret' });
    for (const path of ['/v1/models', '/metrics']) expect((await locked.request(path)).status).toBe(401);
    expect((await locked.request('/health')).status).toBe(200);
    const headers = { authorization: 'Bearer secret' };
    expect((await locked.request('/v1/models', { headers })).status).toBe(200);
  });

  test('a model tells the functions that it was made for, which the page begins with', async () => {
    const told = (await (await app.request('/v1/models/student')).json()) as object;
    expect(told).toMatchObject({ id: 'student', tinystar: { tools: functions } });
    expect((await app.request('/v1/models/other')).status).toBe(404);
  });

  test('pages of other origins may not ask unless it is allowed', async () => {
    const headers = { origin: 'https://example.com', host: 'localhost' };
    expect((await app.request('/v1/models', { headers })).status).toBe(403);
    const open = appOf([model], { cors: 'https://example.com' });
    const response = await open.request('/v1/models', { headers });
    expect(response.headers.get('access-control-allow-origin')).toBe('https://example.com');
  });

  test('what was answered is counted in the format of Prometheus', async () => {
    const counted = appOf([model]);
    const { usage } = await chat({ max_tokens: 6, tool_choice: 'none' }, counted);
    await counted.request('/nowhere');
    const text = await (await counted.request('/metrics')).text();
    for (const line of text.trim().split('\n'))
      expect(line).toMatch(/^(?:# (?:HELP|TYPE) .*|\w+(?:\{.*\})? [\d.e+-]+)$/);
    expect(text).toContain('tinystar_requests_total{path="/v1/chat/completions",status="200"} 1\n');
    expect(text).toContain('tinystar_requests_total{path="none",status="404"} 1\n');
    expect(text).toContain(`tinystar_completion_tokens_total ${usage['completion_tokens']}\n`);
    expect(text).toContain('tinystar_request_seconds_count 1\n');
  });
});
