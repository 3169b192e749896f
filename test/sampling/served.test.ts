/** Teachers behind HTTP: what the four protocols say is read exactly, faults are survived, and wrong servers are refused. */
import { afterEach, describe, expect, test } from 'vitest';
import type { TokenIds } from '../../src/base/token-ids.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { retryAfter } from '../../src/sampling/served/retry-after.ts';
import type { Batch, Question, Teacher } from '../../src/sampling/teacher.ts';
import { hasDistribution } from '../../src/topk/format.ts';
import { servedTeacher, type TestTeacher, told, type Told, warningsOf } from '../helpers/served-teacher.ts';
import { type Fault, type ServerOptions, TeacherServer, toyRow } from '../helpers/teacher-server.ts';

const tokenizer = trainVocabulary({ seed: 1, size: 330, groups: 2 });
const servers: TeacherServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function serve(options: Partial<ServerOptions> = {}): Promise<TeacherServer> {
  const server = await TeacherServer.start({
    tokenizer,
    answer: (prompt, seed) => `answer ${seed % 7} to ${prompt}`,
    ...options,
  });
  servers.push(server);
  return server;
}

function question(position: number): Question {
  const text = `Question ${position}?`;
  const messages = [{ role: 'user', content: text } as const];
  return { position, text, ids: tokenizer.encode(text), messages };
}

const batchesOf = (count: number, size = 4): Batch<Question>[] =>
  Array.from({ length: Math.ceil(count / size) }, (_, number) => ({
    number,
    questions: Array.from({ length: Math.min(size, count - number * size) }, (_u, i) =>
      question(number * size + i),
    ),
  }));

const teacherOf = (urls: readonly string[], options: TestTeacher = {}): Teacher =>
  servedTeacher(urls, tokenizer, options);

async function answers(teacher: Teacher, count: number, signal?: AbortSignal): Promise<Told[]> {
  const found = await told(teacher, batchesOf(count), signal);
  return found.toSorted((a, b) => a.question.position - b.question.position);
}

const keptOf = (answered: Told | undefined): Told['kept'] => {
  if (answered?.failure !== undefined || answered === undefined) throw new Error(JSON.stringify(answered));
  return answered.kept;
};

const textsOf = (found: readonly Told[]): string[][] =>
  found.map((one) => keptOf(one).map(({ text }) => text));

/** The k likeliest of every token, as the server thought of them. */
function expectRows(tokens: TokenIds, { logprobs, top }: Told['kept'][number], k: number): void {
  tokens.forEach((token, position) => {
    const row = toyRow(token, position, tokenizer.vocabSize, tokenizer.vocabSize);
    const kept = row.slice(0, k);
    expect(Array.from(top.ids.subarray(position * k, (position + 1) * k))).toEqual(kept.map(([id]) => id));
    kept.forEach(([, logprob], i) => expect(top.logprobs[position * k + i]).toBeCloseTo(logprob, 5));
    expect(logprobs[position]).toBeCloseTo(row.find(([id]) => id === token)?.[1] ?? 0, 5);
  });
}

