/** Words of servers when something is wrong, in the forms in use, and what is made of it. */
import { describe, expect, test } from 'vitest';
import { withoutSecrets } from '../../src/base/secrets.ts';
import type { Message } from '../../src/chat/messages.ts';
import {
  addressFault,
  headerKey,
  keyVariableFault,
  serverAddress,
} from '../../src/sampling/served/address.ts';
import { errorIn, errorInText } from '../../src/sampling/served/faults.ts';
import { historyOf } from '../../src/sampling/served/history.ts';
import { CHAT_PARAMETERS, Parameters } from '../../src/sampling/served/parameters.ts';
import { askedPause, retryAfter } from '../../src/sampling/served/retry-after.ts';
import { chat } from '../helpers/scripted-server.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const none = new Headers();

describe('an error inside of a status 200 names a status', () => {
  test.each<[unknown, number | undefined, string]>([
    [{ error: { code: 429, message: 'Slow down' } }, 429, 'Slow down'],
    [{ error: { code: '429', message: 'Slow down' } }, 429, 'Slow down'],
    [{ error: { code: 'rate_limit_exceeded', message: 'Slow down' } }, 429, 'Slow down'],
    [{ error: { type: 'overloaded_error', message: 'Overloaded' } }, 503, 'Overloaded'],
    [{ error: { status: 'RESOURCE_EXHAUSTED', message: 'Quota' } }, 429, 'Quota'],
    [[{ error: { code: 503, message: 'The model is overloaded' } }], 503, 'The model is overloaded'],
    [{ error: 'Invalid API key' }, 401, 'Invalid API key'],
    [{ error: 'something odd' }, undefined, 'something odd'],
    [{ error: 'something odd', code: 502 }, 502, 'something odd'],
    [{ object: 'error', message: 'bad', code: 400 }, 400, 'bad'],
    [
      { success: false, errors: [{ code: 10_000, message: 'Authentication error' }] },
      401,
      'Authentication error',
    ],
    [{ base_resp: { status_code: 1002, status_msg: 'rate limit' } }, 429, 'rate limit'],
    [{ detail: 'Not Found' }, undefined, 'Not Found'],
    [{ error: "model 'x' not found" }, 404, "model 'x' not found"],
    [{ message: 'no healthy upstream' }, 503, 'no healthy upstream'],
    [
      { error: { code: 'insufficient_quota', message: 'You exceeded your current quota' } },
      402,
      'You exceeded your current quota',
    ],
    [{ choices: [], error: { code: 500, message: 'broke' } }, 500, 'broke'],
  ])('%j is %s', (body, status, said) => {
    expect(errorIn(body)).toMatchObject({ status, said });
  });

  test.each([
    [chat(['hello', 'stop'])],
    [{ ...chat(['hello', 'stop']), error: null }],
    [{ data: [], object: 'list' }],
    [{ tokens: [1], error: '' }],
    [[{ text: '', meta_info: {} }]],
    [{ choices: [], error: {} }],
  ])('%j is none', (body) => {
    expect(errorIn(body)).toBeUndefined();
  });

  test('a page or a stream is told for what it is', () => {
    expect(errorInText('<!DOCTYPE html><html><head><title>502 Bad Gateway</title>')).toMatchObject({
      status: 502,
      said: 'a web page (502 Bad Gateway)',
    });
    expect(errorInText('<html><title>Welcome to nginx!</title>')).toMatchObject({ status: undefined });
    expect(
      errorInText('data: {"choices": []}\n\ndata: {"error": {"code": 429, "message": "Slow"}}\n'),
    ).toMatchObject({ status: 429, said: 'Slow' });
    expect(errorInText('{"choices": [')).toBeUndefined();
  });
});

