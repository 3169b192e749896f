/** Requests that are answered: places for them, limits of time and tokens, counts, and answers that are withheld. */
import { abstained, type Answered, type Upstream } from './abstain.ts';
import type { Delta } from './deltas.ts';
import { Metrics } from './metrics.ts';
import type { Reply, ServedModel } from './model.ts';
import { wholeDeltas } from './chat.ts';
import {
  type ChatRequest,
  type CompletionRequest,
  conversationOf,
  optionsOf,
  samplingOf,
} from './requests.ts';

export interface AnsweringOptions {
  /** Answers that are written or waited for at most; more are refused. */
  readonly queue?: number;
  /** Tokens of an answer at most. */
  readonly maxTokens?: number;
  /** Seconds that an answer may take. */
  readonly timeout?: number;
  /** Probability of being right below which an answer is not given: words in its place, or what `upstream` answers. */
  readonly abstain?: number;
  /** Server that unsure requests are handed to, and whose answers `shadow` records. */
  readonly upstream?: Upstream;
}

const DEFAULTS = { queue: 256, maxTokens: 1024, timeout: 120, abstain: 0 };

/** Thrown where a server has as many requests as it takes. */
export class Busy extends Error {}

/** Told of what is new in one of the answers to a request. */
export type Tell = (sample: number, delta: Delta) => void;

/** Answers once; what is new is told while it is written. */
export type Run = (tell?: Tell) => Promise<Answered[]>;

export class Answering {
  readonly metrics = new Metrics();
  readonly queue: number;
  readonly timeout: number;
  readonly #models: readonly [ServedModel, ...ServedModel[]];
  readonly #maxTokens: number;
  readonly #abstain: number;
  readonly #upstream: Upstream | undefined;
  readonly #count: (reply: Reply) => void;
  readonly #told: { readonly onAbstained: () => void; readonly onUpstreamFailure: () => void };
  #active = 0;

  constructor(models: readonly [ServedModel, ...ServedModel[]], options: AnsweringOptions) {
    const { queue, maxTokens, timeout, abstain } = { ...DEFAULTS, ...options };
    [this.#models, this.queue, this.timeout] = [models, queue, timeout];
    [this.#maxTokens, this.#abstain, this.#upstream] = [maxTokens, abstain, options.upstream];
    const counter = (name: string, help: string) => this.metrics.counter(`tinystar_${name}_total`, help);
    const promptTokens = counter('prompt_tokens', 'Tokens of prompts.');
    const cachedTokens = counter('cached_tokens', 'Tokens of prompts that were in a cache.');
    const answerTokens = counter('completion_tokens', 'Tokens that were written.');
    const repairs = counter('repairs', 'Values of arguments that were put right by their schemas.');
    const faults = counter('broken_calls', 'Calls that could not be read.');
    const unsure = counter('abstained', 'Answers that were not given for want of confidence.');
    const failures = counter('upstream_failures', 'Requests that the upstream server did not answer.');
    this.#count = (reply) => {
      promptTokens(reply.promptTokens);
      cachedTokens(reply.cachedTokens);
      answerTokens(reply.tokens);
      repairs(reply.repairs.length);
      faults(reply.faults.length);
    };
    this.#told = { onAbstained: () => unsure(), onUpstreamFailure: () => failures() };
    this.metrics.gauge(
      'tinystar_active_requests',
      'Answers that are being written or waited for.',
      () => this.#active,
    );
    this.metrics.gauge('tinystar_cache_bytes', 'Bytes of caches and intermediates.', () =>
      models.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }

  /** The model of that name; the first one for a name that is not known. */
  modelNamed(name: string | undefined): ServedModel {
    return this.#models.find((model) => model.name === name) ?? this.#models[0];
  }

  /** Prepares the answers to a chat. Throws a UserError for a request that is wrong, and Busy. */
  chat(request: ChatRequest, signal: AbortSignal): Run {
    const model = this.modelNamed(request.model);
    const conversation = conversationOf(request);
    const options = optionsOf(request, this.#maxTokens);
    // Before a stream begins, which has no status any more.
    model.check(conversation.tools, options);
    // Of an answer that may be withheld, nothing is told before its end.
    const isLate = model.knowsForced || (this.#abstain > 0 && model.isCalibrated);
    const abstaining = { abstain: this.#abstain, upstream: this.#upstream, ...this.#told };
    return this.#run(request.n ?? 1, signal, async (sample, until, tell) => {
      const onDelta = tell === undefined || isLate ? undefined : (delta: Delta) => tell(sample, delta);
      const reply = await model.ask(conversation, {
        ...options,
        sample,
        signal: until,
        ...(onDelta === undefined ? {} : { onDelta }),
      });
      const answered = await abstained(reply, request, until, abstaining);
      if (isLate) for (const delta of wholeDeltas(answered)) tell?.(sample, delta);
      return answered;
    });
  }

  /** Prepares what texts go on with, as many answers to each; see `chat`. */
  complete(request: CompletionRequest, signal: AbortSignal): Run {
    const model = this.modelNamed(request.model);
    const prompts = [request.prompt].flat();
    const { n, logprobs } = request;
    const own = samplingOf(request, this.#maxTokens);
    const each = n ?? 1;
    return this.#run(prompts.length * each, signal, (index, until, tell) =>
      model.complete(prompts[Math.floor(index / each)] ?? '', {
        ...own,
        sample: index % each,
        signal: until,
        ...(typeof logprobs === 'number' ? { logprobs } : {}),
        ...(tell === undefined ? {} : { onDelta: (delta) => tell(index, delta) }),
      }),
    );
  }

  /** Takes places for answers; all of them end with the first that fails. */
  #run(
    count: number,
    signal: AbortSignal,
    answer: (sample: number, signal: AbortSignal, tell: Tell | undefined) => Promise<Answered>,
  ): Run {
    if (this.#active + count > this.queue) throw new Busy();
    this.#active += count;
    return async (tell) => {
      const failed = new AbortController();
      const until = AbortSignal.any([signal, failed.signal, AbortSignal.timeout(this.timeout * 1000)]);
      const one = async (sample: number): Promise<Answered> => {
        const began = performance.now();
        try {
          const reply = await answer(sample, until, tell);
          this.metrics.took((performance.now() - began) / 1000);
          this.#count(reply);
          return reply;
        } catch (thrown) {
          failed.abort(thrown);
          throw thrown;
        } finally {
          this.#active -= 1;
        }
      };
      return Promise.all(Array.from({ length: count }, (_, sample) => one(sample)));
    };
  }
}
