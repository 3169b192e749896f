/** Answers that a student is not sure of: words in their place, another server's answer, and traces for the next fit. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Tool } from '../../../src/chat/messages.ts';
import { ggufTokenizer } from '../../../src/chat/gguf-tokenizer.ts';
import { Device } from '../../../src/ggml/device.ts';
import { loadModel } from '../../../src/model/checkpoint/checkpoint.ts';
import { exportGguf } from '../../../src/model/checkpoint/gguf.ts';
import { CALIBRATION_KEY } from '../../fit/src/acceptance/confidence.ts';
import { readFunctions } from '../../fit/src/tools/read.ts';
import { appOf } from '../src/app.ts';
import type { Upstream } from '../src/abstain.ts';
import { ServedModel } from '../src/model.ts';
import { recordIn } from '../src/shadow.ts';
import { type Listening, listen } from '../src/server.ts';

const functions = JSON.parse(readFileSync('examples/home/functions.json', 'utf8')) as Tool[];
const tools = functions.map((own) => ({ type: 'function', function: own }));
const messages = [{ role: 'user', content: 'make the bedroom lamp 15 percent' }];
const BASE = 'bases/fit-student';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-abstain-'));
const opened: ServedModel[] = [];

/** A student whose header says that it is right with probability 1 / (1 + exp(-intercept)), whatever it answers. */
function student(intercept: number, more: object = {}): ServedModel {
  using device = Device.open('cpu');
  const { config, parameters } = loadModel(device, BASE, { trainable: false });
  using weights = parameters;
  const path = join(folder, `student-${[intercept, ...Object.keys(more)].join('-')}.gguf`);
  const calibration = { version: 1, intercept, slope: 0, offsets: {}, fitted: 100, ...more };
  const notes = { [CALIBRATION_KEY]: JSON.stringify(calibration) };
  exportGguf(path, config, weights, ggufTokenizer(BASE), { dtype: 'f16', name: 'student', notes });
  const model = new ServedModel(path, { rows: 4 });
  opened.push(model);
  return model;
}

let larger: Listening;
let [unsure, sure]: ServedModel[] = [];
beforeAll(async () => {
  [unsure, sure] = [student(-2), student(2)];
  const model = new ServedModel(BASE, { name: 'larger', rows: 4 });
  opened.push(model);
  larger = await listen(appOf([model], { apiKey: 'its key' }), { port: 0 });
});
afterAll(async () => {
  await larger.close(1000);
  await Promise.all(opened.map((model) => model.close()));
  rmSync(folder, { recursive: true });
});

interface Choice {
  readonly finish_reason: string | null;
  readonly message: {
    readonly content: string | null;
    readonly tool_calls?: readonly { readonly function: { readonly name: string } }[];
  };
  readonly tinystar: { readonly confidence?: number; readonly upstream?: string };
}

async function ask(
  model: ServedModel | undefined,
  options: Parameters<typeof appOf>[1],
  more: object = {},
): Promise<{ choice: Choice; status: number; error?: { message: string }; metrics: string; text: string }> {
  if (model === undefined) throw new Error('no model');
  const app = appOf([model], options);
  const body = JSON.stringify({ messages, tools, tool_choice: 'required', ...more });
  const response = await app.request('/v1/chat/completions', { method: 'POST', body });
  const text = await response.text();
  const answer = (text.startsWith('{') ? JSON.parse(text) : {}) as {
    choices?: Choice[];
    error?: { message: string };
  };
  const metrics = await (await app.request('/metrics')).text();
  const choice = answer.choices?.[0] as Choice;
  return {
    choice,
    status: response.status,
    metrics,
    text,
    ...(answer.error && { error: answer.error }),
  };
}
const counted = (metrics: string, name: string): number =>
  Number(new RegExp(`^tinystar_${name}_total (\\d+)`, 'm').exec(metrics)?.[1]);
const upstream = (more: Partial<Upstream> = {}): Upstream => ({
  url: `${larger.url}/v1`,
  apiKey: 'its key',
  ...more,
});

test('a call that is likely wrong is not made, and words say so', async () => {
  const { choice, metrics } = await ask(unsure, { abstain: 0.9 });
  expect(choice.tinystar.confidence).toBeCloseTo(1 / (1 + Math.exp(2)), 6);
  expect(choice.finish_reason).toBe('stop');
  expect(choice.message).not.toHaveProperty('tool_calls');
  expect(choice.message.content).toContain('not sure');
  expect(counted(metrics, 'abstained')).toBe(1);
});