describe('samples with their ids and distributions are read exactly', () => {
  for (const kind of ['llama.cpp', 'vllm', 'sglang'] as const) {
    test(`from ${kind}`, async () => {
      const server = await serve();
      const teacher = teacherOf([server.url], { kind });
      expect(await warningsOf(teacher)).toEqual([]);
      const found = await answers(teacher, 5);
      expect(found.map(({ question: { position } }) => position)).toEqual([0, 1, 2, 3, 4]);
      for (const one of found) {
        const kept = keptOf(one);
        expect(kept.length).toBe(2);
        expect(kept[0]?.text).not.toBe(kept[1]?.text);
        for (const sample of kept) {
          expect(sample.text).toMatch(
            new RegExp(`^answer \\d to Question ${one.question.position}\\?<\\|im_end\\|>$`),
          );
          expect(sample.tokens).toEqual(tokenizer.encode(sample.text));
          expect(sample.finish).toBe('stop');
          expectRows(sample.tokens, sample, 10);
        }
      }
      // The same seed asks for the same samples, whatever the order in which they come.
      expect(
        textsOf(await answers(teacherOf([server.url], { kind, concurrency: 1, served: 'toy' }), 5)),
      ).toEqual(textsOf(found));
    });

    test(`from ${kind}, cut at the longest answer`, async () => {
      const server = await serve();
      const sampling = { temperature: 1, generate_max_len: 3, n_samples_per_prompt: 1 };
      const [kept] = keptOf(
        (await answers(teacherOf([server.url], { kind, sampling, served: 'toy' }), 1))[0],
      );
      expect({ finish: kept?.finish, tokens: kept?.tokens.length }).toEqual({
        finish: 'length',
        tokens: 3,
      });
    });
  }

  test('from llama.cpp where it gives no entry inside of a character', async () => {
    const server = await serve({ holes: [1, 4] });
    const [kept] = keptOf((await answers(teacherOf([server.url]), 1))[0]);
    const { top, tokens } = kept!;
    const known = Array.from(tokens, (_, row) => hasDistribution(top, 10, row));
    expect(known.filter((is) => !is).length).toBe(2);
    expect([known[1], known[4]]).toEqual([false, false]);
  });

  test('from vllm behind a gateway that lets through what is below /v1 alone', async () => {
    const server = await serve({ gateway: true });
    expect(await warningsOf(teacherOf([`${server.url}/v1`], { kind: 'vllm' }))).toEqual([]);
    expect(server.asked.map(({ path }) => path).slice(0, 3)).toEqual([
      '/v1/models',
      '/tokenize',
      '/v1/completions',
    ]);
  });

  test('as text, thought and calls from an OpenAI-compatible server, written as the student shall', async () => {
    const server = await serve({
      message: (_, seed) => ({
        content: null,
        ...(seed % 2 === 0
          ? {
              reasoning_content: 'Hm.',
              tool_calls: [{ function: { name: 'f', arguments: '{"x": 5.0, "y": "é"}' } }],
            }
          : { content: '<think>\nWell.\n</think>\n\nNo.' }),
      }),
    });
    const teacher = teacherOf([server.url], { kind: 'openai', apiKey: 'secret' });
    expect(await warningsOf(teacher)).toEqual([]);
    expect(teacher.topK).toBe(0);
    const texts = textsOf(await answers(teacher, 2)).flat();
    expect(new Set(texts)).toEqual(
      new Set([
        '<think>\nHm.\n</think>\n\n<tool_call>\n{"name": "f", "arguments": {"x": 5.0, "y": "é"}}\n</tool_call><|im_end|>',
        '<think>\nWell.\n</think>\n\nNo.<|im_end|>',
      ]),
    );
    expect(new Set(server.asked.map(({ key }) => key))).toEqual(new Set(['Bearer secret']));
  });
});

async function noticesOf(teacher: Teacher): Promise<string[]> {
  const said: string[] = [];
  for await (const text of teacher.sampler.notices?.stream(AbortSignal.abort()) ?? []) said.push(text);
  return said;
}

test('answers that are all cut are told of once, and none where one is finished', async () => {
  const server = await serve();
  const sampling = { temperature: 1, generate_max_len: 3, n_samples_per_prompt: 2 };
  const teacher = teacherOf([server.url], { sampling });
  await answers(teacher, 12);
  const told = [
    expect.stringMatching(
      /^none of the first 16 answers is finished: they are longer than 3 tokens, or the server/,
    ),
  ];
  expect(await noticesOf(teacher)).toEqual(told);
  const heard: string[] = [];
  await answers(teacherOf([server.url], { sampling, tell: (text) => void heard.push(text) }), 12);
  expect(heard).toEqual(told);
  const whole = teacherOf([server.url]);
  await answers(whole, 12);
  expect(await noticesOf(whole)).toEqual([]);
});