describe('a pause that a server asks for is read from', () => {
  test.each<[string, number | undefined]>([
    ['2', 2000],
    ['0.5', 500],
    ['350 milliseconds', 350],
    ['1 minute 30 secs', 90_000],
    ['2 hrs', 7_200_000],
    ['5 sins', undefined],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Thu, 01 Jan 2025 00:00:05 GMT', 0],
    ['2026-01-01T00:00:07Z', 7000],
    ['1m30s', 90_000],
    ['6m0s', 360_000],
    ['17ms', 17],
    ['1.5s', 1500],
    ['26 seconds', 26_000],
    ['1767225608', 8000],
    ['1767225609000', 9000],
    ['soon', undefined],
    ['', undefined],
  ])('a header with %j', (header, milliseconds) => {
    expect(retryAfter(header, NOW)).toBe(milliseconds);
  });

  const headers = (fields: Record<string, string>): Headers => new Headers(fields);
  test.each<[string, Record<string, string>, number | undefined]>([
    ['retry-after-ms before retry-after', { 'retry-after-ms': '350', 'retry-after': '1' }, 350],
    ['a duration', { 'x-ratelimit-reset-requests': '1m30s' }, 90_000],
    [
      'the limit that is reached, and not the other',
      {
        'x-ratelimit-reset-requests': '24h',
        'x-ratelimit-remaining-requests': '99',
        'x-ratelimit-reset-tokens': '6s',
        'x-ratelimit-remaining-tokens': '0',
      },
      6000,
    ],
    ['a moment', { 'x-ratelimit-reset': '1767225608000' }, 8000],
    ["Anthropic's date", { 'anthropic-ratelimit-tokens-reset': '2026-01-01T00:00:04Z' }, 4000],
    ["the draft's list", { ratelimit: 'limit=100, remaining=0, reset=30' }, 30_000],
    ["the draft's later form", { ratelimit: '"default";r=0;t=12' }, 12_000],
    ['limits that are not reached', { 'x-ratelimit-reset': '60', 'x-ratelimit-remaining': '5' }, undefined],
  ])('headers: %s', (_, fields, milliseconds) => {
    expect(askedPause(429, headers(fields), undefined, '', NOW)).toBe(milliseconds);
  });

  test('headers of limits only where a limit is what was reached', () => {
    const fields = { 'x-ratelimit-reset': '60' };
    expect(askedPause(500, headers(fields), undefined, '', NOW)).toBeUndefined();
    expect(askedPause(503, headers({ ...fields, 'retry-after': '2' }), undefined, '', NOW)).toBe(2000);
  });

  test.each<[string, unknown, string, number | undefined]>([
    [
      "Google's retryDelay",
      { error: { details: [{ '@type': 'RetryInfo', retryDelay: '34.07s' }] } },
      '',
      34_070,
    ],
    [
      "OpenRouter's headers",
      { error: { metadata: { headers: { 'X-RateLimit-Reset': '1767225608000' } } } },
      '',
      8000,
    ],
    ['a number of seconds', { error: 'x', retry_after: 1.5 }, '', 1500],
    ['a number of milliseconds', { error: { retry_after_ms: 250 } }, '', 250],
    ["OpenAI's words", {}, 'Rate limit reached. Please try again in 1m30.5s. Visit', 90_500],
    ["Azure's words", {}, 'Please retry after 26 seconds.', 26_000],
    ['words without a time', {}, 'Please try again later', undefined],
  ])('the body: %s', (_, body, words, milliseconds) => {
    const found = askedPause(429, none, body, words, NOW);
    expect(found === undefined ? found : Math.round(found)).toBe(milliseconds);
  });
});

