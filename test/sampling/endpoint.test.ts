/** One address of a server: what it is asked, how often, and what the user is told meanwhile. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Endpoint, type EndpointOptions, persistently } from '../../src/sampling/served/endpoint.ts';
import { CHAT_PARAMETERS } from '../../src/sampling/served/parameters.ts';
import { Watch } from '../../src/sampling/served/watch.ts';
import { type Response, ScriptedServer } from '../helpers/scripted-server.ts';

const never = new AbortController().signal;

describe('an address that is asked', () => {
  const servers: ScriptedServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
  });

  async function endpointOf(
    script: (number: number, body: Record<string, unknown>) => Response,
    options: Partial<EndpointOptions> = {},
    silence = 10_000,
  ): Promise<{ endpoint: Endpoint; server: ScriptedServer; said: string[] }> {
    const server = await ScriptedServer.start(({ body }, number) => script(number, body));
    servers.push(server);
    const said: string[] = [];
    const endpoint = new Endpoint(server.url, {
      timeout: 5,
      retries: 3,
      apiKey: undefined,
      firstPause: 5,
      adjustable: CHAT_PARAMETERS,
      watch: new Watch((text) => said.push(text), silence),
      ...options,
    });
    return { endpoint, server, said };
  }
  const ask = (endpoint: Endpoint, body: object = { a: 1 }) =>
    persistently(() => endpoint.send('/x', body, never), endpoint);
  const limit = { error: { code: 429, message: 'Slow down' } };

  test('pauses after a limit inside of a status 200, and says so in its words', async () => {
    const { endpoint, said, server } = await endpointOf((n) => ({ body: n < 2 ? limit : { choices: [1] } }), {
      firstPause: 40,
    });
    await ask(endpoint);
    const [first, second, third] = server.asked.map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(19);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(39);
    expect(said[0]).toMatch(/^http:\S+ answers HTTP 429, Slow down; trying again for 1 s$/);
    expect(said[1]).toMatch(/^http:\S+ answers HTTP 429, Slow down; trying again in 1 s, for 1 s more$/);
  });

  test.each<[unknown, RegExp]>([
    [{ error: { code: 401, message: 'Bad key' } }, /refuses the request \(HTTP 401, Bad key\)/],
    [{ error: { code: 'insufficient_quota', message: 'No money' } }, /HTTP 402, No money/],
    ['<html><title>Welcome to nginx!</title></html>', /what came is a web page \(Welcome to nginx!\)/],
    ['data: {"choices": []}\n\n', /what came is a stream/],
  ])('ends at once with %j', async (body, message) => {
    const { endpoint, server } = await endpointOf(() => ({ body }));
    await expect(ask(endpoint)).rejects.toThrow(message);
    expect(server.asked.length).toBe(1);
  });

  test('ends at once where the account has no money, although the status is that of a limit', async () => {
    const error = { code: 'insufficient_quota', message: 'You exceeded your current quota' };
    const { endpoint, server } = await endpointOf(() => ({ status: 429, body: { error } }));
    await expect(ask(endpoint)).rejects.toThrow(/exceeded your current quota/);
    expect(server.asked.length).toBe(1);
  });

  test.each<[unknown]>([
    [''],
    ['<html><title>503 Service Unavailable</title>'],
    ['{"choices": [{"mess'],
    ['null!'],
  ])('is asked again after %j', async (body) => {
    const { endpoint, server } = await endpointOf((n) => ({ body: n === 0 ? body : { choices: [1] } }));
    await ask(endpoint);
    expect(server.asked.length).toBe(2);
  });

  test('is asked under the name that it takes, which is told once and kept', async () => {
    const message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
    const { endpoint, server, said } = await endpointOf((_, { max_tokens: old }) =>
      old === undefined
        ? { body: { choices: [1] } }
        : { status: 400, body: { error: { message, param: 'max_tokens' } } },
    );
    await Promise.all([ask(endpoint, { max_tokens: 3 }), ask(endpoint, { max_tokens: 4 })]);
    await ask(endpoint, { max_tokens: 5 });
    expect(said).toEqual([
      `${server.url} does not take max_tokens (${message}); it is asked with max_completion_tokens from here on`,
    ]);
    expect(server.asked.at(-1)?.body).toEqual({ max_completion_tokens: 5 });
    expect(server.asked.length).toBe(5);
  });

  test('is not asked again before a ceiling, which is told', async () => {
    const { endpoint, said, server } = await endpointOf(() => ({
      status: 429,
      headers: { 'retry-after': '99999999' },
      body: limit,
    }));
    const stop = new AbortController();
    const reason = new Error('enough');
    const asking = persistently(() => endpoint.send('/x', {}, stop.signal), endpoint);
    setTimeout(() => stop.abort(reason), 150);
    await expect(asking).rejects.toBe(reason);
    expect(server.asked.length).toBe(1);
    expect(said[0]).toContain('it asks to wait 1157 days, and is asked again after 2 min, the longest pause');
  });

  test('is told of as often as it is silent', async () => {
    const slow = await endpointOf(() => ({ body: {} }), { timeout: 60 }, 60);
    const fetchAtOnce = globalThis.fetch;
    // The answer waits for the messages and not for a time, which a busy machine may use up between two of them.
    globalThis.fetch = async (...args) => {
      await vi.waitUntil(() => slow.said.length >= 2, { timeout: 30_000 });
      return fetchAtOnce(...args);
    };
    await ask(slow.endpoint).finally(() => (globalThis.fetch = fetchAtOnce));
    for (const text of slow.said)
      expect(text).toMatch(/^waiting for an answer of http:\S+ \(\d+ s of at most 60 s\)$/);
  }, 40_000);

  test('is told of as often as its pause is silent', async () => {
    // Spread, a pause of a minute would now and then be told as one.
    const options = { firstPause: 50_000, timeout: 120 };
    const { endpoint, said } = await endpointOf(() => ({ status: 503, body: 'x' }), options, 60);
    const stop = new AbortController();
    const asking = persistently(() => endpoint.send('/x', {}, stop.signal), endpoint);
    const enough = new Error('enough');
    void vi.waitUntil(() => said.length >= 3, { timeout: 30_000 }).finally(() => stop.abort(enough));
    await expect(asking).rejects.toBe(enough);
    for (const text of said.slice(1)) expect(text).toMatch(/^trying http:\S+ again in \d+ s, for \d+ /);
    expect(said.length).toBeGreaterThanOrEqual(3);
  }, 40_000);

  test('that nobody listens at is told at once', async () => {
    const gone = await endpointOf(() => ({ body: {} }));
    const url = gone.server.url;
    await servers.pop()?.[Symbol.asyncDispose]();
    await expect(ask(gone.endpoint)).rejects.toThrow(
      `${url} cannot be asked (does not answer (ECONNREFUSED)); check`,
    );
    expect(gone.said[0]).toBe(`${url} does not answer (ECONNREFUSED); trying again for 1 s`);
  });

  test('shows no key that it sends back', async () => {
    const apiKey = 'a-long-secret-key';
    const { endpoint, said } = await endpointOf(
      (n) =>
        n === 0 ? { status: 503, body: { error: `bad: Bearer ${apiKey}` } } : { body: { echo: apiKey } },
      { apiKey },
    );
    const reply = await ask(endpoint);
    expect(JSON.stringify([reply.value, said, endpoint.lastFault])).not.toContain(apiKey);
  });
});
