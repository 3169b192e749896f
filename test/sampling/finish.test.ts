/** Ends of answers: only what a protocol documents as the end of a turn is one. */
import { afterEach, describe, expect, test } from 'vitest';
import { hermes } from '../../src/chat/formats/hermes.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { Transient } from '../../src/sampling/served/faults.ts';
import { endOf } from '../../src/sampling/served/finish.ts';
import type { Ask } from '../../src/sampling/served/protocol.ts';
import { protocols } from '../../src/sampling/served/protocols.ts';
import { Reply } from '../../src/sampling/served/reply.ts';
import type { Question } from '../../src/sampling/teacher.ts';
import { chat, ScriptedServer } from '../helpers/scripted-server.ts';
import { servedTeacher, told, type Told } from '../helpers/served-teacher.ts';

const tokenizer = trainVocabulary({ seed: 1, size: 330, groups: 2 });
const END = tokenizer.turnEndId;
const tokens = Array.from(tokenizer.encode('It is noon.'));
const sampling = { temperature: 1, generate_max_len: 64, n_samples_per_prompt: 4 };
const question: Question = {
  position: 0,
  text: 'Q',
  ids: tokenizer.encode('Q'),
  messages: [{ role: 'user', content: 'Q' }],
};
const ask: Ask = {
  prompt: question,
  samples: 1,
  seed: 1,
  sampling,
  format: hermes,
  topK: 1,
  stopIds: tokenizer.stopIds,
  isEnd: endOf(tokenizer),
  model: 'm',
};

/** A protocol's reading of the end of an answer: as one, as a cut, or as a fault that may pass. */
function read(kind: keyof typeof protocols, reply: object): string {
  try {
    const [sample] = protocols[kind].read(new Reply(reply, 'the reply'), ask);
    return sample?.finish ?? 'nothing';
  } catch (thrown) {
    if (thrown instanceof Transient) return 'fault';
    throw thrown;
  }
}

const llamaCpp = (fields: object, ids = tokens): object => ({
  tokens: ids,
  completion_probabilities: ids.map((id) => ({ id, logprob: -1, top_logprobs: [{ id, logprob: -1 }] })),
  ...fields,
});
const vllm = (fields: object): object => ({
  choices: [
    {
      token_ids: tokens,
      logprobs: {
        tokens: tokens.map((id) => `token_id:${id}`),
        token_logprobs: tokens.map(() => -1),
        top_logprobs: tokens.map((id) => ({ [`token_id:${id}`]: -1 })),
      },
      ...fields,
    },
  ],
});
const sglang = (finish_reason: unknown): object => ({
  meta_info: {
    output_token_logprobs: tokens.map((id) => [-1, id, null]),
    output_top_logprobs: tokens.map((id) => [[-1, id, null]]),
    ...(finish_reason === undefined ? {} : { finish_reason }),
  },
});