describe('a parameter that is not taken', () => {
  const body = { model: 'm', max_tokens: 8, temperature: 0.5, top_p: 0.9, seed: 1, n: 2 };
  const told = (said: string, param?: string) => ({ status: 400, said, param });
  test.each<[string, string, string | undefined, Record<string, unknown>]>([
    [
      'has a newer name',
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
      { max_tokens: undefined, max_completion_tokens: 8 },
    ],
    [
      'has the name that the server says',
      'max_tokens is deprecated, use max_output_tokens instead',
      undefined,
      { max_tokens: undefined, max_output_tokens: 8 },
    ],
    [
      'is left out for its value',
      "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
      'temperature',
      { temperature: undefined },
    ],
    ['is left out: OpenAI', 'Unrecognized request argument supplied: seed', undefined, { seed: undefined }],
    ['is left out: Groq', "property 'seed' is unsupported", undefined, { seed: undefined }],
    [
      'is left out: Gemini',
      'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
      undefined,
      { seed: undefined },
    ],
    ['is left out: Mistral', 'body.seed: Extra inputs are not permitted', 'seed', { seed: undefined }],
    ['is left out: llama.cpp', 'Only one completion choice is allowed', undefined, { n: undefined }],
    [
      "is left out: llama.cpp's newer server",
      "Field 'n': Value must be between 1 <= value <= 2, but got 3",
      undefined,
      { n: undefined },
    ],
    ['is left out: n', "'n' : number must be at most 1", undefined, { n: undefined }],
    [
      'is the one that is mostly off',
      '`temperature` and `top_p` cannot both be specified for this model. Please use only one.',
      undefined,
      { top_p: undefined },
    ],
  ])('%s', (_, said, param, changes) => {
    const parameters = new Parameters(CHAT_PARAMETERS);
    expect(parameters.learn(told(said, param), body)?.news).toContain(said);
    const wanted = Object.fromEntries(
      Object.entries({ ...body, ...changes }).filter(([, value]) => value !== undefined),
    );
    expect(parameters.adjusted(body)).toEqual(wanted);
    // A request that was under way learns nothing new, and is sent again.
    expect(parameters.learn(told(said, param), body)).toEqual({ news: undefined });
  });

  test('under both of its names is left out', () => {
    const parameters = new Parameters(CHAT_PARAMETERS);
    parameters.learn(told("Unsupported parameter: 'max_tokens'", 'max_tokens'), body);
    parameters.learn(
      told("Unknown parameter: 'max_completion_tokens'", 'max_completion_tokens'),
      parameters.adjusted(body),
    );
    expect(Object.keys(parameters.adjusted(body))).toEqual(['model', 'temperature', 'top_p', 'seed', 'n']);
  });

  test.each([
    ["This model's maximum context length is 4096 tokens; reduce max_tokens"],
    ["'max_tokens' is too large: 100000. This model supports at most 4096 completion tokens."],
    ['Invalid role in messages'],
    ["Unsupported parameter: 'tools' is not supported with this model."],
  ])('is not what is meant by: %s', (said) => {
    expect(new Parameters(CHAT_PARAMETERS).learn(told(said), body)).toBeUndefined();
  });
});

describe('an address', () => {
  test.each([
    ['http://localhost:8080', 'http://localhost:8080'],
    [' http://localhost:8080/ ', 'http://localhost:8080'],
    ['HTTP://Localhost:8080/v1//', 'http://localhost:8080/v1'],
    ['https://api.example.com/v1/chat/completions', 'https://api.example.com/v1'],
    ['http://gpu1:8000/v1/completions/', 'http://gpu1:8000/v1'],
    ['http://gpu1:8080/completion', 'http://gpu1:8080'],
    ['http://gpu1:30000/generate', 'http://gpu1:30000'],
    ['http://[::1]:8080/v1', 'http://[::1]:8080/v1'],
    [
      'https://x.azure.com/openai/deployments/d/chat/completions?api-version=2024-06-01',
      'https://x.azure.com/openai/deployments/d?api-version=2024-06-01',
    ],
  ])('%s is taken as %s', (text, wanted) => {
    expect(serverAddress(text)).toBe(wanted);
  });

  test.each([
    ['', /it is empty/],
    ['localhost:8080', /such as http:\/\/localhost:8080: it does not begin with http/],
    ['gpu1/v1', /such as http:\/\/gpu1\/v1: /],
    ['ftp://gpu1', /ftp:\/\/ is not http/],
    ['http:/gpu1', /does not begin with http/],
    ['http://gpu1:99999/v1', /there is no port 99999/],
    ['http://gpu1:port', /cannot be read/],
    ['http://gpu1:0', /there is no port 0/],
    ['http://', /cannot be read/],
    ['http://256.256.256.256', /cannot be read/],
    ['http://gpu 1:80', /has a space/],
    ['http://gpu1,http://gpu2', /cannot be read/],
    ['http://me:pass@gpu1', /a name or password/],
    ['http://token@gpu1', /a name or password/],
    ['https://gpu1/v1?api_key=abc', /its api_key is a secret/],
  ])('%j is refused', (text, why) => {
    expect(addressFault(text)).toMatch(why);
    expect(() => serverAddress(text)).toThrow(why);
  });
});

