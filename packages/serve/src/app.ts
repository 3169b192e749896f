/** OpenAI's API over models, without the socket: routes, limits, errors as its clients read them. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { routePath } from 'hono/route';
import { streamSSE } from 'hono/streaming';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Answered } from './abstain.ts';
import { Answering, type AnsweringOptions, type Run, type Tell } from './answering.ts';
import {
  chunkOf,
  completionOf,
  deltaOf,
  headOf,
  lastChunkOf,
  textCompletionOf,
  usageChunkOf,
  usageOf,
} from './chat.ts';
import { errorBody, faultOf, refuse } from './errors.ts';
import type { ServedModel } from './model.ts';
import { playground } from './playground.ts';
import { chatSchema, completionSchema, jsonOf, readBody } from './requests.ts';
import { answerResponse } from './responses.ts';

export interface AppOptions extends AnsweringOptions {
  /** Key that clients have to know; none unless told. */
  readonly apiKey?: string;
  /** Origin of web pages that may ask, or `*`; none but this server's own unless told. */
  readonly cors?: string;
  /** Bytes of a request's body at most. */
  readonly maxBody?: number;
  /** Told of failures that are ours, for a log. */
  readonly onFailure?: (thrown: unknown) => void;
}

const MAX_BODY = 4 * 1024 * 1024;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const invalid = { type: 'invalid_request_error' };

/** Streams answers: `tell` makes an event's data of what is new, `end` those behind all of it. */
function streamed(
  c: Context,
  run: Run,
  {
    start,
    tell,
    end,
  }: {
    readonly start?: readonly object[];
    readonly tell: (...news: Parameters<Tell>) => object | undefined;
    readonly end: (answers: readonly Answered[]) => readonly object[];
  },
  onFailure: (thrown: unknown) => void,
): Response {
  const { signal } = c.req.raw;
  return streamSSE(c, async (stream) => {
    let sent = Promise.resolve();
    const send = (data: object | undefined): void => {
      if (data !== undefined) sent = sent.then(() => stream.writeSSE({ data: JSON.stringify(data) }));
    };
    start?.forEach(send);
    try {
      end(await run((...news) => send(tell(...news)))).forEach(send);
    } catch (thrown) {
      if (signal.aborted) return;
      const fault = faultOf(thrown);
      if (fault.status === 500) onFailure(thrown);
      send(errorBody(fault));
    }
    await sent;
    await stream.writeSSE({ data: '[DONE]' });
  });
}

