/** The live engine behind the server: the same answers as a model that answers all at once, whatever comes beside them. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { Tool } from '../../../src/chat/messages.ts';

import { asTokenIds } from '../../../src/base/token-ids.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { Device } from '../../../src/ggml/device.ts';
import { loadModel } from '../../../src/model/checkpoint/checkpoint.ts';
import { LiveGenerator } from '../../../src/model/generate/live.ts';
import { Local } from '../../../src/sampling/local.ts';
import type { Delta } from '../src/deltas.ts';
import { ServedModel } from '../src/model.ts';

const BASE = 'bases/fit-student';
const tools = JSON.parse(readFileSync('examples/home/functions.json', 'utf8')) as Tool[];
const REQUESTS = [
  'turn off the lamp in the hall',
  'make the bedroom lamp 15 percent',
  'it should be 17 degrees in the study at night',
  'what can you do for me?',
  'open the blinds in the lounge, and switch on the kitchen lamp',
  'hello',
];
const conversation = (request: string) => ({
  messages: [{ role: 'user' as const, content: request }],
  tools,
});

const model = new ServedModel(BASE, { rows: 4 });
afterAll(() => model.close());

/** Greedy answers of the model that answers all at once. */
async function alone(): Promise<string[]> {
  using local = Local.open(BASE, 'cpu');
  const prompts = REQUESTS.map((request) => ({ ...conversation(request), rules: { tools } }));
  const texts: string[] = [];
  const options = {
    temperature: 0,
    top_p: 1,
    top_k: -1,
    generate_max_len: 96,
    n_samples_per_prompt: 1,
    seed: 0,
  };
  for await (const { index, samples } of local.sample(prompts, options))
    texts[index] = samples[0]?.text ?? '';
  return texts;
}

describe('a served model', () => {
  test('answers prompts that come staggered as a model does that answers them at once', async () => {
    const expected = await alone();
    const asked = REQUESTS.map(async (request, i) => {
      await new Promise((resolve) => setTimeout(resolve, i * 15));
      return (await model.ask(conversation(request), { max_tokens: 96 })).text;
    });
    expect(await Promise.all(asked)).toEqual(expected);
    const again = await model.ask(conversation(REQUESTS[0] ?? ''), { max_tokens: 96 });
    expect(again.text).toBe(expected[0]);
    expect(again.cachedTokens).toBeGreaterThan(again.promptTokens / 2);
  });

  test('makes the prompts that the chat template makes, whatever is asked', async () => {
    const odd = [
      '  two  spaces ',
      '\n\nlines\n',
      '<|im_end|>\n<|im_start|>system',
      'naïve café 北京 🌍',
      '1',
      '{"a": 1}',
    ];
    for (const request of [...REQUESTS, ...odd]) {
      const whole = model.prompt(conversation(request));
      const { promptTokens } = await model.ask(conversation(request), { max_tokens: 1 });
      const { promptTokens: expected, text } = await model.complete(whole, { max_tokens: 1 });
      expect([request, promptTokens]).toEqual([request, expected]);
      expect(text).toBe((await model.ask(conversation(request), { max_tokens: 1, constrained: false })).text);
    }
  });

  test('frees the rows of answers that nobody waits for any more, and those in line', async () => {
    const ends = Array.from({ length: 9 }, () => new AbortController());
    // With the first token of any, all are given up, those that are not begun among them.
    const onDelta = (): void => {
      for (const end of ends) end.abort(new Error('gone'));
    };
    const outcomes = Promise.allSettled(
      ends.map(({ signal }) => model.ask(conversation('hello'), { constrained: false, signal, onDelta })),
    );
    for (const { status } of await outcomes) expect(status).toBe('rejected');
    expect(model.load).toBe(0);
  });

  test('keeps what one constraint fails with from the others', async () => {
    using device = Device.open('cpu', 1);
    const { config, parameters } = loadModel(device, BASE, { trainable: false });
    using _parameters = parameters;
    const live = new LiveGenerator(device, config, parameters);
    const failing = {
      after: () => {
        throw new Error('a schema that cannot be');
      },
      tokens: () => [],
    };
    const request = {
      prompt: asTokenIds([1, 2, 3, 4, 5, 6, 7, 8]),
      shared: 3,
      generate_max_len: 8,
      stopIds: [],
      seed: 0,
      temperature: 0,
      top_p: 1,
      top_k: -1,
    };
    const expected = await live.answer(request);
    const outcomes = await Promise.allSettled([
      live.answer(request),
      live.answer({ ...request, constraint: failing }),
      live.answer(request),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const [first] = outcomes;
    expect(first?.status === 'fulfilled' && [...first.value.tokens]).toEqual([...expected.tokens]);
    await live.close();
  });

  test('has log-probabilities whose sum is that of scoring', async () => {
    // Held to schemas, a base may write a text in other tokens than those that it would be read as.
    const free = { logprobs: 3, constrained: false };
    const reply = await model.ask(conversation('turn off the lamp in the hall'), free);
    const { chances = [] } = reply;
    const sum = chances.reduce((total, { logprob }) => total + logprob, 0);
    using local = Local.open(BASE, 'cpu');
    const prompt = local.template.prompt(conversation('turn off the lamp in the hall'));
    const tokenizer = Tokenizer.load(BASE);
    const completion = tokenizer.encode(chances.map(({ text }) => text).join(''));
    const [[scored] = []] = await local.score(
      [{ prompt: tokenizer.encode(prompt), completions: [completion] }],
      { topK: 3 },
    );
    expect(completion).toHaveLength(chances.length);
    expect(sum).toBeCloseTo(
      Array.from(scored?.logprobs ?? []).reduce((total, one) => total + one, 0),
      2,
    );
    expect(sum).toBeCloseTo(reply.logprob, 5);
    for (const { top } of chances) {
      expect(top).toHaveLength(3);
      expect(top[0]?.logprob).toBeGreaterThanOrEqual(top[2]?.logprob ?? 0);
    }
  });

  test('tells calls in pieces whose concatenation is the JSON text of their arguments', async () => {
    const news: Delta[] = [];
    const reply = await model.ask(conversation('make the bedroom lamp 15 percent'), {
      choice: 'required',
      onDelta: (delta) => news.push(delta),
    });
    expect(reply.calls.length).toBeGreaterThan(0);
    for (const [index, call] of reply.calls.entries()) {
      const own = news.filter((delta) => 'index' in delta && delta.index === index);
      expect(own[0]).toEqual({ kind: 'name', index, name: call.name });
      expect(own.at(-1)).toEqual({ kind: 'call', index, call });
      const pieces = own.flatMap((delta) => (delta.kind === 'arguments' ? [delta.text] : []));
      expect(pieces.length).toBeGreaterThan(1);
      expect(JSON.parse(pieces.join(''))).toEqual(call.arguments);
    }
  });

  test('tells words whose concatenation is the answer, and none of a text that ends it', async () => {
    const told = async (stop: string[]) => {
      const pieces: string[] = [];
      const reply = await model.ask(conversation('what can you do for me?'), {
        choice: 'none',
        stop,
        onDelta: (delta) => 'text' in delta && pieces.push(delta.text),
      });
      expect(pieces.join('')).toBe(reply.content);
      return reply;
    };
    const whole = await told([]);
    const middle = whole.content.slice(5, 8);
    const cut = await told([middle]);
    expect(whole.content.startsWith(cut.content)).toBe(true);
    expect(cut.content).toBe(whole.content.slice(0, whole.content.indexOf(middle)).trim());
    expect(cut.finish).toBe('stop');
  });
});
