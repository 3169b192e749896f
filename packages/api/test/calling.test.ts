/** Calls in process: typed by their schemas, streamed, and begun by what is kept. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { bases, type Called, type CallPart, type Functions, loadModel } from '../../../src/index.ts';
import { FunctionSet } from '../src/functions.ts';

const scratch = mkdtempSync(join(tmpdir(), 'calling-'));
const model = loadModel(bases.teacher, { threads: 1 });
afterAll(() => {
  model.close();
  rmSync(scratch, { recursive: true, force: true });
});

const functions = {
  set_timer: {
    description: 'Starts a countdown timer.',
    parameters: z.object({ minutes: z.number().transform((minutes) => ({ seconds: 60 * minutes })) }),
  },
  play_music: {
    description: 'Plays music of an artist.',
    inputSchema: {
      type: 'object',
      properties: { artist: { type: 'string' } },
      required: ['artist'],
    },
  },
};
const timer = { name: 'set_timer', arguments: { minutes: { seconds: 300 } } };
const TIMER = 'Set a timer for 5 minutes';

describe('call', () => {
  test('gives arguments as their schemas make them, with the types that those say', async () => {
    const { calls, reply, message, cachedTokens, finish } = await model.call(TIMER, functions);
    expect(calls).toEqual([timer]);
    expect({ reply, finish, cachedTokens }).toEqual({ reply: '', finish: 'tool_calls', cachedTokens: 0 });
    // As the model wrote it, for the next turn.
    expect(message.toolCalls).toEqual([{ name: 'set_timer', arguments: { minutes: 5 } }]);
    for (const one of calls) {
      if (one.name === 'set_timer')
        expectTypeOf(one.arguments).toEqualTypeOf<{ minutes: { seconds: number } }>();
      else expectTypeOf(one.arguments['artist']).toExtend<unknown>();
    }
    expectTypeOf(calls[0]?.name).toEqualTypeOf<'set_timer' | 'play_music' | undefined>();
  });

  test('computes of a second request its own words alone, however many they are', async () => {
    const long = `Please play some music by Nina Simone, ${'and not too loud, '.repeat(20)}thanks`;
    const { promptTokens, cachedTokens } = await model.call(long, functions);
    expect(promptTokens - cachedTokens).toBeGreaterThan(64);
    expect(promptTokens - cachedTokens).toBeLessThanOrEqual(model.encode(long).length + 16);
  });

  test('tells of a call that its schema refuses', async () => {
    const strict = {
      ...functions,
      set_timer: {
        ...functions.set_timer,
        parameters: z.object({ minutes: z.number().refine((minutes) => minutes > 60, 'is too short') }),
      },
    };
    const { calls, faults } = await model.call(TIMER, strict);
    expect(calls).toEqual([]);
    expect(faults).toMatchObject([
      {
        message: 'The arguments of set_timer are wrong: minutes: is too short.',
        call: { name: 'set_timer', arguments: { minutes: 5 } },
        issues: [{ path: ['minutes'] }],
      },
    ]);
  });

  test('makes the calls that it is allowed to make', async () => {
    const named = await model.call(TIMER, functions, { toolChoice: { name: 'play_music' } });
    expect(named.calls.map(({ name }) => name)).toEqual(['play_music']);
    // It has a thought at most before it, whatever the model would have said.
    const due = await model.call('Good morning, how are you?', functions, { toolChoice: 'required' });
    expect(due).toMatchObject({ finish: 'tool_calls', reply: '' });
    const none = await model.call(TIMER, functions, { toolChoice: 'none', maxTokens: 4 });
    expect(none).toMatchObject({ calls: [], finish: 'length', tokens: 4 });
  });

  test('answers many at a time as it answers one by one, and a list of functions as a table of them', async () => {
    const requests = [TIMER, 'Please play some music by Nina Simone', 'Set a timer for 20 minutes'];
    const list = Object.entries(functions).map(([name, one]) => ({ name, ...one }));
    const all = await Promise.all(requests.map((request) => model.call(request, list)));
    for (const [i, request] of requests.entries())
      expect(all[i]?.calls).toEqual((await model.call(request, functions)).calls);
  });

  test('goes on with a conversation', async () => {
    const { message } = await model.call(TIMER, functions);
    const messages = [
      { role: 'user', content: TIMER } as const,
      message,
      { role: 'tool', content: '{"ok": true}' } as const,
    ];
    const { promptTokens, cachedTokens } = await model.call(messages, functions, { maxTokens: 2 });
    expect(cachedTokens).toBeGreaterThan(promptTokens / 2);
    const again = await model.call('And for 7 minutes?', functions, { messages, maxTokens: 2 });
    expect(again.promptTokens).toBeGreaterThan(promptTokens);
  });

  test('ends by its signal, and fails once the model is closed', async () => {
    const reason = new Error('enough');
    await expect(model.call(TIMER, functions, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const other = loadModel(bases.student, { threads: 1 });
    const waiting = other.call(TIMER, functions);
    other.close();
    await expect(waiting).rejects.toThrow('closed');
    await expect(other.call(TIMER, functions)).rejects.toThrow('student is closed; load it again.');
  });
});

describe('stream', () => {
  test('gives what call gives, in parts', async () => {
    const parts: CallPart<typeof functions>[] = [];
    for await (const part of model.stream(TIMER, functions)) parts.push(part);
    expect(parts.filter(({ kind }) => kind === 'call')).toEqual([{ kind: 'call', call: timer }]);
    const whole: Called<typeof functions> = await model.call(TIMER, functions);
    expect(parts.at(-1)).toEqual({ kind: 'end', answer: { ...whole, cachedTokens: expect.any(Number) } });
  });

  test('ends the answer when its loop is left, and its signal ends it with the reason', async () => {
    const options = { toolChoice: 'none', temperature: 5, seed: 1 } as const;
    for await (const { kind } of model.stream('Tell me a story', functions, options))
      if (kind === 'text') break;
    await expect.poll(() => model.served.load).toBe(0);
    const stop = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const _ of model.stream('Tell me a story', functions, { ...options, signal: stop.signal }))
        stop.abort(new Error('enough'));
    };
    await expect(reading()).rejects.toThrow('enough');
  });
});

describe('pin', () => {
  test('keeps the functions for the first request, and for those of the next process', async () => {
    const file = join(scratch, 'home.prefix');
    const first = loadModel(bases.student, { threads: 1, prefixes: file });
    const tokens = await first.pin(functions);
    const { calls, cachedTokens, promptTokens } = await first.call(TIMER, functions);
    expect(cachedTokens).toBe(tokens);
    expect(promptTokens - tokens).toBeLessThan(32);
    first.savePrefixes(file);
    first.close();
    expect(existsSync(file)).toBe(true);
    const second = loadModel(bases.student, { threads: 1, prefixes: file });
    expect(await second.call(TIMER, functions)).toMatchObject({ calls, cachedTokens: tokens });
    second.close();
    // Of other weights: left aside.
    const third = loadModel(bases.teacher, { threads: 1, prefixes: file });
    expect(await third.call(TIMER, functions)).toMatchObject({ calls: [timer], cachedTokens: 0 });
    third.close();
  });
});

describe('functions', () => {
  const set = (given: Functions): Promise<FunctionSet> => FunctionSet.of(given);

  test('of a library are shown in the form in which fit shows them, and plain ones as they are', async () => {
    const plain = { type: 'object', properties: { a: { type: 'string', minLength: 1 } }, $comment: 'kept' };
    const { tools } = await set({
      typed: { description: 'Typed', parameters: z.object({ a: z.int().max(9).default(2) }) },
      plain: { parameters: plain },
      bare: {},
    });
    expect(tools).toEqual([
      {
        name: 'typed',
        description: 'Typed',
        parameters: {
          type: 'object',
          properties: { a: { type: 'integer', maximum: 9, default: 2 } },
          required: [],
        },
      },
      { name: 'plain', description: '', parameters: plain },
      { name: 'bare', description: '', parameters: { type: 'object', properties: {} } },
    ]);
  });

  test('check calls: defaults and transforms apply, and what nobody offers is told', async () => {
    const own = await set({
      typed: { parameters: z.object({ a: z.string().optional(), when: z.string().default('now') }) },
      plain: { parameters: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } },
    });
    expect(await own.check({ name: 'typed', arguments: {} })).toEqual({
      call: { name: 'typed', arguments: { when: 'now' } },
    });
    expect(await own.check({ name: 'plain', arguments: {} })).toMatchObject({
      fault: { message: expect.stringMatching(/^The arguments of plain are wrong: .*n/) },
    });
    expect(await own.check({ name: 'other', arguments: {} })).toMatchObject({
      fault: { message: 'There is no function other.' },
    });
  });

  test('of a library without JSON Schema are refused by name', async () => {
    const schema = { '~standard': { version: 1, vendor: 'mine', validate: () => ({ value: 1 }) } };
    await expect(set({ odd: { parameters: schema } })).rejects.toThrow(
      'tools: the schema of odd is of mine, which does not say its JSON Schema',
    );
  });
});
