/** Prompts that begin alike while their answers are drawn: one prompt in a cache, and a row for each of them that join and leave. */
import { asTokenIds, type TokenIds } from '../../base/token-ids.ts';
import { bucketCount, stageLength } from '../tree/buckets.ts';
import { type KeyValueCache, lookbackOf, type PromptContents } from './cache.ts';
import type { DecodeGraph } from './decode.ts';
import type { GraphMemories } from './kept-graph.ts';
import type { ModelParts, NextTokens } from './next-token.ts';
import { beginsWith } from './prefixes.ts';
import { choose, largest, type Sampling } from './sampler.ts';
import { type Drawing, type Limits, nextCount, type Sample } from './slots.ts';
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

/** Rests from which it is worth to read them at once, and tokens of such a pass, for which others wait. */
const READ_AT_ONCE = 4;
const MOST_AT_ONCE = 1024;
/** Tokens of a prefix that are read at once. */
const MOST_OF_PREFIX = 512;
/** Steps of the length of rows in graphs, so that few of them serve all. */
const ROW_STEP = 64;
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

/** Room of a family. */
interface FamilyRoom {
  readonly rows: number;
  /** Tokens of the rest of a prompt and its answer that a row has room for. */
  readonly own: number;
}

export class Family extends WorkerGraphs {
  readonly prefix: TokenIds;
  readonly #own: number;
  readonly #cache: KeyValueCache;
  readonly #rows: (Joined | undefined)[];
  /** Graph of the step before, and whom it was for: their masks are one token behind. */
  #last: { readonly graph: DecodeGraph; readonly rows: readonly (Joined | undefined)[] } | undefined;

  private constructor(
    model: ModelParts,
    prefix: TokenIds,
    { rows, own }: FamilyRoom,
    memories: GraphMemories,
  ) {
    super(model, memories);
    this.prefix = prefix;
    this.#own = own;
    const promptTokens = stageLength(prefix.length);
    this.#cache = this.cacheFor({ prompts: 1, promptTokens, rows, completionTokens: own });
    this.#cache.clear();
    this.#rows = Array.from({ length: rows });
  }

  /**
   * Computes what prompts begin with, which may be nothing, unless its contents are known. `memories` are those of other families,
   * which take their steps in turn.
   */
  static async open(
    model: ModelParts,
    prefix: TokenIds,
    { rows, own }: FamilyRoom,
    memories: GraphMemories,
    known?: PromptContents,
  ): Promise<Family> {
    const room = stageLength(Math.max(LEAST_OWN, own), ROW_STEP, 2);
    const { layers, kvHeads, headDim } = model.config;
    const each = 4 * 2 * layers * kvHeads * headDim * room;
    const most = bucketCount(Math.max(1, Math.min(nextCount(rows), Math.floor(ROOM / each))));
    const family = new Family(model, prefix, { rows: most, own: room }, memories);
    try {
      if (known !== undefined) family.#cache.setPrompt(prefix.length, known);
      else if (prefix.length > 0) await family.#readPrefix();
    } catch (thrown) {
      family[Symbol.dispose]();
      throw thrown;
    }
    return family;
  }

  /** Keys and values of what its prompts begin with. */
  contents(): PromptContents {
    return this.#cache.prompt(this.prefix.length);
  }

  /** Reads the prefix part by part: the scores of all of a long one at once would take memory by its square. */
  async #readPrefix(): Promise<void> {
    for (let start = 0; start < this.prefix.length; start += MOST_OF_PREFIX) {
      const part = asTokenIds(this.prefix.slice(0, start + MOST_OF_PREFIX));
      const length = stageLength(part.length - start);
      const layout =
        start === 0
          ? { prompts: 1, promptTokens: length, samples: 0, completionTokens: 0 }
          : { prompts: 1, promptTokens: start, samples: 1, completionTokens: length };
      await this.prefill(layout, 0, start === 0 ? 'slots' : 'spare').run([part], [0], start);
    }
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
      const reading = this.#readable();
      if (reading.length > 0) await this.#readRests(reading);
      else await this.#decode();
    } catch (thrown) {
      this.abandon(thrown);
    }
  }

  get #count(): number {
    return this.#rows.findLastIndex((row) => row !== undefined) + 1;
  }

  /** Rows that have just joined, as many as are read in one pass: the rests of their prompts are long enough for it. */
  #readable(): (readonly [row: number, one: Joined])[] {
    if (lookbackOf(this.model.config) !== undefined) return [];
    const reading: (readonly [number, Joined])[] = [];
    let longest = 0;
    for (const [row, one] of this.#rows.entries()) {
      const length = one?.drawing.unread.length ?? 0;
      if (one === undefined || length < READ_AT_ONCE) continue;
      longest = Math.max(longest, length);
      if (reading.length > 0 && longest * (reading.length + 1) > MOST_AT_ONCE) break;
      reading.push([row, one]);
    }
    return reading;
  }

  async #readRests(reading: readonly (readonly [row: number, one: Joined])[]): Promise<void> {
    const rests = reading.map(([, one]) => one.drawing.unread);
    const layout = {
      prompts: 1,
      promptTokens: stageLength(this.prefix.length),
      samples: nextCount(rests.length),
      completionTokens: stageLength(Math.max(...rests.map(({ length }) => length)), 16),
    };
    const graph = this.prefill(layout, 0, 'rows');
    // Rows that pad the graph read the first one's once more, to the same place.
    const padded = Array.from({ length: layout.samples }, (_, i) => (i < rests.length ? i : 0));
    await graph.run(
      padded.map((i) => asTokenIds([...this.prefix, ...(rests[i] ?? [])])),
      padded.map((i) => reading[i]?.[0] ?? 0),
      this.prefix.length,
    );
    this.#last = undefined;
    reading.forEach(([row, one], i) => {
      one.drawing.readAll();
      this.#draw(one, graph.next, i, row);
    });
  }

  async #decode(): Promise<void> {
    const rows = this.#rows.slice(0, this.#count);
    const live = rows.filter((one) => one !== undefined);
    const layout = {
      prompts: 1,
      promptTokens: stageLength(this.prefix.length),
      samples: nextCount(rows.length),
      completionTokens: Math.min(
        this.#own,
        stageLength(Math.max(...live.map(({ drawing }) => drawing.step + 1)), ROW_STEP, 2),
      ),
    };
    const graph = this.decode(layout, 0);
    for (let row = 0; row < layout.samples; row++) {
      const one = rows[row];
      const isNext = this.#last?.graph === graph && one !== undefined && this.#last.rows[row] === one;
      graph.feed(row, one?.drawing, isNext);
    }
    await graph.run();
    this.#last = { graph, rows };
    rows.forEach((one, row) => {
      if (one !== undefined && !one.drawing.readsOn()) this.#draw(one, graph.next, row, row);
    });
  }

  /** Draws a token for the answer in `row`, from a row of a graph's; what it fails with is its own failure. */
  #draw(one: Joined, next: NextTokens, from: number, row: number): void {
    const { drawing } = one;
    try {
      this.#accept(one, next, from);
    } catch (thrown) {
      this.#rows[row] = undefined;
      one.reject(thrown);
      return;
    }
    if (!drawing.finished) return;
    this.#rows[row] = undefined;
    one.resolve(drawing.sample());
  }

  #accept({ drawing, sampling, limits, top, onToken }: Joined, next: NextTokens, row: number): void {
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
  }
}