describe('the end of an answer', () => {
  test.each<[object, string]>([
    [{ stop_type: 'eos' }, 'stop'],
    [{ stop_type: 'limit' }, 'length'],
    [{ stop_type: 'none' }, 'length'],
    [{ stop_type: 'word', stopping_word: '\n\n' }, 'length'],
    [{ stop_type: 'word', stopping_word: '<|im_end|>' }, 'stop'],
    [{ stop_type: 'eos', truncated: true }, 'length'],
    [{}, 'length'],
    [{ stop_type: null }, 'length'],
    [{ stopped_eos: true, stopped_limit: false, stopped_word: false }, 'stop'],
    [{ stopped_eos: false, stopped_limit: true, stopped_word: false }, 'length'],
    [{ stopped_eos: false, stopped_word: true, stopping_word: 'User:' }, 'length'],
    [{ stopped_eos: false, stopped_word: true, stopping_word: '<|im_end|>' }, 'stop'],
  ])('of llama.cpp: %j is %s', (fields, wanted) => {
    expect(read('llama.cpp', llamaCpp(fields))).toBe(wanted);
  });

  test.each<[object, string]>([
    [{ finish_reason: 'stop' }, 'stop'],
    [{ finish_reason: 'stop', stop_reason: null }, 'stop'],
    [{ finish_reason: 'stop', stop_reason: END }, 'stop'],
    [{ finish_reason: 'stop', stop_reason: 5 }, 'length'],
    [{ finish_reason: 'stop', stop_reason: 'User:' }, 'length'],
    [{ finish_reason: 'stop', stop_reason: '<|im_end|>' }, 'stop'],
    [{ finish_reason: 'length' }, 'length'],
    [{ finish_reason: 'repetition' }, 'length'],
    [{ finish_reason: null }, 'length'],
    [{}, 'length'],
    [{ finish_reason: 'abort' }, 'fault'],
    [{ finish_reason: 'error' }, 'fault'],
  ])('of vLLM: %j is %s', (fields, wanted) => {
    expect(read('vllm', vllm(fields))).toBe(wanted);
  });

  test.each<[unknown, string]>([
    [{ type: 'stop', matched: END }, 'stop'],
    [{ type: 'stop', matched: '<|im_end|>' }, 'stop'],
    [{ type: 'stop', matched: 'Observation:' }, 'length'],
    [{ type: 'stop', matched: 7 }, 'length'],
    [{ type: 'stop' }, 'stop'],
    ['stop', 'stop'],
    [{ type: 'length', length: 5 }, 'length'],
    [{ type: 'something new' }, 'length'],
    [null, 'length'],
    [undefined, 'length'],
    [{ type: 'abort', message: 'Aborted by the weight update' }, 'fault'],
    [{ type: 'abort', message: 'Too busy', status_code: 503 }, 'fault'],
    ['abort', 'fault'],
  ])('of SGLang: %j is %s', (reason, wanted) => {
    expect(read('sglang', sglang(reason))).toBe(wanted);
  });

  test('of SGLang that refuses a prompt with its reason is no fault that may pass', () => {
    const refused = sglang({ type: 'abort', message: 'The input is too long', status_code: 400 });
    expect(() => read('sglang', refused)).toThrow(/The input is too long/);
  });

  const ends =
    'stop eos eos_token end_turn stop_sequence tool_calls tool_use function_call STOP COMPLETE'.split(' ');
  const cuts =
    'length max_tokens MAX_TOKENS model_length content_filter safety SAFETY refusal sensitive recitation pause_turn flavour'.split(
      ' ',
    );
  const faults = 'error abort cancelled timeout network_error insufficient_system_resource ERROR'.split(' ');
  test.each<[unknown, string]>([
    ...ends.map((reason): [string, string] => [reason, 'stop']),
    ...cuts.map((reason): [string, string] => [reason, 'length']),
    ...faults.map((reason): [string, string] => [reason, 'fault']),
    [null, 'length'],
    [undefined, 'length'],
    ['', 'length'],
    [3, 'length'],
  ])('of OpenAI-compatible servers: %j is %s', (reason, wanted) => {
    expect(read('openai', chat(['It is noon.', reason]))).toBe(wanted);
  });

  test.each<[string | object, object, string]>([
    ['It is', { stop_reason: 'noon' }, 'length'],
    ['It is', { stop_reason: '<|eot_id|>' }, 'stop'],
    ['It is', { matched_stop: 151_645 }, 'stop'],
    ['It is', { matched_stop: '\n' }, 'length'],
    ['It is', { error: { code: 502, message: 'upstream broke' } }, 'fault'],
    ['It is', { error: null }, 'stop'],
    [{ content: null, refusal: 'I cannot help with that.' }, {}, 'length'],
    [{ content: null, refusal: null, function_call: { name: 'f', arguments: '{}' } }, {}, 'stop'],
  ])('of OpenAI-compatible servers: %j with %j is %s', (said, more, wanted) => {
    expect(read('openai', chat([said, 'stop', more]))).toBe(wanted);
  });
});

