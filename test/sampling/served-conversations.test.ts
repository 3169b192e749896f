/** A teacher behind HTTP that calls functions: its calls are made here, and their results are sent back to it, whatever the server speaks. */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { OWN_TEMPLATE } from '../../src/chat/template.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { agentMode, CONVERSATION, type RolloutMode } from '../../packages/environments/src/rollout-mode.ts';
import { Speech } from '../../packages/environments/src/speech.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { toolPrompts } from '../../src/train/prompts.ts';
import { runTrajectories } from '../../src/train/trajectories.ts';
import { readTrajectories, type StoredTrajectories } from '../../src/train/trajectory-store.ts';
import { lockersHost, lockersOf } from '../helpers/lockers.ts';
import { eventsOf, scratchFolder } from '../helpers/runs.ts';
import { servedBy } from '../helpers/served-teacher.ts';
import { type ServerOptions, TeacherServer } from '../helpers/teacher-server.ts';

const { folder: scratch, remove } = scratchFolder();
afterAll(remove);
const tokenizer = trainVocabulary({ seed: 1, size: 400, groups: 4 });
const speech = new Speech(tokenizer, OWN_TEMPLATE);
const servers: TeacherServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

const COLOURS = ['red', 'blue', 'green', 'grey', 'pink'];
const lockers = lockersOf(COLOURS, (i) => `What is in locker ${i}?`);
const host = lockersHost(lockers);

const call = (name: string, given: object): string =>
  `<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call>`;
const thought = (answer: string): string => `<think>\nlook\n</think>\n\n${answer}`;
const asCall = (name: string, given: object): object => ({
  content: null,
  tool_calls: [{ id: 'x', type: 'function', function: { name, arguments: JSON.stringify(given) } }],
});

/** The colour that a prompt has as the result of a call, last. */
const colourIn = (prompt: string): string | undefined => COLOURS.find((colour) => prompt.endsWith(colour));
const seenIn = (prompt: string): string | undefined => /<tool_response>\n(\w+)\n/.exec(prompt)?.[1];

/** Answers of a conversation, and of the agent, in the servers' two ways to be asked: by tokens and by messages. */
const TALKS: Readonly<Record<'conversation' | 'agent', Pick<ServerOptions, 'answer' | 'message'>>> = {
  conversation: {
    answer(prompt) {
      const colour = seenIn(prompt);
      return thought(colour === undefined ? call('look', {}) : `\\boxed{${colour}}`);
    },
    message(prompt) {
      const colour = colourIn(prompt);
      return colour === undefined ? asCall('look', {}) : { content: `\\boxed{${colour}}` };
    },
  },
  agent: {
    answer(prompt) {
      const colour = seenIn(prompt);
      return thought(colour === undefined ? call('look', {}) : call('stop', { answer: colour }));
    },
    message(prompt) {
      const colour = colourIn(prompt);
      return colour === undefined ? asCall('look', {}) : asCall('stop', { answer: colour });
    },
  },
};
const MODES: Readonly<Record<keyof typeof TALKS, RolloutMode>> = {
  conversation: CONVERSATION,
  agent: agentMode(3),
};
const KINDS = ['llama.cpp', 'vllm', 'sglang', 'openai'] as const;

async function serve(options: Partial<ServerOptions> = {}): Promise<TeacherServer> {
  const server = await TeacherServer.start({ tokenizer, ...TALKS.conversation, ...options });
  servers.push(server);
  return server;
}

async function solve(
  name: string,
  url: string,
  kind: (typeof KINDS)[number] = 'llama.cpp',
  {
    rolloutMode = CONVERSATION,
    max_failed = 0,
    samples = 2,
    retries = 2,
    signal = new AbortController().signal,
  } = {},
): Promise<{ events: RunEvent[]; complete: boolean; folder: string }> {
  const folder = `${scratch}/${name}`;
  using sampler = servedBy([url], tokenizer, { kind, retries });
  const run = runTrajectories({
    name,
    kind: 'trajectories',
    problems: toolPrompts(name, lockers, 2000, (question) => rolloutMode.prompt(speech, question, host)),
    host,
    rolloutMode,
    speech,
    sampler,
    sampling: { temperature: 1, generate_max_len: 400, n_samples_per_prompt: samples },
    max_turns: 3,
    max_failed,
    rollout_batch_size: 2,
    keep: 1,
    keep_wrong: false,
    seed: 3,
    folder,
    signal,
    now: () => 0,
  });
  return { ...(await eventsOf(run, signal)), folder };
}

const storedIn = (folder: string): StoredTrajectories[] => readTrajectories(folder, tokenizer.fingerprint());

const accuracies = (events: readonly RunEvent[]): unknown[] =>
  events.flatMap((event) => (event.type === 'step' ? [event.metrics.accuracy] : []));

