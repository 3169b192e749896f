/** Rollouts of a served teacher: which answers are kept, and that nothing finished is asked again after a stop. */
import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { hermes } from '../../src/chat/formats/hermes.ts';
import { OWN_TEMPLATE } from '../../src/chat/template.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { simrl } from '../../src/rewards/simrl.ts';
import { answerKey } from '../../src/sampling/duplicates.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { scoredPrompts } from '../../src/train/prompts.ts';
import { claimTeacher } from '../../src/train/asking.ts';
import { readRollouts, type StoredPrompt } from '../../src/train/rollout-store.ts';
import { distillExample } from '../../src/stages/distill.ts';
import { epochOrder } from '../../src/train/supervised.ts';
import { type RolloutOptions, runRollouts } from '../../src/train/rollouts.ts';
import { eventsOf, scratchFolder } from '../helpers/runs.ts';
import { servedTeacher } from '../helpers/served-teacher.ts';
import { type ServerOptions, TeacherServer } from '../helpers/teacher-server.ts';

const { folder: scratch, remove } = scratchFolder();
afterAll(remove);
const tokenizer = trainVocabulary({ seed: 1, size: 330, groups: 2 });
const student = { vocabulary: tokenizer.fingerprint(), vocabSize: tokenizer.vocabSize };
const servers: TeacherServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

const TOOLS = [
  {
    name: 'dim',
    description: 'Dims.',
    parameters: { type: 'object', properties: { level: { type: 'number' } } },
  },
];
const call = (name: string, level: number): string =>
  `<tool_call>\n{"name": "${name}", "arguments": {"level": ${level}}}\n</tool_call>`;

const dialogue = (index: number, words = '') => ({
  id: `d${index}`,
  category: 'x',
  tools: TOOLS,
  messages: [
    { role: 'user', content: `Dim to ${index}.${words}` } as const,
    { role: 'assistant', content: '', toolCalls: [{ name: 'dim', arguments: { level: index } }] } as const,
  ],
});

/** Answers by the seed's remainder of 4: right, right but written apart, wrong, ill-formed. */
function scripted(_: string, seed: number): string {
  const answers = [
    `<think>\nI dim.\n</think>\n\n${call('dim', 3)}`,
    `<think>I dim.</think>${call('dim', 3)}\n`,
    `<think></think>${call('dim', 9)}`,
  ];
  return answers[seed % 4] ?? `<think></think>${call('unknown', 1)}`;
}

interface Options {
  readonly server?: Partial<ServerOptions>;
  readonly rollout?: Partial<RolloutOptions>;
  readonly dialogues?: number;
  readonly urls?: readonly string[];
  readonly onEvent?: (event: RunEvent) => void;
}

async function serve(options: Partial<ServerOptions> = {}): Promise<TeacherServer> {
  const server = await TeacherServer.start({ tokenizer, answer: scripted, ...options });
  servers.push(server);
  return server;
}

/** Runs rollouts to their end, or to the signal; says whether they are complete. */
async function roll(
  name: string,
  url: string,
  options: Options = {},
): Promise<{ events: RunEvent[]; complete: boolean }> {
  const { dialogues = 10 } = options;
  const teacher = servedTeacher([url], tokenizer, {
    retries: 3,
    sampling: { generate_max_len: 80, n_samples_per_prompt: 4 },
    kd_topk: 8,
    seed: 1,
  });
  const prompts = scoredPrompts({
    stage: name,
    dialogues: Array.from({ length: dialogues }, (_, i) => dialogue(i, i === 6 ? ' please'.repeat(200) : '')),
    tokenizer,
    template: OWN_TEMPLATE,
    reward: simrl,
    maxTokens: 700,
  });
  const signal = options.rollout?.signal ?? new AbortController().signal;
  const run = runRollouts({
    name,
    kind: 'rollout',
    seed: 1,
    prompts,
    template: OWN_TEMPLATE,
    count: dialogues,
    rollout_batch_size: 4,
    validity_filter: true,
    max_failed: 0,
    order: epochOrder(dialogues, 2),
    teacher,
    tokenizer,
    vocabSize: tokenizer.vocabSize,
    folder: join(scratch, name),
    now: () => performance.now(),
    ...options.rollout,
    signal,
  });
  return eventsOf(run, signal, options.onEvent);
}

