/**
 * Rewards over HTTP, for engines that train elsewhere: OpenRLHF asks for one answer at a time, as remote reward models are asked,
 * others for whole batches. A server knows nothing but its reward, so any number of them give the same scores.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { errorText } from '../../../src/base/errors.ts';
import { Lru } from '../../../src/base/lru.ts';
import type { ToolFormat } from '../../../src/chat/formats/format.ts';
import type { Reward, Score, Scorer } from '../../../src/rewards/reward.ts';
import { Metrics } from '../../serve/src/metrics.ts';

const texts = z.union([z.array(z.string()), z.string().transform((text) => [text])]);
const bodySchema = z
  .object({
    /** Prompts with the answers behind them, special tokens included. OpenRLHF's name, and ours. */
    query: texts.optional(),
    queries: texts.optional(),
    /** The prompts alone; without them, an answer is what stands behind the last header of an assistant's turn. */
    prompts: texts.optional(),
    /** Right answers, as training records have them. */
    labels: texts,
  })
  .transform(({ query, queries = query ?? [], ...others }) => ({ ...others, queries }))
  .refine(
    ({ queries, prompts = queries, labels }) =>
      [prompts, labels].every((own) => own.length === queries.length),
    {
      message: 'query, prompts and labels must be lists of one length',
    },
  );

/** Answer to a batch, a number for each of its answers, as OpenRLHF reads it. */
export interface Rewards {
  readonly rewards: readonly number[];
  /** Correctness of each answer, 0 to 1, which dynamic filtering looks at. */
  readonly scores: readonly number[];
  /** Parts by their names; engines log their means. */
  readonly extra_logs: Readonly<
    Record<'format_reward' | 'answer_reward' | 'problem' | 'error', readonly number[]>
  >;
}

export interface RewardsOptions {
  readonly reward: Reward<unknown>;
  /** Form in which prompts, labels and answers write calls and tools. */
  readonly format: ToolFormat;
  /** Bodies that are read or scored at a time; more are refused with 503 and Retry-After. */
  readonly most?: number;
  /** Bytes of a body at most. */
  readonly maxBody?: number;
  /** Told, once each, of labels and tools that cannot be read and of rewards that fail. */
  readonly tell?: (sentence: string) => void;
}

/** Bodies at a time, their bytes, and tasks that are kept for the other answers of their group. */
const [MOST, MAX_BODY, MAX_TASKS] = [512, 64 * 1024 * 1024, 1024];
/** Different sentences that are told. */
const MAX_TOLD = 100;

const SPECIAL = /<\|\w{1,40}\|>$/;
const LONGEST_SPECIAL = 44;

/** An answer without what pads it: of the special tokens at its end, the first one stays, with which the model ended it. */
export function withoutPadding(answer: string): string {
  let [end, kept] = [answer.length, answer.length];
  for (;;) {
    const found = SPECIAL.exec(answer.slice(Math.max(0, end - LONGEST_SPECIAL), end));
    if (found === null) return answer.slice(0, kept);
    kept = end;
    end -= found[0].length;
  }
}

/** Prompt and answer of a text that has both. */
function partsOf(
  query: string,
  prompt: string | undefined,
  { assistant }: ToolFormat,
): [prompt: string, answer: string] {
  if (prompt !== undefined && query.startsWith(prompt)) return [prompt, query.slice(prompt.length)];
  const header = query.lastIndexOf(assistant);
  const end = header < 0 ? 0 : header + assistant.length;
  return [prompt ?? query.slice(0, end), query.slice(end)];
}

/** Makes the application: `POST /get_reward`, `GET /health` and `GET /metrics`. */
export function rewardsApp(options: RewardsOptions): Hono {
  const { reward, format, most = MOST, maxBody = MAX_BODY, tell = () => undefined } = options;
  const tasks = new Lru<Scorer<unknown>>(MAX_TASKS);
  const metrics = new Metrics();
  const scored = metrics.counter('tinystar_rewards_total', 'Answers that were scored.');
  const failed = metrics.counter(
    'tinystar_reward_errors_total',
    'Answers on which the reward failed; they earn -1.',
  );
  const refused = metrics.counter(
    'tinystar_refused_total',
    'Bodies that were refused, as too many came at once.',
  );
  let active = 0;
  metrics.gauge('tinystar_active_requests', 'Bodies that are read or scored.', () => active);
  const told = new Set<string>();
  const tellOnce = (sentence: string): void => {
    if (told.has(sentence) || told.size >= MAX_TOLD) return;
    told.add(sentence);
    tell(sentence);
  };

  const scoreOf = (
    query: string,
    given: string | undefined,
    label: string,
  ): Score<unknown> & { problem: number; error: number } => {
    const [prompt, answer] = partsOf(query, given, format);
    try {
      const scorer = tasks.get(JSON.stringify([prompt, label]), () =>
        reward.prepare({ prompt, label, format }),
      );
      for (const problem of scorer.problems) tellOnce(problem);
      return {
        ...scorer.score(withoutPadding(answer)),
        problem: scorer.problems.length > 0 ? 1 : 0,
        error: 0,
      };
    } catch (thrown) {
      // An engine's run must not end by one answer: it earns the least, which the engine's log shows as an error.
      failed();
      tellOnce(errorText(thrown));
      return { reward: -1, format: -1, answer: 0, detail: undefined, problem: 0, error: 1 };
    }
  };

  const app = new Hono();
  app.get('/health', (c) => c.json({ status: 'ok', reward: reward.name, format: format.name }));
  app.get('/metrics', (c) => c.text(metrics.text()));
  app.use(
    '*',
    bodyLimit({
      maxSize: maxBody,
      onError: (c) =>
        c.json(
          { error: { message: `The body is larger than ${maxBody} bytes; send fewer answers at a time.` } },
          413,
        ),
    }),
  );
  app.post('/get_reward', async (c) => {
    if (active >= most) {
      refused();
      c.header('Retry-After', '1');
      return c.json({ error: { message: `${most} requests are being answered; ask again.` } }, 503);
    }
    active += 1;
    const began = performance.now();
    try {
      const body = bodySchema.safeParse(await c.req.json().catch(() => undefined));
      if (!body.success) {
        const why = body.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
        return c.json(
          { error: { message: `The body is not {"query", "prompts", "labels"} as JSON: ${why}.` } },
          400,
        );
      }
      const { queries, prompts, labels } = body.data;
      const all = queries.map((query, i) => scoreOf(query, prompts?.[i], labels[i] ?? ''));
      scored(all.length);
      metrics.took((performance.now() - began) / 1000);
      return c.json({
        rewards: all.map((one) => one.reward),
        scores: all.map(({ answer }) => answer),
        extra_logs: {
          format_reward: all.map((one) => one.format),
          answer_reward: all.map(({ answer }) => answer),
          problem: all.map(({ problem }) => problem),
          error: all.map(({ error }) => error),
        },
      } satisfies Rewards);
    } finally {
      active -= 1;
    }
  });
  app.notFound((c) =>
    c.json(
      {
        error: {
          message: `There is no ${c.req.method} ${c.req.path} here; rewards are at POST /get_reward.`,
        },
      },
      404,
    ),
  );
  return app;
}