describe.each(['conversation', 'agent'] as const)('as %s', (how) => {
  test.each(KINDS)('every problem is solved by a teacher behind %s', async (kind) => {
    const server = await serve(TALKS[how]);
    const rolloutMode = MODES[how];
    const { events, complete, folder } = await solve(`${how}-${kind}`, server.url, kind, { rolloutMode });
    expect(complete).toBe(true);
    expect(accuracies(events)).toEqual([1, 1, 1]);
    const stored = storedIn(folder);
    expect(stored.map(({ id }) => id)).toEqual(lockers.map(({ id }) => id));
    for (const [i, { prompt, samples }] of stored.entries()) {
      const { tokens, rows } = samples[0]!;
      const { ids } = rolloutMode.prompt(speech, lockers[i]!.question, host);
      expect(prompt).toEqual(ids);
      const own = new Set(rows);
      const read = tokenizer.decode(Array.from(tokens).filter((_, row) => !own.has(row)));
      expect(read).toBe(tokenizer.decode(speech.results([COLOURS[i]!])));
      const inside = kind === 'openai' ? '' : 'look';
      const written = tokenizer.decode(Array.from(tokens).filter((_, row) => own.has(row)));
      expect(written.replaceAll(' ', '')).toContain(
        `<think>\n${inside}\n</think>\n\n<tool_call>\n{"name":"look","arguments":{}}\n</tool_call>`,
      );
      expect(written).toMatch(/<\|im_end\|>$/);
    }
  });
});

test('a server that renders conversations itself is sent the calls with their results, and the functions', async () => {
  const server = await serve();
  await solve('messages', server.url, 'openai', { samples: 1 });
  const turns = server.asked.filter(({ body }) => (body['messages'] as object[] | undefined)?.length === 3);
  expect(turns.length).toBe(lockers.length);
  expect(turns[0]?.body).toMatchObject({
    messages: [
      { role: 'user', content: expect.stringContaining('locker 0') as string },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', function: { name: 'look', arguments: '{}' } }],
      },
      { role: 'tool', content: 'red', tool_call_id: 'call_1' },
    ],
    tools: [{ type: 'function', function: { name: 'look' } }],
  });
});

test('a server that reads tokens is sent those that were drawn, and what is left of the longest answer', async () => {
  const server = await serve();
  const { folder } = await solve('tokens', server.url, 'llama.cpp', { samples: 1 });
  const [first] = storedIn(folder);
  const asked = server.asked.filter(({ path }) => path === '/completion');
  const later = asked.filter(({ body }) => Number(body['n_predict']) < 400 && Number(body['n_predict']) > 1);
  const { prompt = [], n_predict: most } = later[0]!.body as { prompt?: number[]; n_predict?: number };
  const whole = [...first!.prompt, ...first!.samples[0]!.tokens];
  expect(prompt).toEqual(whole.slice(0, prompt.length));
  expect(prompt.length).toBeGreaterThan(first!.prompt.length);
  expect(most).toBe(400 - (prompt.length - first!.prompt.length));
});

test('the same seed gives the same trajectories, also of a server with faults, and after a stop', async () => {
  const wanted = await solve('good', (await serve()).url);
  const faults = await serve({ fault: (n) => (n > 3 && n % 3 === 0 ? 503 : undefined) });
  const survived = await solve('faults', faults.url, 'llama.cpp', { retries: 20 });
  expect(storedIn(survived.folder)).toEqual(storedIn(wanted.folder));
  const stop = new AbortController();
  const server = await serve({
    answer(prompt, seed) {
      if (prompt.includes('locker 3')) stop.abort();
      return TALKS.conversation.answer(prompt, seed);
    },
  });
  expect((await solve('stopped', server.url, 'llama.cpp', { signal: stop.signal })).complete).toBe(false);
  const again = await solve('stopped', (await serve()).url);
  expect(again.events[0]).toMatchObject({ type: 'stage', done: 1, total: 3 });
  expect(storedIn(again.folder)).toEqual(storedIn(wanted.folder));
});

test('a problem that is not answered is left out and told of, as long as there are not too many', async () => {
  const answer: ServerOptions['answer'] = (prompt, seed) => {
    if (prompt.includes('locker 1') && seenIn(prompt) !== undefined) throw new Error('not this one');
    return TALKS.conversation.answer(prompt, seed);
  };
  const { events, folder } = await solve('refused', (await serve({ answer })).url, 'llama.cpp', {
    max_failed: 0.2,
  });
  expect(events).toContainEqual({
    type: 'warning',
    stage: 'refused',
    text: expect.stringMatching(/^1 of 5 problems were not answered \(locker-1: http:\S+ refuses/) as string,
  });
  expect(storedIn(folder).map(({ id }) => id)).toEqual(['locker-0', 'locker-2', 'locker-3', 'locker-4']);
  await expect(solve('too-many', (await serve({ answer })).url)).rejects.toThrow(
    /^Stage too-many: 1 of 5 problems were not answered .*; re-run the same command to ask them again\.$/,
  );
});

test('an agent whose server refuses a step leaves that problem out', async () => {
  const answer: ServerOptions['answer'] = (prompt, seed) => {
    if (prompt.includes('locker 4') && seenIn(prompt) !== undefined) throw new Error('not this one');
    return TALKS.agent.answer(prompt, seed);
  };
  const { events, folder } = await solve('refused-agent', (await serve({ answer })).url, 'llama.cpp', {
    rolloutMode: MODES.agent,
    max_failed: 0.2,
  });
  expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1);
  expect(storedIn(folder)).toHaveLength(4);
});

test('a teacher with another vocabulary than the student is refused before it is asked', async () => {
  const other = trainVocabulary({ seed: 9, size: 340, groups: 3 });
  const server = await serve({ tokenizer: other });
  await expect(solve('vocabulary', server.url)).rejects.toThrow(/has another vocabulary than the student's/);
  expect(server.prompts).toEqual([]);
});