describe('a secret', () => {
  test.each([
    ['connect http://me:hunter2@gpu1:80 failed', 'connect http://[secret]@gpu1:80 failed'],
    ['https://gpu1/v1?api_key=abc&x=1', 'https://gpu1/v1?api_key=[secret]&x=1'],
    ['Authorization: Bearer abc-123-def-456', 'Authorization: Bearer [secret]'],
    ['Incorrect API key provided: sk-proj-abcdefghijklmnop.', 'Incorrect API key provided: [secret].'],
    ['mail me@example.com about http://gpu1', 'mail me@example.com about http://gpu1'],
    ['The bearer carries a token', 'The bearer carries a token'],
  ])('%s is shown as %s', (text, shown) => {
    expect(withoutSecrets(text)).toBe(shown);
  });

  test('that is known is found however it is written', () => {
    const key = 'open "sesame"/7';
    const texts = [key, JSON.stringify(key), encodeURIComponent(key)];
    for (const text of texts)
      expect(withoutSecrets(`it is ${text}.`, [key])).toMatch(/^it is "?\[secret\]"?\.$/);
    expect(withoutSecrets('a cat', ['a', undefined])).toBe('a cat');
  });

  test('is trimmed for the header, and refused without being shown where no header can have it', () => {
    expect(headerKey(' abc\n', 'KEY')).toBe('abc');
    expect(headerKey('', 'KEY')).toBeUndefined();
    expect(headerKey(undefined, 'KEY')).toBeUndefined();
    for (const key of ['my key', 'schlüssel', 'a\nb'])
      expect(() => headerKey(key, 'KEY')).toThrow(/^The API key in KEY has a space[^:]*$/);
  });

  test('in place of the variable that holds it is noticed', () => {
    expect(keyVariableFault('OPENAI_API_KEY')).toBeUndefined();
    expect(keyVariableFault('my_key2')).toBeUndefined();
    for (const key of [
      'sk-proj-abcdefghijklmnop',
      'gsk_abcdefghijklmnopqrst12',
      'aB3dE5fG7hJ9kL1mN3pQ5rS7',
      'a b',
    ])
      expect(keyVariableFault(key)).not.toContain(key);
  });
});

describe('a conversation with calls has one result for each, and no other', () => {
  const call = (name: string) => ({ name, arguments: {} });
  const asks = (...names: string[]): Message => ({
    role: 'assistant',
    content: '',
    toolCalls: names.map(call),
  });
  const result = (content: string): Message => ({ role: 'tool', content });
  /** Receivers of results: id and content of the messages of role tool. */
  const resultsOf = (messages: readonly Message[]): unknown[] =>
    (historyOf(messages) as { role: string; tool_call_id?: string; content: string | null }[])
      .filter(({ role }) => role !== 'assistant')
      .map(({ role, tool_call_id, content }) => (role === 'tool' ? [tool_call_id, content] : content));

  test.each<[string, Message[], unknown[]]>([
    [
      'as many',
      [asks('f', 'g'), result('1'), result('2')],
      [
        ['call_1', '1'],
        ['call_2', '2'],
      ],
    ],
    [
      'one for all, and a later one belongs to the later call',
      [asks('f', 'g'), result('both'), asks('h'), result('12:00')],
      [
        ['call_1', 'both'],
        ['call_2', 'See the result above.'],
        ['call_3', '12:00'],
      ],
    ],
    [
      'more than calls',
      [asks('f', 'g'), result('1'), result('2'), result('3')],
      [
        ['call_1', '1'],
        ['call_2', '2\n3'],
      ],
    ],
    ['none', [asks('f'), { role: 'user', content: 'go on' }], [['call_1', 'No result.'], 'go on']],
    [
      'none, then others',
      [asks('f'), asks('g'), result('2')],
      [
        ['call_1', 'No result.'],
        ['call_2', '2'],
      ],
    ],
    ['without a call', [{ role: 'user', content: 'u' }, result('lost')], ['u', 'lost']],
    [
      'behind another message',
      [asks('f'), result('1'), { role: 'user', content: 'u' }, result('late')],
      [['call_1', '1'], 'u', 'late'],
    ],
  ])('%s', (_, messages, wanted) => {
    expect(resultsOf(messages)).toEqual(wanted);
  });

  test('and says nothing as null beside a call, as an empty text without one', () => {
    expect(historyOf([asks('f'), result('1'), { role: 'assistant', content: '' }])).toMatchObject([
      { content: null, tool_calls: [{ id: 'call_1', function: { arguments: '{}' } }] },
      { content: '1' },
      { content: '' },
    ]);
  });
});