/** Makes the application over models by their names; the first one answers for names that are not known. */
export function appOf(models: readonly [ServedModel, ...ServedModel[]], options: AppOptions = {}): Hono {
  const { apiKey, maxBody = MAX_BODY, onFailure = () => undefined } = options;
  const answering = new Answering(models, options);
  const requests = answering.metrics.counter('tinystar_requests_total', 'Requests by path and status.');
  const app = new Hono();

  app.onError((thrown, c) => {
    // Nobody is there any more to read it.
    if (c.req.raw.signal.aborted) return c.body(null, 499 as ContentfulStatusCode);
    const fault = faultOf(thrown);
    if (fault.status === 500) onFailure(thrown);
    return refuse(c, fault);
  });
  app.notFound((c) =>
    refuse(c, {
      ...invalid,
      status: 404,
      message: `There is no ${c.req.method} ${c.req.path} here.`,
      code: 'not_found',
    }),
  );

  app.use('*', async (c, next) => {
    await next();
    requests(1, { path: c.res.status === 404 ? 'none' : routePath(c, -1), status: String(c.res.status) });
  });
  if (options.cors !== undefined) app.use('*', cors({ origin: options.cors }));
  else
    app.use('*', async (c, next) => {
      const origin = c.req.header('origin');
      if (origin === undefined || origin.replace(/^https?:\/\//, '') === c.req.header('host')) return next();
      const message = `Pages of ${origin} may not ask here; start the server with --cors ${origin}.`;
      return refuse(c, { ...invalid, status: 403, message, code: 'origin' });
    });
  app.get('/health', (c) => c.json({ status: 'ok', models: models.map(({ name }) => name) }));
  app.get('/', (c) => c.html(playground()));
  if (apiKey !== undefined) {
    const known = digest(apiKey);
    app.use('*', async (c, next) => {
      const given = (c.req.header('authorization') ?? '').replace(/^Bearer /i, '');
      if (timingSafeEqual(digest(given), known)) return next();
      return refuse(c, {
        status: 401,
        message: 'The API key is missing or wrong.',
        type: 'authentication_error',
        code: 'invalid_api_key',
      });
    });
  }
  app.use(
    '*',
    bodyLimit({
      maxSize: maxBody,
      onError: (c) =>
        refuse(c, {
          ...invalid,
          status: 413,
          message: `The body is larger than ${maxBody} bytes.`,
          code: 'too_large',
        }),
    }),
  );

  app.get('/metrics', (c) => c.text(answering.metrics.text()));
  const described = (model: ServedModel) => ({
    id: model.name,
    object: 'model' as const,
    created: 0,
    owned_by: 'tinystar',
    context_length: model.contextLength,
  });
  app.get('/v1/models', (c) => c.json({ object: 'list', data: models.map(described) }));
  app.get('/v1/models/:name', (c) => {
    const name = c.req.param('name');
    const found = models.find((model) => model.name === name);
    if (found !== undefined) return c.json({ ...described(found), tinystar: { tools: found.tools } });
    const message = `There is no model ${name}.`;
    return refuse(c, { ...invalid, status: 404, message, param: 'model', code: 'model_not_found' });
  });

  app.post('/v1/chat/completions', async (c) => {
    const request = readBody(chatSchema, jsonOf(await c.req.arrayBuffer()));
    const run = answering.chat(request, c.req.raw.signal);
    const head = headOf('chatcmpl-', answering.modelNamed(request.model).name);
    if (request.stream !== true) return c.json(completionOf(head, await run()));
    const parts = {
      start: Array.from({ length: request.n ?? 1 }, (_, sample) =>
        chunkOf(head, sample, { role: 'assistant', content: '' }),
      ),
      tell: (sample: number, delta: Parameters<Tell>[1]) => {
        const change = deltaOf(delta);
        return change && chunkOf(head, sample, change);
      },
      end: (answers: readonly Answered[]) => [
        ...answers.map((answer, sample) => lastChunkOf(head, sample, answer)),
        ...(request.stream_options?.include_usage === true ? [usageChunkOf(head, answers)] : []),
      ],
    };
    return streamed(c, run, parts, onFailure);
  });

  app.post('/v1/completions', async (c) => {
    const request = readBody(completionSchema, jsonOf(await c.req.arrayBuffer()));
    const run = answering.complete(request, c.req.raw.signal);
    const head = headOf('cmpl-', answering.modelNamed(request.model).name);
    const used = (answers: readonly Answered[]) => usageOf(answers, [request.prompt].flat().length);
    if (request.stream !== true) {
      const answers = await run();
      const choices = answers.map((reply, index) => ({ index, text: reply.text, reply }));
      return c.json(textCompletionOf(head, choices, used(answers)));
    }
    const parts = {
      tell: (index: number, delta: Parameters<Tell>[1]) =>
        delta.kind === 'content' ? textCompletionOf(head, [{ index, text: delta.text }]) : undefined,
      end: (answers: readonly Answered[]) => [
        ...answers.map((reply, index) => textCompletionOf(head, [{ index, text: '', reply }])),
        ...(request.stream_options?.include_usage === true
          ? [textCompletionOf(head, [], used(answers))]
          : []),
      ],
    };
    return streamed(c, run, parts, onFailure);
  });

  app.post('/v1/responses', async (c) =>
    answerResponse(c, jsonOf(await c.req.arrayBuffer()), answering, onFailure),
  );
  return app;
}
