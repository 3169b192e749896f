/** Time of an answer through llama.cpp's engine, as a device would run the file. */
import { Gguf } from '../../../../src/sampling/gguf.ts';
import { UserError } from '../../../../src/base/errors.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import { loadConfig } from '../../../../src/model/checkpoint/checkpoint.ts';
import { small } from '../../../../src/model/generate/worker-pool.ts';
import type { Case } from '../types.ts';

/** Milliseconds of an answer, its whole prompt included. */
export interface Latency {
  readonly median: number;
  readonly slowest: number;
  readonly requests: number;
}

const REQUESTS = 8;

/** Milliseconds of answers to `count` requests, one by one, in ascending order. The first request warms up. */
export async function answerTimes(
  model: Gguf,
  tools: readonly Tool[],
  cases: readonly Pick<Case, 'request'>[],
  { count, generate_max_len, now }: { count: number; generate_max_len: number; now: () => number },
): Promise<readonly number[]> {
  const template = model.template.fixed('off');
  const times: number[] = [];
  for (const { request } of cases.slice(0, count + 1)) {
    const text = template.prompt({ messages: [{ role: 'user', content: request }], tools });
    const began = now();
    for await (const _ of model.sample([{ text }], { temperature: 0, generate_max_len })) {
      // Its text has been judged elsewhere.
    }
    times.push(now() - began);
  }
  return times.slice(1).toSorted((a, b) => a - b);
}

/** Times some requests one by one; undefined where this machine lacks llama.cpp's engine. */
export async function latencyOf(
  gguf: string,
  tools: readonly Tool[],
  cases: readonly Pick<Case, 'request'>[],
  generate_max_len: number,
  now: () => number,
): Promise<Latency | undefined> {
  try {
    // Small products are not divided between threads.
    using model = small(loadConfig(gguf)) ? new Gguf(gguf, 1) : new Gguf(gguf);
    const sorted = await answerTimes(model, tools, cases, { count: REQUESTS, generate_max_len, now });
    if (sorted.length === 0) return undefined;
    return { median: sorted[sorted.length >> 1] ?? 0, slowest: sorted.at(-1) ?? 0, requests: sorted.length };
  } catch (thrown) {
    if (thrown instanceof UserError) return undefined;
    throw thrown;
  }
}