test('a call that is likely right is made', async () => {
  const { choice, metrics } = await ask(sure, { abstain: 0.5 });
  expect(choice.tinystar.confidence).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
  expect(choice.finish_reason).toBe('tool_calls');
  expect(counted(metrics, 'abstained')).toBe(0);
});

test('a call that the schemas forced on the model is not made, unless a call is demanded', async () => {
  // Every call is forced whose probability is below 2.
  const forced = student(2, { forcedBelow: 2 });
  const { choice, metrics } = await ask(forced, {}, { tool_choice: 'auto' });
  expect(choice).toMatchObject({ finish_reason: 'stop', tinystar: { upstream: 'abstained' } });
  expect(choice.message).not.toHaveProperty('tool_calls');
  expect(counted(metrics, 'abstained')).toBe(1);
  const { text } = await ask(forced, {}, { tool_choice: 'auto', stream: true });
  expect(text).not.toContain('"tool_calls"');
  expect((await ask(forced, {})).choice.finish_reason).toBe('tool_calls');
  // An answer that is drawn at random may be unlikely by chance.
  const drawn = await ask(forced, {}, { tool_choice: 'auto', temperature: 0.01 });
  expect(drawn.choice.finish_reason).toBe('tool_calls');
});

test('words of an unsure model stay its own', async () => {
  const { choice } = await ask(unsure, { abstain: 0.9 }, { tool_choice: 'none', max_tokens: 8 });
  expect(choice.message.content).not.toContain('not sure');
  expect(choice.tinystar).not.toHaveProperty('upstream');
});

test('a request that the model is unsure of is answered by the other server, which gets its key', async () => {
  const own = await ask(unsure, {});
  const { choice, metrics } = await ask(unsure, { abstain: 0.9, upstream: upstream() });
  expect(choice.tinystar.upstream).toBe('answered');
  // It is the same model, without rounding.
  expect(choice.message.tool_calls?.[0]?.function.name).toBe(
    own.choice.message.tool_calls?.[0]?.function.name,
  );
  expect(counted(metrics, 'upstream_failures')).toBe(0);
});

test('a stream tells nothing before it is known whose answer it is', async () => {
  const { text } = await ask(unsure, { abstain: 0.9, upstream: upstream() }, { stream: true });
  expect(text).toContain('"upstream":"answered"');
  expect(text.match(/"name":"/g)).toHaveLength(1);
});

test('a server that refuses is a failure of its own kind, told and counted', async () => {
  const { status, error, metrics } = await ask(unsure, {
    abstain: 0.9,
    upstream: upstream({ apiKey: 'another' }),
  });
  expect(status).toBe(502);
  expect(error?.message).toContain('401');
  expect(counted(metrics, 'upstream_failures')).toBe(1);
});

test('an answer comes although it can no longer be recorded, which is told once', async () => {
  const told: string[] = [];
  const shadow = join(folder, 'gone', 'shadow.jsonl');
  const record = recordIn(shadow, (sentence) => told.push(sentence));
  rmSync(join(folder, 'gone'), { recursive: true });
  for (let time = 0; time < 2; time++) {
    const { choice } = await ask(unsure, { abstain: 0.9, upstream: upstream({ record }) });
    expect(choice.tinystar.upstream).toBe('answered');
  }
  expect(told).toEqual([expect.stringContaining(`no longer recorded in ${shadow}`)]);
});

test('a file that nothing can be written to is refused before a server begins', () => {
  expect(() => recordIn(join(folder, 'student-2.gguf', 'shadow.jsonl'), () => undefined)).toThrow(
    'name another file with --shadow',
  );
});

test("the other server's answers to all requests are traces that functions can be read of", async () => {
  const shadow = join(folder, 'traces/of/shadow.jsonl');
  const record = recordIn(shadow, () => undefined);
  const { choice } = await ask(sure, { abstain: 0.5, upstream: upstream({ record }) });
  expect(choice.tinystar).not.toHaveProperty('upstream');
  const lines = async (): Promise<string[]> => {
    for (const end = Date.now() + 10_000; Date.now() < end;) {
      const written = readFileSync(shadow, 'utf8');
      if (written !== '') return written.trim().split('\n');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return [];
  };
  expect(await lines()).toHaveLength(1);
  const read = await readFunctions(shadow);
  expect(read.functions.map(({ name }) => name).toSorted()).toEqual(
    functions.map(({ name }) => name).toSorted(),
  );
  expect(read.examples.map(({ request }) => request)).toEqual([messages[0]?.content]);
});
