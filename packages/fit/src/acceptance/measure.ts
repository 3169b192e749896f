/** Lets a model answer cases, batch by batch; every answer is kept in a file, so that work that was stopped goes on. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { required, UserError } from '../../../../src/base/errors.ts';
import { cutFile, wholeLines } from '../../../../src/base/lines.ts';
import { appendParts } from '../../../../src/base/open-file.ts';
import { writeAtomic } from '../../../../src/base/files.ts';
import { identityOf } from '../../../../src/base/identity.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Verbatim } from '../../../constrain/src/calls.ts';
import type { Engine } from '../../../../src/sampling/gguf.ts';
import { openSampler } from '../../../../src/sampling/open.ts';
import type { ServerOptions } from '../../../../src/sampling/served/open.ts';
import { type RunEvent, stepEvent } from '../../../../src/train/events.ts';
import { isAddress } from '../tools/address.ts';
import type { Case } from '../types.ts';
import { type Answered, answerReader } from './answers.ts';
import { askedOf } from './asked.ts';

/** Answer as it is kept. */
const keptSchema = z.object({
  id: z.string(),
  request: z.string(),
  output: z.string(),
  /** Log-probability of the whole answer; null where the engine tells none. */
  logprob: z.number().nullable(),
  tokens: z.int(),
  /** Its part of the time that its batch took. */
  seconds: z.number(),
});
type Kept = z.output<typeof keptSchema>;

/** An answer with how sure the model was of it. */
export interface Measured extends Answered {
  readonly logprob: number | null;
  readonly tokens: number;
  readonly seconds: number;
}

export type NamedServer = Pick<ServerOptions, 'served' | 'apiKey'>;

export interface MeasureOptions {
  /** Name of the work in the stream of events. */
  readonly stage: string;
  /** Checkpoint folder, GGUF file, or address of a server. */
  readonly model: string;
  /** Model's name on the server, and the key that it wants; without a name, the first that it lists. */
  readonly server?: NamedServer;
  readonly tools: readonly Tool[];
  /** Parameters whose values are words of the request. */
  readonly verbatim: Verbatim;
  readonly cases: readonly Case[];
  /** File of kept answers; those of another model, or to other functions, are not taken for its. */
  readonly file: string;
  readonly generate_max_len: number;
  readonly device: string;
  readonly engine?: Engine;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Prompts that are answered at once. */
const BATCH = 32;

const headSchema = z.object({ of: z.string() });

/** The kept answers of a file whose first line says that they are of this work. */
function readKept(file: string, of: string): Map<string, Kept> {
  const kept = new Map<string, Kept>();
  if (!existsSync(file)) return kept;
  let end = 0;
  let isOf = false;
  for (const line of wholeLines(file)) {
    try {
      const value: unknown = JSON.parse(line.text);
      if (!isOf) {
        if (headSchema.parse(value).of !== of) break;
        isOf = true;
      } else {
        const one = keptSchema.parse(value);
        kept.set(one.id, one);
      }
    } catch {
      break;
    }
    end = line.end;
  }
  // A line that a power cut has damaged is answered again, with those behind it.
  if (isOf) cutFile(file, end);
  return kept;
}

/** Answers cases greedily, in their order, with calls that obey the functions' schemas where the engine is ours. Throws the signal's reason when it fires, and UserErrors. */
export async function* measure(options: MeasureOptions): AsyncGenerator<RunEvent, Measured[]> {
  const { stage, model, tools, verbatim, cases, file, device, engine, signal, now, generate_max_len } =
    options;
  const { server = {} } = options;
  const start = now();
  const asked = askedOf(model, tools, verbatim, server.served);
  const of = identityOf([asked.identity, engine ?? '', generate_max_len]);
  const kept = readKept(file, of);
  if (kept.size === 0) writeAtomic(file, `${JSON.stringify({ of })}\n`);
  const read = answerReader(tools, asked.format);
  const isKept = (one: Case): boolean => kept.get(one.id)?.request === one.request;
  const open = cases.filter((one) => !isKept(one));
  const total = Math.ceil(cases.length / BATCH);
  let step = total - Math.ceil(open.length / BATCH);
  yield { type: 'stage', stage, kind: 'eval', total, done: step, watch: ['exact_match'] };
  if (open.length > 0) {
    using sampler = await openSampler(model, {
      device,
      parallel: 8,
      ...server,
      ...(engine === undefined ? {} : { engine }),
    });
    for (let first = 0; first < open.length; first += BATCH) {
      signal.throwIfAborted();
      const began = now();
      const batch = open.slice(first, first + BATCH);
      const prompts = batch.map(({ request }) => asked.prompt(request));
      const made: Kept[] = batch.map(({ id, request }) => ({
        id,
        request,
        output: '',
        logprob: null,
        tokens: 0,
        seconds: 0,
      }));
      for await (const { index, samples, failure } of sampler.sample(prompts, {
        temperature: 0,
        generate_max_len,
        enable_thinking: false,
        signal,
      })) {
        const [sample] = samples;
        const { id, request } = required(batch[index], 'the case of an answer');
        if (failure !== undefined && isAddress(model))
          throw new UserError('NOT_ANSWERED', `${model} does not answer "${request}": ${failure}.`);
        if (sample === undefined) continue;
        const { text, logprobs, length } = sample;
        const logprob = logprobs.length === 0 ? null : logprobs.reduce((sum, one) => sum + one, 0);
        made[index] = { id, request, output: asked.answerIn(text), logprob, tokens: length, seconds: 0 };
      }
      const seconds = (now() - began) / 1000 / batch.length;
      for (const one of made) kept.set(one.id, { ...one, seconds });
      appendParts(file, [
        Buffer.from(made.map((one) => `${JSON.stringify({ ...one, seconds })}\n`).join('')),
      ]);
      step += 1;
      const known = cases.filter(isKept).map((one) => read(one, kept.get(one.id)?.output ?? ''));
      yield stepEvent({
        stage,
        step,
        total,
        tokens: made.reduce((sum, { tokens }) => sum + tokens, 0),
        seconds: seconds * batch.length,
        metrics: { exact_match: known.filter(({ correct }) => correct).length / known.length },
      });
    }
  }
  yield { type: 'done', stage, seconds: (now() - start) / 1000, outputs: { answers: file } };
  return cases.map((one): Measured => {
    const { output, logprob, tokens, seconds } = required(kept.get(one.id), 'an answer');
    return { ...read(one, output), logprob, tokens, seconds };
  });
}