describe('faults that may pass', () => {
  const kinds: readonly Fault[] = ['timeout', 'truncate', 'reset', 'empty', 429, 500, 503];

  test('are survived: every prompt is answered once, as by a server without faults', async () => {
    const good = await serve();
    const wanted = textsOf(await answers(teacherOf([good.url]), 12));
    // Two in three requests fail, each in another way.
    const bad = await serve({ fault: (n) => (n % 3 === 2 ? undefined : kinds[n % kinds.length]) });
    expect(
      textsOf(await answers(teacherOf([bad.url], { concurrency: 2, retries: 20, timeout: 0.3 }), 12)),
    ).toEqual(wanted);
  });

  test('make a client wait as long as the server asks', async () => {
    const server = await serve({ fault: (n) => (n === 0 ? 429 : undefined), retryAfter: '0.4' });
    await answers(teacherOf([server.url], { concurrency: 1 }), 1);
    const [first, second] = server.asked;
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(390);
  });

  test('wait longer from fault to fault, and no longer than before after a success', async () => {
    const server = await serve({ fault: (n) => (n < 4 || n === 5 ? 500 : undefined) });
    await answers(teacherOf([server.url], { concurrency: 1, firstPause: 60 }), 3);
    const gaps = server.asked.slice(1).map(({ at }, i) => at - (server.asked[i]?.at ?? 0));
    // Half to all of 60, 120, 240 and 480 milliseconds, then of 60 again.
    [30, 60, 120, 240].forEach((least, i) => expect(gaps[i]).toBeGreaterThanOrEqual(least - 1));
    expect(gaps[5]).toBeLessThan(240);
  });

  test('of one address leave the work to the others', async () => {
    const [good, bad] = [await serve(), await serve({ fault: () => 500 })];
    const teacher = teacherOf([bad.url, good.url], { retries: 2 });
    const found = await answers(teacher, 10);
    const said = await noticesOf(teacher);
    expect(said.filter((text) => text.includes('is given up'))).toEqual([
      expect.stringMatching(/^http:\S+ is given up \(HTTP 500, .*\); the others go on$/),
    ]);
    expect(textsOf(found)).toEqual(textsOf(await answers(teacherOf([good.url]), 10)));
    expect(bad.asked.length).toBeLessThan(20);
  });

  test('of all addresses end the run with one sentence', async () => {
    const bad = await serve({ fault: () => 503 });
    await expect(answers(teacherOf([bad.url, `${bad.url}/b`], { retries: 1 }), 10)).rejects.toThrow(
      /^No teacher answers any more \(http:\S+: HTTP 503, \{"error": "as the test wants it"\}; http:[^\n]+\); see to the server and re-run the same command to resume\.$/,
    );
    const gone = teacherOf(['http://127.0.0.1:9'], { retries: 1 });
    await expect(warningsOf(gone)).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:9 cannot be asked \(.+\); check the address/,
    );
  });

  test('of an answer that llama.cpp cannot send, as it is no text, cost that answer alone, and no pause', async () => {
    // Three requests are the probe's first token, which is asked for again; of the answers every third fails.
    const fault = (n: number): Fault | undefined =>
      n === 1 || (n > 4 && n % 3 === 0) ? 'no text' : undefined;
    const server = await serve({ fault });
    const teacher = teacherOf([server.url], { concurrency: 1, firstPause: 60_000 });
    expect(await warningsOf(teacher)).toEqual([]);
    const found = await answers(teacher, 6);
    const wanted = textsOf(await answers(teacherOf([(await serve()).url], { concurrency: 1 }), 6)).flat();
    const got = textsOf(found);
    expect(got.flat().length).toBe(8);
    expect(wanted).toEqual(expect.arrayContaining(got.flat()) as unknown);
    expect(server.prompts.length).toBe(12);
  });

  test('of one prompt cost that prompt alone', async () => {
    const server = await serve({ fault: (n) => (n === 3 ? 400 : undefined) });
    const found = await answers(teacherOf([server.url], { concurrency: 1 }), 4);
    expect(found.map((one) => one.failure ?? 'kept')).toEqual([
      'kept',
      expect.stringMatching(/refuses the request \(HTTP 400/),
      'kept',
      'kept',
    ]);
  });
});

