/** Prompts that begin alike while their answers are drawn: one prompt in a cache, and a row for each of them that join and leave. */
import type { TokenIds } from '../../base/token-ids.ts';
import { bucketCount, stageLength } from '../tree/buckets.ts';
import { type KeyValueCache, lookbackOf, type PromptContents } from './cache.ts';
import type { DecodeGraph } from './decode.ts';
import type { ModelParts, NextTokens } from './next-token.ts';
import { beginsWith } from './prefixes.ts';
import { choose, largest, type Sampling } from './sampler.ts';
import { type Drawing, type Limits, nextCount, type Sample, wholeSpan } from './slots.ts';
import { WorkerGraphs } from './worker-graphs.ts';

/** A token of an answer, as soon as it is drawn. */
export interface LiveToken {
  readonly token: number;
  /** Of it, and of the likeliest tokens, under the full softmax at temperature 1. */
  readonly logprob: number;
  readonly top: readonly { readonly token: number; readonly logprob: number }[];
}

/** An answer in the making, and who waits for it. */
export interface Joined {
  readonly drawing: Drawing;
  readonly sampling: Sampling;
  readonly limits: Limits;
  readonly top: number;
  readonly onToken: ((token: LiveToken) => boolean) | undefined;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (sample: Sample) => void;
  readonly reject: (reason: unknown) => void;
}

/** Rests from which it is worth to read them at once where nobody else is kept waiting by that. */
const READ_AT_ONCE = 4;
/** Tokens of its own that a row has room for at least. */
const LEAST_OWN = 128;
/** Bytes of keys and values that the rows of a family may take; there is one row in any case. */
const ROOM = 256e6;

/** Probabilities at a temperature, of logits. */
function probabilitiesAt(logits: Float32Array, temperature: number): Float32Array {
  let most = -Infinity;
  for (const value of logits) if (value > most) most = value;
  const values = new Float32Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const value = Math.exp(((logits[i] ?? 0) - most) / temperature);
    values[i] = value;
    sum += value;
  }
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) / sum;
  return values;
}

export class Family extends WorkerGraphs {
  readonly prefix: TokenIds;
  readonly #own: number;
  readonly #cache: KeyValueCache;
  readonly #rows: (Joined | undefined)[];
  /** Graph of the step before, and whom it was for: their masks are one token behind. */
  #last: { readonly graph: DecodeGraph; readonly rows: readonly (Joined | undefined)[] } | undefined;

