/** A model as one of the AI SDK's, used by the SDK's own functions. */
import type { LanguageModelV3 } from '@ai-sdk/provider';
import { generateText, Output, stepCountIs, streamText, type ToolSet } from 'ai';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { tinystar } from '../src/index.ts';
import { bases, loadModel } from '../../../src/index.ts';

const own = loadModel(bases.teacher, { threads: 1 });
afterAll(() => own.close());
const model = tinystar(own, { specificationVersion: 'v3' });

const rung: number[] = [];
const inputSchema = z.object({ minutes: z.number() });
const tools: ToolSet = {
  set_timer: { description: 'Starts a countdown timer.', inputSchema },
  play_music: { description: 'Plays music of an artist.', inputSchema: z.object({ artist: z.string() }) },
};
const prompt = 'Set a timer for 5 minutes';
const call = { toolName: 'set_timer', input: { minutes: 5 } };

test('has the type of the SDK without its package', () => {
  expectTypeOf(model).toExtend<LanguageModelV3>();
  expect(tinystar(own)).toMatchObject({
    specificationVersion: 'v4',
    provider: 'tinystar',
    modelId: 'teacher',
  });
});

describe('generateText', () => {
  test('calls tools, and says what it took', async () => {
    const { toolCalls, finishReason, usage, text } = await generateText({ model, tools, prompt });
    expect(toolCalls).toMatchObject([call]);
    expect({ finishReason, text }).toEqual({ finishReason: 'tool-calls', text: '' });
    const { calls, promptTokens, tokens } = await own.call(prompt, tools);
    expect(calls).toEqual([{ name: 'set_timer', arguments: { minutes: 5 } }]);
    expect(usage).toMatchObject({ inputTokens: promptTokens, outputTokens: tokens });
  });

  test('goes on with the results of tools that the SDK runs', async () => {
    const set_timer: ToolSet[string] = {
      description: 'Starts a countdown timer.',
      inputSchema,
      execute: ({ minutes }: z.output<typeof inputSchema>) => {
        rung.push(minutes);
        return { left: minutes };
      },
    };
    const { steps } = await generateText({
      model,
      tools: { ...tools, set_timer },
      prompt,
      maxOutputTokens: 40,
      stopWhen: stepCountIs(2),
    });
    expect(rung[0]).toBe(5);
    expect(steps).toHaveLength(2);
    // The second step reads the result behind what the first one has read.
    const [first, second] = steps.map(({ usage }) => usage);
    expect(second?.inputTokens).toBeGreaterThan(first?.inputTokens ?? Infinity);
    expect(second?.inputTokenDetails.cacheReadTokens).toBeGreaterThan(0);
  });

  test('calls the tool that is chosen, or none, and warns of what it does not have', async () => {
    const named = await generateText({
      model,
      tools,
      prompt,
      toolChoice: { type: 'tool', toolName: 'play_music' },
      presencePenalty: 1,
    });
    expect(named.toolCalls.map(({ toolName }) => toolName)).toEqual(['play_music']);
    expect(named.warnings).toEqual([{ type: 'unsupported', feature: 'presencePenalty' }]);
    const none = await generateText({ model, tools, prompt, toolChoice: 'none', maxOutputTokens: 4 });
    expect(none).toMatchObject({ toolCalls: [], finishReason: 'length' });
  });

  test('draws the same from the same seed, and another from another', async () => {
    const draw = async (seed: number): Promise<string> => {
      const settings = { temperature: 2, seed, maxOutputTokens: 8, toolChoice: 'none' } as const;
      return (await generateText({ model, tools, prompt, ...settings })).text;
    };
    expect(await draw(1)).toBe(await draw(1));
    expect(new Set(await Promise.all([1, 2, 3].map(draw))).size).toBeGreaterThan(1);
  });

  test('gives objects that obey a schema', async () => {
    const schema = z.object({ minutes: z.int().min(1).max(9), mood: z.enum(['calm', 'loud']) });
    const { output, finishReason } = await generateText({ model, prompt, output: Output.object({ schema }) });
    expect(schema.safeParse(output).success).toBe(true);
    expect(finishReason).toBe('stop');
    const mixed = await generateText({ model, tools, prompt, output: Output.object({ schema }) });
    expect(mixed.toolCalls.length > 0 || schema.safeParse(mixed.output).success).toBe(true);
  });

  test('ends by its signal', async () => {
    const abortSignal = AbortSignal.abort();
    await expect(generateText({ model, tools, prompt, abortSignal })).rejects.toThrow(/abort/i);
  });

  test('refuses messages that are no texts', async () => {
    const image = { type: 'image' as const, image: new Uint8Array([137, 80, 78, 71]) };
    const messages = [{ role: 'user' as const, content: [image] }];
    await expect(generateText({ model, messages })).rejects.toThrow('a part of type file');
  });
});

describe('streamText', () => {
  test('streams calls whose pieces are their arguments', async () => {
    const pieces: string[] = [];
    const kinds: string[] = [];
    const result = streamText({ model, tools, prompt });
    for await (const part of result.fullStream) {
      kinds.push(part.type);
      if (part.type === 'tool-input-delta') pieces.push(part.delta);
    }
    expect(JSON.parse(pieces.join(''))).toEqual(call.input);
    expect(await result.toolCalls).toMatchObject([call]);
    expect(kinds.indexOf('tool-input-start')).toBeLessThan(kinds.indexOf('tool-call'));
    expect(await result.finishReason).toBe('tool-calls');
  });

  test('streams words that are those of generateText', async () => {
    const settings = { model, tools, prompt, toolChoice: 'none', temperature: 1, seed: 3 } as const;
    const { text } = await generateText({ ...settings, maxOutputTokens: 12 });
    const streamed: string[] = [];
    for await (const part of streamText({ ...settings, maxOutputTokens: 12 }).textStream) streamed.push(part);
    expect(streamed.join('').trim()).toBe(text);
    expect(streamed.length).toBeGreaterThan(1);
  });

  test('streams objects that obey a schema', async () => {
    const schema = z.object({ minutes: z.int().min(1).max(9) });
    const result = streamText({ model, prompt, output: Output.object({ schema }) });
    const parts: unknown[] = [];
    for await (const part of result.partialOutputStream) parts.push(part);
    expect(parts.at(-1)).toEqual(await result.output);
    expect(schema.safeParse(await result.output).success).toBe(true);
  });
});