describe('asking', () => {
  test('is no more frequent than the rate', async () => {
    const server = await serve();
    const sampling = { temperature: 1, generate_max_len: 64, n_samples_per_prompt: 1 };
    const before = Date.now();
    await answers(teacherOf([server.url], { requests_per_minute: 1200, sampling }), 8);
    // 8 requests, 50 milliseconds apart.
    expect(Date.now() - before).toBeGreaterThanOrEqual(340);
  });

  test('many requests at once makes no warning of a leak', async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    const server = await serve();
    expect(
      (await answers(teacherOf([server.url], { concurrency: 24, requests_per_minute: 60_000 }), 30)).length,
    ).toBe(30);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  test('stops at once when it is told to', async () => {
    const server = await serve({ fault: (n) => (n > 4 ? 'timeout' : undefined) });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 150);
    const before = Date.now();
    await expect(answers(teacherOf([server.url], { timeout: 60 }), 50, stop.signal)).rejects.toThrow(
      /aborted/,
    );
    expect(Date.now() - before).toBeLessThan(2000);
  });

  test('a Retry-After header may be seconds or a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryAfter('2', now)).toBe(2000);
    expect(retryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5000);
    expect(retryAfter('Thu, 01 Jan 2025 00:00:05 GMT', now)).toBe(0);
    expect(retryAfter('soon', now)).toBeUndefined();
    expect(retryAfter(null, now)).toBeUndefined();
  });
});

describe('the probe refuses', () => {
  const expectRefusal = async (
    options: Partial<ServerOptions>,
    teacher: TestTeacher,
    message: RegExp,
  ): Promise<void> => {
    const server = await serve(options);
    await expect(warningsOf(teacherOf([server.url], teacher))).rejects.toThrow(message);
  };

  test('a teacher with another vocabulary', async () => {
    const other = trainVocabulary({ seed: 9, size: 340, groups: 3 });
    for (const kind of ['llama.cpp', 'vllm', 'sglang'] as const)
      await expectRefusal(
        { tokenizer: other },
        { kind },
        /has another vocabulary than the student's: where the student reads/,
      );
  });

  test('log-probabilities that the temperature scales, unless they are drawn at temperature 1', async () => {
    const sampling = { temperature: 0.7, generate_max_len: 64, n_samples_per_prompt: 1 };
    await expectRefusal(
      { scaled: true },
      { kind: 'sglang', sampling },
      /scales its log-probabilities by the temperature; draw at temperature 1 .*SGLANG_RETURN_ORIGINAL_LOGPROB=1/,
    );
    const server = await serve({ scaled: true });
    expect(await warningsOf(teacherOf([server.url], { kind: 'sglang' }))).toEqual([]);
  });

  test('more probability than there is', async () => {
    await expectRefusal({ inflate: 20 }, {}, /probabilities that add up to \d+\.\d+, more than 1/);
  });

  test('fewer log-probabilities than are to be stored', async () => {
    await expectRefusal(
      { maxLogprobs: 5 },
      { kind: 'vllm' },
      /refuses the request \(HTTP 404.*allows 10 log-probabilities a token/s,
    );
  });

  test('tokens by their text', async () => {
    await expectRefusal(
      { texts: true },
      { kind: 'vllm' },
      /does not answer as vLLM does \(the reply\.choices\.0\.\S+ names a token/,
    );
  });

  test('a server that speaks something else', async () => {
    const server = await serve();
    await expect(warningsOf(teacherOf([`${server.url}/elsewhere`]))).rejects.toThrow(
      /refuses the request \(HTTP 404/,
    );
  });
});
