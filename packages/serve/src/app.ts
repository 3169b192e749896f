/** OpenAI's API over models, without the socket: routes, limits, errors as its clients read them. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { streamSSE } from 'hono/streaming';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { InternalError, UserError } from '../../../src/base/errors.ts';
import {
  chunkOf,
  completionOf,
  deltasOf,
  headOf,
  lastChunkOf,
  textCompletionOf,
  usageChunkOf,
} from './chat.ts';
import type { Asking } from './asking.ts';
import { Metrics } from './metrics.ts';
import type { AskOptions, Reply, ServedModel } from './model.ts';
import { abstained, type Upstream } from './abstain.ts';
import { playground } from './playground.ts';
import {
  chatSchema,
  completionSchema,
  conversationOf,
  optionsOf,
  readBody,
  RequestFault,
  samplingOf,
} from './requests.ts';
import { answerResponse } from './responses.ts';

export interface AppOptions {
  /** Key that clients have to know; none unless told. */
  readonly apiKey?: string;
  /** Origin of web pages that may ask, or `*`; none unless told. */
  readonly cors?: string;
  /** Requests that wait at most, beside those that are answered. */
  readonly queue?: number;
  /** Bytes of a request's body at most. */
  readonly maxBody?: number;
  /** Tokens of an answer at most. */
  readonly maxTokens?: number;
  /** Seconds that an answer may take. */
  readonly timeout?: number;
  /** Probability of being right below which an answer is not given: words in its place, or what `upstream` answers. */
  readonly abstain?: number;
  /** Told of failures that are ours, for a log. */
  readonly onFailure?: (thrown: unknown) => void;
  /** Server that unsure requests are handed to, and whose answers `shadow` records. */
  readonly upstream?: Upstream;
}

const DEFAULTS = { queue: 256, maxBody: 4 * 1024 * 1024, maxTokens: 1024, timeout: 120, abstain: 0 };

/** A server that has as many requests as it takes. */
class Busy extends Error {}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Error in the form of OpenAI's. */
const errorBody = (message: string, type: string, param?: string, code?: string) => ({
  error: { message, type, param: param ?? null, code: code ?? null },
});

/** Seconds that a client shall wait before it asks again. */
const RETRY_AFTER = 1;