const read = (name: string): StoredPrompt[] => readRollouts(join(scratch, name), student);
const contentOf = (prompts: readonly StoredPrompt[]): unknown =>
  prompts.map(({ id, prompt, promptIds, samples }) => ({
    id,
    prompt,
    promptIds,
    samples: samples.map((sample) => ({ ...sample, readTop: sample.readTop() })),
  }));

describe('what is kept', () => {
  test('is well-formed and distinct: writing the same thought and calls otherwise makes no other answer', async () => {
    const server = await serve();
    const { events, complete } = await roll('kept', server.url);
    expect(complete).toBe(true);
    const prompts = read('kept');
    expect(prompts.length).toBe(9);
    // Four seeds in a row are all four answers: two that are one, a wrong one, and one of an unknown function.
    for (const { samples } of prompts) {
      expect(samples.length).toBe(2);
      expect(samples.map(({ text }) => text).toSorted()[0]).toContain('dim');
    }
    const steps = events.filter((event) => event.type === 'step');
    expect(steps.map(({ step, total }) => [step, total])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    for (const { metrics } of steps) {
      expect(metrics.valid).toBeCloseTo(0.75, 5);
      expect(metrics.kept).toBeCloseTo(0.5, 5);
    }
    expect(events.at(-1)).toMatchObject({
      type: 'warning',
      text: '1 prompts were too long and were left out',
    });
    const [first] = prompts;
    const example = distillExample(first!, {
      kd_topk: 8,
      kd_kl_type: 'akl',
      ref_mask_type: 'all',
      thoughtOf: (tokens) => tokens.lastIndexOf(tokenizer.idOf('</think>')) + 1,
    });
    expect(example.completions[0]?.rows.length).toBe(first!.samples[0]!.tokens.length);
    expect(example.completions[0]?.inputs['teacher_ids']?.length).toBe(8 * first!.samples[0]!.tokens.length);
  });

  test('may have to earn a reward', async () => {
    const server = await serve();
    await roll('threshold', server.url, { rollout: { reward_threshold: 1 } });
    // Only two prompts' levels are among the answers.
    expect(
      read('threshold')
        .map(({ id, samples }) => `${id}: ${samples.length}`)
        .toSorted(),
    ).toEqual(['d3: 1', 'd9: 1']);
  });

  test('is everything but duplicates without the validity filter', async () => {
    const server = await serve();
    await roll('unfiltered', server.url, { rollout: { validity_filter: false } });
    expect(new Set(read('unfiltered').map(({ samples }) => samples.length))).toEqual(new Set([3]));
  });

  test('is distinct by the rule of the reference', () => {
    const prompt = '<|im_start|>assistant\n<think>';
    const key = (text: string): string => answerKey(prompt, text, hermes);
    const [a, b] = [call('dim', 1), call('dim', 2)];
    expect(key(`\nHm.\n</think>\n\n${a}\n${b}<|im_end|>`)).toBe(key(`Hm.</think>${b}${a}`));
    expect(key(`</think>${a}`)).not.toBe(key(`Hm.</think>${a}`));
    expect(key(`</think>${a}`)).not.toBe(key(`</think>${a}${a}`));
    expect(key('</think>{"name": 1}')).not.toBe(key(`</think>${a}`));
    expect(key('</think><tool_call>{"name": "f", "arguments": {"a": 1, "b": 2}}</tool_call>')).toBe(
      key('</think><tool_call>{"arguments": {"b": 2, "a": 1}, "name": "f"}</tool_call>'),
    );
    expect(key('</think><tool_call>{"name": "f", "arguments": {"a": 1.0}}</tool_call>')).not.toBe(
      key('</think><tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>'),
    );
  });
});

describe('an interruption', () => {
  test('loses nothing that was finished, and the result is that of a run without one', async () => {
    const dialogues = 20;
    const whole = await serve();
    await roll('whole', whole.url, { dialogues });
    let stop = new AbortController();
    let stopAt = Infinity;
    const server = await serve({
      fault: (request) => {
        if (request >= stopAt) stop.abort();
        return undefined;
      },
    });
    const finished = new Set<string>();
    for (let stops = 0; stops < 3; stops++) {
      stop = new AbortController();
      const before = server.asked.length;
      stopAt = before + 22;
      const { complete } = await roll('stopped', server.url, { dialogues, rollout: { signal: stop.signal } });
      expect(complete).toBe(false);
      expect(() => read('stopped')).toThrow(/cut short or still being written/);
      for (const prompt of finished)
        expect(server.asked.slice(before).map(({ body }) => JSON.stringify(body['prompt']))).not.toContain(
          prompt,
        );
      const lines = readFileSync(join(scratch, 'stopped', 'answers.jsonl'), 'utf8')
        .split('\n')
        .filter(Boolean);
      for (const line of lines)
        for (const { prompt } of (JSON.parse(line) as { kept: { prompt: string }[] }).kept)
          finished.add(JSON.stringify(Array.from(tokenizer.encode(prompt))));
    }
    expect(finished.size).toBeGreaterThan(5);
    stopAt = Infinity;
    const before = server.asked.length;
    expect((await roll('stopped', server.url, { dialogues })).complete).toBe(true);
    const again = server.asked.slice(before).map(({ body }) => JSON.stringify(body['prompt']));
    for (const prompt of finished) expect(again).not.toContain(prompt);
    expect(contentOf(read('stopped'))).toEqual(contentOf(read('whole')));
  });

  test('in the middle of a write asks that prompt again, and only that', async () => {
    const server = await serve();
    await roll('torn', server.url);
    const wanted = contentOf(read('torn'));
    const path = join(scratch, 'torn', 'answers.jsonl');
    const bytes = readFileSync(path);
    truncateSync(path, bytes.length - 30);
    const before = server.prompts.length;
    await roll('torn', server.url);
    // 4 samples of one prompt.
    expect(server.prompts.length - before).toBe(4);
    expect(contentOf(read('torn'))).toEqual(wanted);
  });

  test('by servers that fail keeps what was answered', async () => {
    let healthy = true;
    let count = 0;
    const server = await serve({
      fault: () => {
        count += 1;
        return healthy && count < 20 ? undefined : healthy ? 500 : undefined;
      },
    });
    await expect(roll('failing', server.url)).rejects.toThrow(/No teacher answers any more/);
    healthy = false;
    const before = server.prompts.length;
    expect((await roll('failing', server.url)).complete).toBe(true);
    expect(server.prompts.length - before).toBeLessThan(9 * 4);
    expect(read('failing').length).toBe(9);
  });
});

describe('prompts that a server refuses', () => {
  const refusing = (): Promise<TeacherServer> => {
    let refused = '';
    return serve({
      answer: (prompt, seed) => {
        if (!prompt.startsWith('The next word')) refused ||= prompt;
        if (prompt === refused) throw new Error('refused');
        return scripted(prompt, seed);
      },
    });
  };

  test('end the stage when there are too many of them, after all others are stored', async () => {
    const server = await refusing();
    await expect(roll('refused', server.url)).rejects.toThrow(
      /^Stage refused: 1 of 10 prompts were not answered \(d\d: .*HTTP 400.*\); re-run the same command to ask them again\.$/,
    );
  });

  test('are told of when they are few', async () => {
    const server = await refusing();
    const { events, complete } = await roll('few', server.url, { rollout: { max_failed: 0.1 } });
    expect(complete).toBe(true);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      expect.objectContaining({
        text: expect.stringMatching(/^1 of 10 prompts were not answered \(d\d: .*HTTP 400/) as string,
      }),
      expect.objectContaining({ text: '1 prompts were too long and were left out' }),
    ]);
    expect(read('few').length).toBe(8);
  });
});

test('a folder that one model of a server began refuses the answers of another', () => {
  const folder = join(scratch, 'claimed');
  claimTeacher(folder, 'Qwen3-8B');
  claimTeacher(folder, 'Qwen3-8B');
  expect(() => claimTeacher(folder, 'Qwen3-4B')).toThrow(
    `The server's model is Qwen3-4B, and the rollouts in ${folder} were begun with Qwen3-8B; have that model served under that name again, or draw into another run.`,
  );
});
