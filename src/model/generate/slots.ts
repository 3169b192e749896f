/**
 * Slots and rows while samples are drawn: a slot holds a prompt, and of its samples those that are not finished.
 * Those of a slot are rows of a graph that lie side by side.
 */
import { required } from '../../base/errors.ts';
import { Rng } from '../../base/rng.ts';
import { asTokenIds, type TokenIds } from '../../base/token-ids.ts';
import { bucketCount } from '../tree/buckets.ts';
import type { Constraint } from './sampler.ts';

/** Tokens drawn after a prompt. */
export interface Sample {
  /** The stop token included. */
  readonly tokens: TokenIds;
  /** Log-probability of each token under the full softmax at temperature 1. */
  readonly logprobs: Float32Array;
  /** 1 for tokens that the model chose, 0 for those that it was given as a reply. */
  readonly drawn: Uint8Array;
  readonly finish: 'stop' | 'length';
}

/** A sample that came to a stop token, and may be given a reply to go on from. */
export interface Stopped {
  /** Index among the prompts of the call. */
  readonly prompt: number;
  /** Index among the prompt's samples. */
  readonly sample: number;
  /** All of its tokens so far, replies and the stop token included. */
  readonly tokens: TokenIds;
}

export interface Limits {
  readonly stop: ReadonlySet<number>;
  readonly generate_max_len: number;
}

/**
 * Place of a prompt in the cache: its first `shared` tokens from 0 on, the others from `remainder` on. What lies between
 * belongs to nobody. Positions count a prompt's own tokens, so a gap is only something not to look at.
 */
export interface PromptSpan {
  readonly length: number;
  readonly shared: number;
  readonly remainder: number;
}

/** A prompt without a gap. */
export const wholeSpan = (length: number): PromptSpan => ({ length, shared: length, remainder: length });

/** Length of a prompt in the cache, its gap included. */
export const extentOf = ({ length, shared, remainder }: PromptSpan): number => remainder + length - shared;

/** Beginning of a sample: indices of its prompt and of itself, and what it may go on with. */
interface Origin extends Omit<Stopped, 'tokens'> {
  /** Rest of the prompt, behind what is in its slot: read token by token as if it were the sample's own. */
  readonly rest: TokenIds;
  readonly constraint: Constraint | undefined;
}

/** A sample in the making. */
export class Drawing {
  readonly rng: Rng;
  readonly span: PromptSpan;
  /** Tokens that it may go on with; undefined for any. */
  constraint: Constraint | undefined;
  readonly #origin: Origin;
  #read = 0;
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  readonly #drawn: number[] = [];
  /** Tokens of a reply that are still to be read. */
  #reply: number[] = [];
  #finish: Sample['finish'] | undefined;

  constructor(rng: Rng, span: PromptSpan, origin: Origin) {
    this.rng = rng;
    this.span = span;
    this.constraint = origin.constraint;
    this.#origin = origin;
  }