/** Makes the application over models by their names; the first one answers for names that are not known. */
export function appOf(models: readonly [ServedModel, ...ServedModel[]], options: AppOptions = {}): Hono {
  const { queue, maxBody, maxTokens, timeout, abstain } = { ...DEFAULTS, ...options };
  const { apiKey, upstream } = options;
  const metrics = new Metrics();
  const requests = metrics.counter('tinystar_requests_total', 'Requests by path and status.');
  const promptTokens = metrics.counter('tinystar_prompt_tokens_total', 'Tokens of prompts.');
  const cachedTokens = metrics.counter(
    'tinystar_cached_tokens_total',
    'Tokens of prompts that were in a cache.',
  );
  const answerTokens = metrics.counter('tinystar_completion_tokens_total', 'Tokens that were written.');
  const repairs = metrics.counter(
    'tinystar_repairs_total',
    'Values of arguments that were put right by their schemas.',
  );
  const faults = metrics.counter('tinystar_broken_calls_total', 'Calls that could not be read.');
  const unsure = metrics.counter(
    'tinystar_abstained_total',
    'Answers that were not given for want of confidence.',
  );
  let active = 0;
  metrics.gauge('tinystar_active_requests', 'Answers that are being written or waited for.', () => active);
  metrics.gauge('tinystar_cache_bytes', 'Bytes of caches and intermediates.', () =>
    models.reduce((sum, { bytes }) => sum + bytes, 0),
  );

  const modelNamed = (name: string | undefined): ServedModel =>
    models.find((model) => model.name === name) ?? models[0];

  async function asked(signal: AbortSignal, run: (signal: AbortSignal) => Promise<Reply>): Promise<Reply> {
    if (active >= queue) throw new Busy();
    active += 1;
    const began = performance.now();
    try {
      const reply = await run(AbortSignal.any([signal, AbortSignal.timeout(timeout * 1000)]));
      metrics.took((performance.now() - began) / 1000);
      promptTokens(reply.promptTokens);
      cachedTokens(reply.cachedTokens);
      answerTokens(reply.tokens);
      repairs(reply.repairs.length);
      faults(reply.faults.length);
      return reply;
    } finally {
      active -= 1;
    }
  }

  const asking = (c: Context, name: string | undefined): Asking => {
    const { signal } = c.req.raw;
    return { model: modelNamed(name), signal, maxTokens, ask: (run) => asked(signal, run) };
  };

  const app = new Hono();

  app.onError((thrown, c) => {
    if (thrown instanceof Busy) {
      c.header('Retry-After', String(RETRY_AFTER));
      return c.json(
        errorBody(`All ${queue} places are taken; ask again.`, 'rate_limit_error', undefined, 'queue_full'),
        429,
      );
    }
    if (thrown instanceof RequestFault)
      return c.json(errorBody(thrown.message, 'invalid_request_error', thrown.param), 400);
    if (thrown instanceof UserError)
      return c.json(
        errorBody(thrown.message, 'invalid_request_error', undefined, thrown.code.toLowerCase()),
        400,
      );
    if (thrown.name === 'TimeoutError')
      return c.json(errorBody(`The answer took longer than ${timeout} seconds.`, 'timeout_error'), 504);
    // Nobody is there any more to read it.
    if (c.req.raw.signal.aborted) return c.body(null, 499 as ContentfulStatusCode);
    const isOurs = thrown instanceof InternalError;
    options.onFailure?.(thrown);
    return c.json(
      errorBody(isOurs ? thrown.message : 'The server failed; its log says more.', 'server_error'),
      500,
    );
  });
  app.notFound((c) =>
    c.json(
      errorBody(
        `There is no ${c.req.method} ${c.req.path} here.`,
        'invalid_request_error',
        undefined,
        'not_found',
      ),
      404,
    ),
  );

  app.use('*', async (c, next) => {
    await next();
    requests(1, { path: c.req.routePath, status: String(c.res.status) });
  });
  if (options.cors !== undefined) app.use('*', cors({ origin: options.cors }));
  app.get('/health', (c) => c.json({ status: 'ok', models: models.map(({ name }) => name) }));
  app.get('/', (c) => c.html(playground()));
  if (apiKey !== undefined) {
    const known = digest(apiKey);
    app.use('*', async (c, next) => {
      const given = (c.req.header('authorization') ?? '').replace(/^Bearer /i, '');
      if (timingSafeEqual(digest(given), known)) return next();
      return c.json(
        errorBody('The API key is missing or wrong.', 'authentication_error', undefined, 'invalid_api_key'),
        401,
      );
    });
  }
  app.use(
    '*',
    bodyLimit({
      maxSize: maxBody,
      onError: (c) =>
        c.json(
          errorBody(
            `The body is larger than ${maxBody} bytes.`,
            'invalid_request_error',
            undefined,
            'too_large',
          ),
          413,
        ),
    }),
  );

  app.get('/metrics', (c) => c.text(metrics.text()));
  const described = (model: ServedModel) => ({
    id: model.name,
    object: 'model' as const,
    created: 0,
    owned_by: 'tinystar',
    context_length: model.contextLength,
  });
  app.get('/v1/models', (c) => c.json({ object: 'list', data: models.map(described) }));
  app.get('/v1/models/:name', (c) => {
    const found = models.find(({ name }) => name === c.req.param('name'));
    if (found !== undefined) return c.json(described(found));
    return c.json(
      errorBody(
        `There is no model ${c.req.param('name')}.`,
        'invalid_request_error',
        'model',
        'model_not_found',
      ),
      404,
    );
  });

  app.post('/v1/chat/completions', async (c) => {
    const request = readBody(chatSchema, await bodyOf(c));
    const { model, ask, signal } = asking(c, request.model);
    const conversation = conversationOf(request);
    const asOptions = optionsOf(request, maxTokens);
    const head = headOf('chatcmpl-', model.name);
    const samples = Array.from({ length: request.n ?? 1 }, (_, sample) => sample);
    const answer = async (own: AskOptions): Promise<Reply> => {
      const reply = await ask((until) => model.ask(conversation, { ...asOptions, ...own, signal: until }));
      return abstained(reply, { abstain, upstream, request, signal, count: unsure });
    };
    const isUnsure = abstain > 0 && model.isCalibrated;
    if (request.stream !== true)
      return c.json(completionOf(head, await Promise.all(samples.map((sample) => answer({ sample })))));
    if (active >= queue) throw new Busy();
    return streamSSE(c, async (stream) => {
      let sent = Promise.resolve();
      const send = (data: object): void => {
        sent = sent.then(() => stream.writeSSE({ data: JSON.stringify(data) }));
      };
      try {
        const replies = await Promise.all(
          samples.map(async (sample) => {
            send(chunkOf(head, sample, { role: 'assistant', content: '' }));
            const tell: NonNullable<AskOptions['onDelta']> = (delta) => {
              for (const one of deltasOf(delta)) send(chunkOf(head, sample, one));
            };
            // Of an answer that may be withheld, nothing is told before its end.
            const reply = await answer({ sample, ...(isUnsure ? {} : { onDelta: tell }) });
            if (isUnsure) {
              if (reply.content !== '') tell({ kind: 'content', text: reply.content });
              for (const [index, call] of reply.calls.entries()) tell({ kind: 'call', index, call });
            }
            send(lastChunkOf(head, sample, reply));
            return reply;
          }),
        );
        if (request.stream_options?.include_usage === true) send(usageChunkOf(head, replies));
      } catch (thrown) {
        if (signal.aborted) return;
        const message = thrown instanceof Error ? thrown.message : String(thrown);
        send(errorBody(message, thrown instanceof UserError ? 'invalid_request_error' : 'server_error'));
      }
      await sent;
      await stream.writeSSE({ data: '[DONE]' });
    });
  });

  app.post('/v1/completions', async (c) => {
    const request = readBody(completionSchema, await bodyOf(c));
    const { model, ask } = asking(c, request.model);
    const own = samplingOf(request, maxTokens);
    const { logprobs } = request;
    const replies = await Promise.all(
      Array.from({ length: request.n ?? 1 }, (_, sample) =>
        ask((signal) =>
          model.complete(request.prompt, {
            ...own,
            sample,
            signal,
            ...(typeof logprobs === 'number' ? { logprobs } : {}),
          }),
        ),
      ),
    );
    return c.json(textCompletionOf(headOf('cmpl-', model.name), replies));
  });

  app.post('/v1/responses', async (c) => answerResponse(c, await bodyOf(c), (name) => asking(c, name)));
  return app;
}

/** Body of a request as JSON; throws a RequestFault. */
async function bodyOf(c: Context): Promise<unknown> {
  const bytes = await c.req.arrayBuffer();
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (thrown) {
    const why = thrown instanceof SyntaxError ? `is not JSON: ${thrown.message}` : 'is not UTF-8';
    throw new RequestFault(`The body of the request ${why}.`);
  }
}