describe('an answer is written', () => {
  const servers: ScriptedServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
  });

  async function draw(
    script: Parameters<typeof ScriptedServer.start>[0],
    kind: keyof typeof protocols = 'openai',
    samples = 1,
  ): Promise<{ drafts: Told['kept']; answered: Told; server: ScriptedServer }> {
    const server = await ScriptedServer.start(script);
    servers.push(server);
    const teacher = servedTeacher([server.url], tokenizer, {
      kind,
      served: 'm',
      concurrency: 1,
      retries: 2,
      firstPause: 2,
      sampling: { ...sampling, n_samples_per_prompt: samples },
      kd_topk: 1,
    });
    const [answered] = await told(teacher, [{ number: 0, questions: [question] }]);
    if (answered === undefined) throw new Error('not answered');
    return { drafts: answered.kept, answered, server };
  }
  const said = (text: string): string => `<think>\n\n</think>\n\n${text}`;

  test('with an end of turn only where it ended, each choice by itself', async () => {
    const { drafts } = await draw(
      () => ({ body: chat(['a', 'stop'], ['b', 'length'], ['c', 'content_filter'], ['d', 'tool_calls']) }),
      'openai',
      4,
    );
    expect(drafts.map(({ text, finish }) => [text, finish])).toEqual([
      [said('a<|im_end|>'), 'stop'],
      [said('b'), 'length'],
      [said('c'), 'length'],
      [said('d<|im_end|>'), 'stop'],
    ]);
  });

  test('in the place that its index says', async () => {
    const choices = (chat(['b', 'length'], ['a', 'stop']) as { choices: object[] }).choices.toReversed();
    const indexed = choices.map((choice, i) => ({ ...choice, index: 1 - i }));
    const { drafts } = await draw(() => ({ body: { choices: indexed } }), 'openai', 2);
    expect(drafts.map(({ finish }) => finish)).toEqual(['length', 'stop']);
  });

  test('in its place when it was asked again, as of a server that had no fault', async () => {
    const texts = ['a', 'b', 'c', 'd'];
    const firsts = new Map<number, number>();
    const { drafts, server } = await draw(
      ({ body }, number) => {
        if (number === 0) firsts.set(0, Number(body['seed']));
        const first = Number(body['seed']) - (firsts.get(0) ?? 0);
        const own = texts.slice(first, first + Number(body['n'] ?? 1));
        return {
          body: chat(
            ...own.map((text, i): [string, string] => [text, number === 0 && i % 3 === 1 ? 'error' : 'stop']),
          ),
        };
      },
      'openai',
      4,
    );
    expect(drafts.map(({ text }) => text)).toEqual(texts.map((text) => said(`${text}<|im_end|>`)));
    expect(server.asked.map(({ body }) => body['n'] ?? 1)).toEqual([4, 1]);
  });

  test('never, when the server gives up on it each time: the prompt stays unanswered, in its words', async () => {
    const { answered, server } = await draw(({ path }) => ({
      body: path.endsWith('/models') ? { data: [] } : chat(['I can', 'error']),
    }));
    expect(answered).toMatchObject({ failure: 'gave up on an answer (error)' });
    expect(server.asked.filter(({ path }) => path.endsWith('/completions')).length).toBe(3);
  });

  test('up to an end of turn that the server wrote past, or has in its text', async () => {
    const { drafts } = await draw(() => ({
      body: chat(['It is noon.<|im_end|>\n<|im_start|>user', 'length']),
    }));
    expect(drafts[0]).toMatchObject({ text: said('It is noon.<|im_end|>'), finish: 'stop' });
    const ids = [...tokens, END, ...tokens];
    const native = await draw(() => ({ body: llamaCpp({ stop_type: 'limit' }, ids) }), 'llama.cpp');
    expect(native.drafts[0]).toMatchObject({ text: 'It is noon.<|im_end|>', finish: 'stop' });
  });

  test("with the student's end of turn where the teacher has another, or does not send it", async () => {
    const other = tokenizer.idOf('<|endoftext|>');
    for (const ids of [tokens, [...tokens, other], [...tokens, END]]) {
      const { drafts } = await draw(() => ({ body: llamaCpp({ stop_type: 'eos' }, ids) }), 'llama.cpp');
      expect(drafts[0]?.text).toBe('It is noon.<|im_end|>');
      expect(drafts[0]?.logprobs.length).toBe(tokens.length + 1);
    }
  });

  test('as cut where a model that thinks had no tokens left to say anything', async () => {
    const message = 'Could not finish the message because max_tokens or model output limit was reached.';
    const { drafts } = await draw(() => ({ status: 400, body: { error: { message } } }));
    expect(drafts).toMatchObject([{ finish: 'length', text: '' }]);
  });

  test.each(['<think>\nWell.\n</think>\n\nNo.', '\n <think>Well.</think>No.', 'Well.</think>No.'])(
    'from a content with its thought: %j',
    async (content) => {
      const { drafts } = await draw(() => ({ body: chat([{ content }, 'stop']) }));
      expect(drafts[0]?.text).toBe('<think>\nWell.\n</think>\n\nNo.<|im_end|>');
    },
  );

  test('from a content in parts, a call of the older form, and beside a thought', async () => {
    const parts = [
      { type: 'text', text: 'It is ' },
      { type: 'text', text: 'noon.' },
    ];
    const older = { content: null, function_call: { name: 'now', arguments: '{}' } };
    const [first] = (await draw(() => ({ body: chat([{ content: parts }, 'stop']) }))).drafts;
    expect(first?.text).toBe(said('It is noon.<|im_end|>'));
    const [second] = (await draw(() => ({ body: chat([older, 'function_call']) }))).drafts;
    expect(second?.text).toBe(said('<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call><|im_end|>'));
  });
});