  get #rest(): TokenIds {
    return this.#origin.rest;
  }

  /** Length of its prompt. */
  get promptLength(): number {
    return this.span.length + this.#rest.length;
  }

  get count(): number {
    return this.#tokens.length;
  }

  /** Token that the model reads next: of the rest of its prompt, then the last that was drawn. */
  get next(): number {
    return this.#rest[this.#read] ?? required(this.#tokens.at(-1), 'the first token of a sample');
  }

  /** Place of that token among those that are in its own part of the cache. */
  get step(): number {
    return this.#read < this.#rest.length ? this.#read : this.#rest.length + this.count - 1;
  }

  /** Goes on after the model has read a token; tells whether more of the prompt is to be read before one is drawn. */
  readsOn(): boolean {
    if (this.#read < this.#rest.length) this.#read += 1;
    return this.#read < this.#rest.length;
  }

  /** Rest of its prompt, of which nothing is read yet; empty once some of it is. */
  get unread(): TokenIds {
    return this.#read === 0 ? this.#rest : asTokenIds([]);
  }

  /** Takes the rest of its prompt as read. */
  readAll(): void {
    this.#read = this.#rest.length;
  }

  get finished(): boolean {
    return this.#finish !== undefined;
  }

  /** The next token of the reply, if there is one: it is read, whatever the model would have said. */
  get given(): number | undefined {
    return this.#reply[0];
  }

  /** Adds a token: the one that is given, which stops nothing, or one that was drawn. */
  accept(token: number, logprob: number, { stop, generate_max_len }: Limits): void {
    const isDrawn = this.#reply.shift() === undefined;
    this.#tokens.push(token);
    this.#logprobs.push(logprob);
    this.#drawn.push(isDrawn ? 1 : 0);
    if (isDrawn && stop.has(token)) this.#finish = 'stop';
    else if (this.#tokens.length >= generate_max_len) this.#finish = 'length';
  }

  /** Ends it behind the last token. */
  end(): void {
    this.#finish = 'stop';
  }

  /** The sample at a stop token that was drawn; undefined anywhere else. */
  stopped(): Stopped | undefined {
    if (this.#finish !== 'stop') return undefined;
    const { prompt, sample } = this.#origin;
    return { prompt, sample, tokens: asTokenIds(this.#tokens) };
  }

  /** Goes on after a stop, with a reply that is not empty. */
  resume(reply: TokenIds): void {
    this.#reply = [...reply];
    this.constraint = this.#origin.constraint;
    this.#finish = undefined;
  }

  sample(): Sample {
    return {
      tokens: asTokenIds(this.#tokens),
      logprobs: Float32Array.from(this.#logprobs),
      drawn: Uint8Array.from(this.#drawn),
      finish: required(this.#finish, 'the end of a sample'),
    };
  }
}

/** A prompt with its samples. */
export interface Active {
  /** Index among the prompts of the call. */
  readonly prompt: number;
  readonly drawings: readonly Drawing[];
}

/** A prompt at the start of its samples: every (seed, prompt, sample) has a stream of its own. */
export function startPrompt(
  prompt: number,
  span: PromptSpan,
  {
    samples,
    seed,
    constraint,
    rest = asTokenIds([]),
  }: { samples: number; seed: number; constraint?: Constraint | undefined; rest?: TokenIds },
): Active {
  const drawings = Array.from(
    { length: samples },
    (_, sample) =>
      new Drawing(Rng.seeded(seed, `sample ${prompt}.${sample}`), span, { prompt, sample, rest, constraint }),
  );
  return { prompt, drawings };
}

export class Slots {
  #slots: (Active | undefined)[];
  #rows: (Drawing | undefined)[];
  /** Rows of a slot. */
  rowsPerSlot: number;

  constructor(slots: number, rowsPerSlot: number) {
    this.#slots = Array.from({ length: slots });
    this.#rows = Array.from({ length: slots * rowsPerSlot });
    this.rowsPerSlot = rowsPerSlot;
  }

  get count(): number {
    return this.#slots.length;
  }

  /** The sample of each row; undefined where there is none or it is finished. */
  get rows(): readonly (Drawing | undefined)[] {
    return this.#rows;
  }

  get live(): boolean {
    return this.#rows.some((drawing) => drawing !== undefined);
  }

  /** Slots without a prompt. */
  free(): number[] {
    return this.#slots.flatMap((active, slot) => (active === undefined ? [slot] : []));
  }

  fill(slot: number, active: Active): void {
    this.#slots[slot] = active;
    active.drawings.forEach((drawing, i) => {
      this.#rows[slot * this.rowsPerSlot + i] = drawing;
    });
  }

  /** Takes finished samples off their rows and finished prompts out of their slots; gives the latter. */
  clear(): Active[] {
    this.#rows = this.#rows.map((drawing) => (drawing?.finished === true ? undefined : drawing));
    const done = this.#slots.filter(
      (active) => active !== undefined && active.drawings.every((drawing) => drawing.finished),
    );
    this.#slots = this.#slots.map((active) => (done.includes(active) ? undefined : active));
    return done.filter((active) => active !== undefined);
  }

  /**
   * Compacts when a third of the rows would be saved: fewer slots, fewer rows in each. Gives for every new slot and
   * row which old one it was, or undefined when it is not worth the move.
   */
  compact(): { slots: number[]; rows: number[] } | undefined {
    const kept = this.#slots.flatMap((active, slot) => (active === undefined ? [] : [slot]));
    const rowsOf = (slot: number): number[] =>
      Array.from({ length: this.rowsPerSlot }, (_, i) => slot * this.rowsPerSlot + i).filter(
        (row) => this.#rows[row] !== undefined,
      );
    const most = Math.max(1, ...kept.map((slot) => rowsOf(slot).length));
    const rowsPerSlot = Math.min(this.rowsPerSlot, nextCount(most));
    const slots = Math.min(this.count, nextCount(Math.max(1, kept.length)));
    if (slots * rowsPerSlot * 3 > this.#rows.length * 2) return undefined;
    // Slots and rows beyond those that are needed stay empty and take the first one's contents.
    const fromSlots = Array.from({ length: slots }, (_, i) => kept[i] ?? kept[0] ?? 0);
    const fromRows = fromSlots.flatMap((slot) => {
      const rows = rowsOf(slot);
      return Array.from({ length: rowsPerSlot }, (_, i) => rows[i] ?? slot * this.rowsPerSlot);
    });
    const live = kept.map((slot) => rowsOf(slot).map((row) => this.#rows[row]));
    const actives = this.#slots.filter((active) => active !== undefined);
    this.#slots = Array.from({ length: slots }, (_, i) => actives[i]);
    this.#rows = this.#slots.flatMap((_, slot) =>
      Array.from({ length: rowsPerSlot }, (_, i) => live[slot]?.[i]),
    );
    this.rowsPerSlot = rowsPerSlot;
    return { slots: fromSlots, rows: fromRows };
  }
}

/** The smallest of 1, 2, 3, 4, 6, 8, 12, ... that is at least `count`. */
export function nextCount(count: number): number {
  let next = count;
  while (bucketCount(next) !== next) next += 1;
  return next;
}
