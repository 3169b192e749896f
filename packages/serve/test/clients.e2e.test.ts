/** Clients that people use, and clients that mean ill, at a real socket. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tool } from '../../../src/chat/messages.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import { appOf } from '../src/app.ts';
import { ServedModel } from '../src/model.ts';
import { type Listening, listen } from '../src/server.ts';

const functions = JSON.parse(readFileSync('examples/home/functions.json', 'utf8')) as Tool[];
const openaiTools = functions.map((own) => ({
  type: 'function' as const,
  function: { ...own, parameters: { ...own.parameters } },
}));
const content = 'make the bedroom lamp 15 percent';
const messages = [{ role: 'user' as const, content }];

const model = new ServedModel('bases/fit-student', { name: 'student', rows: 8 });
const app = appOf([model], { apiKey: 'secret' });
let server: Listening;
let client: OpenAI;
beforeAll(async () => {
  server = await listen(app, { port: 0 });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'secret', maxRetries: 0 });
});
afterAll(async () => {
  await server.close(1000);
  await model.close();
});

/** Waits until nothing is answered any more. */
async function idle(): Promise<void> {
  for (const end = Date.now() + 20_000; model.load > 0 && Date.now() < end;)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("OpenAI's own client", () => {
  const request = { model: 'student', messages, tools: openaiTools, tool_choice: 'required' as const };

  test('reads a call, and the same one of a stream', async () => {
    const whole = await client.chat.completions.create(request);
    const call = whole.choices[0]?.message.tool_calls?.[0];
    const runner = client.chat.completions.stream({
      ...request,
      logprobs: true,
      stream_options: { include_usage: true },
    });
    const deltas: string[] = [];
    runner.on('tool_calls.function.arguments.delta', ({ arguments_delta: piece }) => deltas.push(piece));
    const streamed = await runner.finalChatCompletion();
    const other = streamed.choices[0]?.message.tool_calls?.[0];
    expect(call?.type === 'function' && call.function.name).toBe(other?.function.name);
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual(
      JSON.parse(other?.function.arguments ?? ''),
    );
    expect(deltas.filter((piece) => piece !== '').length).toBeGreaterThan(1);
    expect(streamed.usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
    expect(streamed.choices[0]?.logprobs?.content).toHaveLength(whole.usage?.completion_tokens ?? 0);
  });

  test('goes on with the results of calls, by both of its APIs', async () => {
    const first = await client.chat.completions.create(request);
    const said = first.choices[0]?.message;
    const results = (said?.tool_calls ?? []).map(({ id }) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: '{"done": true}',
    }));
    const second = await client.chat.completions.create({
      model: 'student',
      tools: openaiTools,
      tool_choice: 'none',
      messages: [...messages, ...(said === undefined ? [] : [said]), ...results],
      max_tokens: 16,
    });
    expect(second.choices[0]?.message.content).toBeTypeOf('string');

    const tools = functions.map((own) => ({
      type: 'function' as const,
      strict: true,
      ...own,
      parameters: { ...own.parameters },
    }));
    const stream = client.responses.stream({
      model: 'student',
      input: content,
      tools,
      tool_choice: 'required',
    });
    let pieces = '';
    stream.on('response.function_call_arguments.delta', ({ delta }) => (pieces += delta));
    const response = await stream.finalResponse();
    const calls = response.output.filter((item) => item.type === 'function_call');
    expect(calls.map((call) => call.arguments).join('')).toBe(pieces);
    const next = await client.responses.create({
      model: 'student',
      tools,
      tool_choice: 'none',
      max_output_tokens: 16,
      input: [
        { role: 'user', content },
        ...calls.map(({ type, call_id, name, arguments: given }) => ({
          type,
          call_id,
          name,
          arguments: given,
        })),
        ...calls.map(({ call_id }) => ({ type: 'function_call_output' as const, call_id, output: 'done' })),
      ],
    });
    expect(next.output_text).toBeTypeOf('string');
  });

  test('is told what is wrong in its own errors', async () => {
    const other = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
    await expect(other.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(client.models.retrieve('none')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const asked = client.chat.completions.create({ ...request, presence_penalty: 1 });
    await expect(asked).rejects.toMatchObject({ status: 400, param: 'presence_penalty' });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['student']);
  });

  test('frees the rows of a stream that it leaves', async () => {
    const prompt = 'one';
    const stream = await client.completions.create({
      model: 'student',
      prompt,
      stream: true,
      max_tokens: 1000,
      temperature: 1.5,
    });
    for await (const _ of stream) break;
    stream.controller.abort();
    await idle();
    expect(model.load).toBe(0);
  });
});

describe('the AI SDK', () => {
  const provider = (): ReturnType<typeof createOpenAICompatible> =>
    createOpenAICompatible({
      name: 'tinystar',
      baseURL: `${server.url}/v1`,
      apiKey: 'secret',
      supportsStructuredOutputs: true,
    });
  const tools = Object.fromEntries(
    functions.map(({ name, description, parameters }) => [
      name,
      tool({ description, inputSchema: jsonSchema<JsonObject>({ ...parameters }), execute: () => 'done' }),
    ]),
  );

  test('calls tools, whole and in a stream', async () => {
    const asked = { model: provider()('student'), tools, toolChoice: 'required' as const, prompt: content };
    const whole = await generateText(asked);
    const streamed = streamText(asked);
    const told = (calls: readonly { toolName: string; input: unknown }[]) =>
      calls.map(({ toolName, input }) => [toolName, input]);
    expect(told(await streamed.toolCalls)).toEqual(told(whole.toolCalls));
    expect(whole.toolResults.map(({ output }) => output)).toEqual(whole.toolCalls.map(() => 'done'));
    expect(whole.finishReason).toBe('tool-calls');
  });

  test('streams words, and stops when its signal fires', async () => {
    const student = provider()('student');
    const { textStream, text } = streamText({ model: student, prompt: 'hello', maxOutputTokens: 24 });
    let words = '';
    for await (const piece of textStream) words += piece;
    expect(words).toBe(await text);
    expect(words).not.toBe('');
    const asked = generateText({
      model: student,
      prompt: 'hello',
      temperature: 2,
      maxOutputTokens: 1000,
      abortSignal: AbortSignal.timeout(60),
    });
    await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' });
    await idle();
    expect(model.load).toBe(0);
  });

  test('reads structured output', async () => {
    const schema = jsonSchema<{ mood: string }>({
      type: 'object',
      properties: { mood: { type: 'string', enum: ['good', 'bad'] } },
      required: ['mood'],
      additionalProperties: false,
    });
    const { output } = await generateText({
      model: provider()('student'),
      output: Output.object({ schema }),
      prompt: 'I am fine',
    });
    expect(['good', 'bad']).toContain(output.mood);
  });
});

describe('clients that mean ill', () => {
  const address = (): { host: string; port: number } => {
    const { hostname, port } = new URL(server.url);
    return { host: hostname, port: Number(port) };
  };
  /** Sends bytes and leaves the rest open; gives what comes back until the server ends it, or nothing does. */
  const sent = (bytes: string | Buffer, milliseconds = 5000): Promise<string> =>
    new Promise((resolve) => {
      let answer = '';
      const socket = connect(address(), () => socket.write(bytes));
      socket.on('data', (chunk) => (answer += String(chunk)));
      socket.on('error', () => resolve(answer));
      socket.on('close', () => resolve(answer));
      setTimeout(() => socket.destroy(), milliseconds).unref();
    });
  const head = (length: number): string =>
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;

  test('a body that is told to be large is refused before it comes', async () => {
    expect(await sent(`${head(100_000_000)}{`)).toContain('413');
  });

  test('what is no request, no UTF-8 or too long a header is refused', async () => {
    expect(await sent('NONSENSE\r\n\r\n')).toContain('400');
    expect(await sent(`GET / HTTP/1.1\r\nX: ${'a'.repeat(30_000)}\r\n\r\n`)).toContain('431');
    const body = Buffer.from([0x22, 0xff, 0xfe, 0x22]);
    expect(await sent(Buffer.concat([Buffer.from(head(body.length)), body]))).toContain('not UTF-8');
  });

  test('others are answered beside a thousand connections that send halves of requests', async () => {
    const before = process.memoryUsage().rss;
    const sockets = Array.from({ length: 1000 }, (_, i) => {
      const socket = connect(address(), () =>
        socket.write(i % 2 === 0 ? 'GET / HT' : `${head(5000)}{"messages": [`),
      );
      socket.on('error', () => undefined);
      return socket;
    });
    const answer = await client.completions.create({ model: 'student', prompt: 'one', max_tokens: 4 });
    expect(answer.choices[0]?.text).toBeTypeOf('string');
    for (const socket of sockets) socket.destroy();
    expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(300);
  });

  test.each([
    ['refers to itself', { $ref: '#' }],
    ['backtracks', { type: 'string', pattern: '^(a+)+$' }],
    ['has many alternatives', { enum: Array.from({ length: 2000 }, (_, i) => `value ${i}`) }],
  ])('a schema that %s keeps nobody waiting', async (_, value) => {
    const parameters = { type: 'object', properties: { a: value }, required: ['a'] };
    const began = performance.now();
    const [odd, other] = await Promise.allSettled([
      client.chat.completions.create({
        model: 'student',
        messages,
        tools: [{ type: 'function', function: { name: 'f', parameters } }],
        tool_choice: 'required',
        max_tokens: 40,
      }),
      client.completions.create({ model: 'student', prompt: 'one', max_tokens: 4 }),
    ]);
    // It is answered, or refused as what it is.
    expect(odd.status === 'fulfilled' || (odd.reason as { status: number }).status === 400).toBe(true);
    expect(other.status).toBe('fulfilled');
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

test('a server that closes finishes what is being written, and takes no more', async () => {
  const closing = await listen(appOf([model]), { port: 0 });
  const ask = async (max_tokens: number): Promise<string> => {
    const body = JSON.stringify({ prompt: 'one', max_tokens, temperature: 1, stream: true, seed: 3 });
    return (await fetch(`${closing.url}/v1/completions`, { method: 'POST', body })).text();
  };
  const asked = ask(60);
  while (model.load === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  const closed = closing.close(20_000);
  expect(await asked).toContain('[DONE]');
  await closed;
  await expect(ask(1)).rejects.toThrow('fetch failed');
});