  private constructor(model: ModelParts, prefix: TokenIds, rows: number, own: number) {
    super(model);
    this.prefix = prefix;
    this.#own = own;
    this.#cache = this.cacheFor({
      prompts: 1,
      promptTokens: stageLength(prefix.length),
      rows,
      completionTokens: own,
    });
    this.#cache.clear();
    this.#rows = Array.from({ length: rows });
  }

  /**
   * Computes what prompts begin with, unless its contents are known; `own` are tokens of the rest of a prompt and its answer
   * that rows have room for.
   */
  static async open(
    model: ModelParts,
    prefix: TokenIds,
    { rows, own }: { readonly rows: number; readonly own: number },
    known?: PromptContents,
  ): Promise<Family> {
    const room = stageLength(Math.max(LEAST_OWN, own), 16);
    const { layers, kvHeads, headDim } = model.config;
    const each = 4 * 2 * layers * kvHeads * headDim * room;
    const most = bucketCount(Math.max(1, Math.min(nextCount(rows), Math.floor(ROOM / each))));
    const family = new Family(model, prefix, most, room);
    const layout = {
      prompts: 1,
      promptTokens: stageLength(prefix.length),
      samples: 0,
      completionTokens: 0,
    };
    if (known === undefined) await family.prefill(layout, 0).run([prefix], [0]);
    else family.#cache.setPrompt(prefix.length, known);
    return family;
  }

  /** Keys and values of what its prompts begin with. */
  contents(): PromptContents {
    return this.#cache.prompt(this.prefix.length);
  }

  /** Tells whether a prompt begins so, and has a token more. */
  begins(prompt: TokenIds): boolean {
    return beginsWith(prompt, this.prefix);
  }

  fits(own: number): boolean {
    return own <= this.#own;
  }

  get live(): number {
    return this.#rows.filter((row) => row !== undefined).length;
  }

  get isFull(): boolean {
    return this.#rows.every((row) => row !== undefined);
  }

  join(one: Joined): void {
    this.#rows[this.#rows.indexOf(undefined)] = one;
  }

  /** Rejects all that are in it. */
  abandon(reason: unknown): void {
    for (const [row, one] of this.#rows.entries()) {
      one?.reject(reason);
      this.#rows[row] = undefined;
    }
  }

  /** One more token for all. A failure is theirs. */
  async step(): Promise<void> {
    for (const [row, one] of this.#rows.entries()) {
      if (one?.signal?.aborted !== true) continue;
      one.reject(one.signal.reason);
      this.#rows[row] = undefined;
    }
    if (this.live === 0) return;
    try {
      if (this.#readable()) await this.#readRests();
      else await this.#decode();
    } catch (thrown) {
      this.abandon(thrown);
    }
  }

  get #count(): number {
    return this.#rows.findLastIndex((row) => row !== undefined) + 1;
  }

  /** Tells whether all have just joined, so that the rests of their prompts can be read in one pass. */
  #readable(): boolean {
    const rests = this.#rows.flatMap((one) => (one === undefined ? [] : [one.drawing.unread.length]));
    return (
      lookbackOf(this.model.config) === undefined &&
      rests.length === this.#count &&
      Math.min(...rests) > 0 &&
      Math.max(...rests) >= READ_AT_ONCE
    );
  }

  async #readRests(): Promise<void> {
    const count = this.#count;
    const rests = this.#rows.slice(0, count).map((one) => one?.drawing.unread as TokenIds);
    const layout = {
      prompts: 1,
      promptTokens: stageLength(this.prefix.length),
      samples: nextCount(count),
      completionTokens: stageLength(Math.max(...rests.map(({ length }) => length)), 16),
    };
    const graph = this.read(layout, 0);
    await graph.run(
      rests.map((rest) => joinedIds(this.prefix, rest)),
      [],
      this.prefix.length,
    );
    this.#last = undefined;
    this.#rows.slice(0, count).forEach((one, row) => {
      one?.drawing.readAll();
      if (one !== undefined) this.#draw(one, graph.next, row);
    });
  }

  async #decode(): Promise<void> {
    const rows = this.#rows.slice(0, this.#count);
    const live = rows.filter((one) => one !== undefined);
    const layout = {
      prompts: 1,
      promptTokens: stageLength(this.prefix.length),
      samples: nextCount(rows.length),
      completionTokens: stageLength(Math.max(...live.map(({ drawing }) => drawing.step + 1)), 16),
    };
    const graph = this.decode(layout, 0);
    const span = wholeSpan(this.prefix.length);
    for (let row = 0; row < layout.samples; row++) {
      const one = rows[row];
      const step = one?.drawing.step ?? 0;
      graph.tokens[row] = one?.drawing.next ?? 0;
      graph.positions[row] = (one === undefined ? 0 : this.prefix.length) + step;
      graph.steps[row] = step;
      const isNext = this.#last?.graph === graph && one !== undefined && this.#last.rows[row] === one;
      graph.see(row, one === undefined ? wholeSpan(0) : span, step + 1, isNext);
    }
    await graph.run();
    this.#last = { graph, rows };
    rows.forEach((one, row) => {
      if (one !== undefined && !one.drawing.readsOn()) this.#draw(one, graph.next, row);
    });
  }

  #draw(one: Joined, next: NextTokens, row: number): void {
    const { drawing, sampling, limits, top, onToken } = one;
    const logits = next.preferences(row);
    const { temperature } = sampling;
    const preferences = temperature === 0 ? logits : probabilitiesAt(logits, temperature);
    const { token, next: constraint } = choose(preferences, sampling, drawing.rng, drawing.constraint);
    drawing.constraint = constraint;
    const logprob = next.logprob(row, token);
    drawing.accept(token, logprob, limits);
    const likeliest = top === 0 ? [] : largest(logits, top);
    const told = {
      token,
      logprob,
      top: likeliest.map((id) => ({ token: id, logprob: next.logprob(row, id) })),
    };
    const isEnd = onToken?.(told) === true;
    if (isEnd && !drawing.finished) drawing.end();
    if (!drawing.finished) return;
    this.#rows[row] = undefined;
    one.resolve(drawing.sample());
  }
}

const joinedIds = (prefix: TokenIds, rest: TokenIds): TokenIds => {
  const ids = new Int32Array(prefix.length + rest.length);
  ids.set(prefix);
  ids.set(rest, prefix.length);
  return ids as TokenIds;
};
