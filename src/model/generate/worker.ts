/**
 * Generation on one device: prompts wait in line, longest first, and take a slot as soon as enough are free; when
 * nobody waits any more, the unfinished samples are compacted.
 */
import { required } from '../../base/errors.ts';
import { asTokenIds, type TokenIds } from '../../base/token-ids.ts';
import { bucketCount, stageLength } from '../tree/buckets.ts';
import type { TreeLayout } from '../tree/layout.ts';
import type { DecodeGraph } from './decode.ts';
import { MAX_GRAPHS, WorkerGraphs } from './worker-graphs.ts';
import type { NextTokens } from './next-token.ts';
import { small } from './worker-pool.ts';
import { choose, type Constraint, type Sampling } from './sampler.ts';
import {
  type Drawing,
  extentOf,
  type Limits,
  type Sample,
  Slots,
  startPrompt,
  type Stopped,
  wholeSpan,
} from './slots.ts';

/** Tokens of prompts that go through the model at once. */
const PREFILL_TOKENS = 2048;
/** Lengths that a batch grows through, roughly, between two times that it is compacted. */
const COMPACTED_LENGTHS = 3;

/** Settings that samples are drawn with. */
export interface Settings extends Sampling, Limits {
  /** Samples a prompt. */
  readonly n_samples_per_prompt: number;
  /**
   * Every (seed, prompt's index, sample) has its own stream, so results do not depend on `batch`; give each call of
   * a training run a seed of its own.
   */
  readonly seed: number;
  /** Prompts that are worked on at a time. */
  readonly batch: number;
  /**
   * Reply that a sample which came to a stop token reads next, and then goes on from; undefined ends it there. This is how a
   * call's result gets into a conversation: the reply joins the sample's own part of the cache, token by token, while
   * the other samples go on, and nothing of what came before is computed again. `generate_max_len` counts replies too.
   */
  readonly reply?: (stopped: Stopped) => Promise<TokenIds | undefined>;
  /** Rule for the samples of a prompt, by its index among those of the call. */
  readonly constraint?: (prompt: number) => Constraint | undefined;
}

/** Settings of a call, and what stops it. */
interface Call extends Settings {
  readonly signal: AbortSignal;
}

/** A prompt in line; those of one shared prefix stand side by side. */
export interface Waiting {
  readonly prompt: TokenIds;
  /** Index among the prompts of the call. */
  readonly index: number;
  /** Tokens that several prompts begin with: the same object for all of them. */
  readonly sharedPrefix?: TokenIds | undefined;
}

/** Tokens of a shared prefix and of a remainder, as they are padded in the cache. */
function paddedParts({ prompt, sharedPrefix }: Waiting): [number, number] {
  const shared = sharedPrefix?.length ?? 0;
  return [shared === 0 ? 0 : stageLength(shared), stageLength(prompt.length - shared)];
}

/** Layout of prompts alone. */
const wholePrompts = (prompts: number, promptTokens: number): TreeLayout => ({
  prompts,
  promptTokens,
  samples: 0,
  completionTokens: 0,
});

/** Layout of the first of the line and of others of about its length, as far as there is room. */
function wholeLayout(line: readonly Waiting[], free: number): TreeLayout {
  const tokens = stageLength(line[0]?.prompt.length ?? 1);
  const room = Math.min(free, line.length, Math.max(1, Math.floor(PREFILL_TOKENS / tokens)));
  const alike = ({ prompt, sharedPrefix }: Waiting): boolean =>
    // Much shorter ones wait for a narrower graph, longer ones for a wider one.
    sharedPrefix === undefined && prompt.length * 4 > tokens * 3 && prompt.length <= tokens;
  const stop = line.findIndex((waiting, i) => i > 0 && !alike(waiting));
  return wholePrompts(bucketCount(Math.max(1, Math.min(room, stop < 0 ? room : stop))), tokens);
}

/** Tokens of the rest of a prompt behind what it shares. */
const restLength = ({ prompt, sharedPrefix }: Waiting): number => prompt.length - (sharedPrefix?.length ?? 0);

/** Rest that is read token by token, at most; a longer one goes through the model at once. */
const MOST_REST = 64;
/** Samples of a small model that are drawn at a time where they share a prompt. */
const FAMILY_ROWS = 128;

/** Prompts of which most is shared with others and the rest is short, by what they share; and the others. */
function divided(prompts: readonly Waiting[]): {
  families: readonly Waiting[][];
  others: readonly Waiting[];
} {
  const isClose = (waiting: Waiting): boolean => {
    const rest = restLength(waiting);
    return waiting.sharedPrefix !== undefined && rest <= MOST_REST && waiting.sharedPrefix.length >= 2 * rest;
  };
  const families = new Map<TokenIds, Waiting[]>();
  for (const waiting of prompts)
    if (waiting.sharedPrefix !== undefined)
      families.set(waiting.sharedPrefix, [...(families.get(waiting.sharedPrefix) ?? []), waiting]);
  const close = [...families.values()].filter((family) => family.length > 1 && family.every(isClose));
  const inFamilies = new Set(close.flat());
  return { families: close, others: prompts.filter((waiting) => !inFamilies.has(waiting)) };
}

/** A prompt whose samples are all finished. */
export interface Generated {
  /** Index among the prompts of the call. */
  readonly prompt: number;
  readonly samples: readonly Sample[];
}

export class GenerationWorker extends WorkerGraphs {
  /** The shared prefix that is in the cache's spare slot. */
  #sharedPrefix: TokenIds | undefined;
  #spare = 0;

  /** Draws the samples of prompts, `batch` of them at a time: families together, then the others in their order. */
  async *run(prompts: readonly Waiting[], batch: number, call: Call): AsyncGenerator<Generated> {
    const { families, others } = divided(prompts);
    const rows = batch * call.n_samples_per_prompt;
    for (const family of families) yield* this.#runFamily(family, rows, call);
    if (others.length > 0) yield* this.#runLine(others, batch, call);
  }

  /**
   * Draws the samples of a family: what its prompts share is the only prompt in the cache, which all samples attend to in
   * one matrix product, and each sample reads the rest of its prompt for itself.
   */
  async *#runFamily(family: readonly Waiting[], wanted: number, call: Call): AsyncGenerator<Generated> {
    const { n_samples_per_prompt: samples, generate_max_len, temperature, seed, signal } = call;
    const shared = required(family[0]?.sharedPrefix, 'what a family shares');
    const most = small(this.model.config) ? Math.max(wanted, FAMILY_ROWS) : wanted;
    const together = Math.max(1, Math.floor(most / samples));
    const longest = Math.max(...family.map(restLength));
    const promptTokens = stageLength(shared.length);
    this.cacheFor({
      prompts: 1,
      promptTokens,
      rows: Math.min(together, family.length) * samples,
      completionTokens: stageLength(longest + generate_max_len, 16),
    }).clear();
    await this.prefill(wholePrompts(1, promptTokens), temperature).run([shared], [0]);
    for (let start = 0; start < family.length; start += together) {
      const part = family.slice(start, start + together).map(({ prompt, index }) =>
        startPrompt(index, wholeSpan(shared.length), {
          samples,
          seed,
          constraint: call.constraint?.(index),
          rest: asTokenIds(prompt.slice(shared.length)),
        }),
      );
      const slots = new Slots(1, part.length * samples);
      slots.fill(0, { prompt: 0, drawings: part.flatMap(({ drawings }) => drawings) });
      const open = new Set(part);
      let graph: DecodeGraph | undefined;
      while (slots.live) {
        signal.throwIfAborted();
        if (await this.#compact(slots)) graph = undefined;
        graph = await this.#step(slots, call, graph);
        await this.#reply(slots, call);
        slots.clear();
        for (const active of open) {
          const { prompt, drawings } = active;
          if (!drawings.every(({ finished }) => finished)) continue;
          open.delete(active);
          yield { prompt, samples: drawings.map((drawing) => drawing.sample()) };
        }
      }
    }
  }

  /** Draws the samples of prompts in line, `batch` of them at a time. */
  async *#runLine(prompts: readonly Waiting[], batch: number, call: Call): AsyncGenerator<Generated> {
    const { n_samples_per_prompt: samples, generate_max_len, signal } = call;
    const line = [...prompts];
    const extents = line.map((waiting) => stageLength(paddedParts(waiting).reduce((a, b) => a + b)));
    const cache = this.cacheFor({
      // One slot more, for what prompts begin with.
      prompts: batch + 1,
      promptTokens: extents.reduce((a, b) => Math.max(a, b), 1),
      rows: batch * samples,
      completionTokens: stageLength(generate_max_len, 16),
    });
    cache.clear();
    this.#spare = cache.spare;
    this.#sharedPrefix = undefined;
    const slots = new Slots(batch, samples);
    let graph: DecodeGraph | undefined;
    while (line.length > 0 || slots.live) {
      signal.throwIfAborted();
      const free = slots.free();
      if (line.length > 0 && (free.length * 8 >= batch || !slots.live)) {
        await this.#admit(slots, free, line, call);
        graph = undefined;
      } else {
        if (line.length === 0 && (await this.#compact(slots))) graph = undefined;
        graph = await this.#step(slots, call, graph);
      }
      await this.#reply(slots, call);
      for (const { prompt, drawings } of slots.clear())
        yield { prompt, samples: drawings.map((drawing) => drawing.sample()) };
    }
  }

  /**
   * Builds what a call with such prompts and samples needs at most, without running it: see Device.meta. Returns
   * the bytes that the graphs hold on the host.
   */
  reserve(
    prompts: number,
    promptLength: number,
    { n_samples_per_prompt: samples, generate_max_len, temperature }: Settings,
    longest: number,
  ): number {
    const promptTokens = stageLength(promptLength);
    const rows = prompts * samples;
    const steps = Array.from({ length: Math.min(generate_max_len, longest) }, (_, i) => i + 1);
    const lengths = [...new Set(steps.map((length) => stageLength(length, 16)))];
    const completionTokens = stageLength(generate_max_len, 16);
    this.cacheFor({ prompts: prompts + 1, promptTokens, rows, completionTokens });
    const together = bucketCount(Math.max(1, Math.min(prompts, Math.floor(PREFILL_TOKENS / promptTokens))));
    this.prefill(wholePrompts(together, promptTokens), temperature);
    // The whole batch through all lengths; then ever smaller ones, as samples finish and the rest are compacted.
    const layouts = lengths.map((length) => ({ prompts, promptTokens, samples, completionTokens: length }));
    for (let left = bucketCount(prompts); left > 1 && layouts.length < MAX_GRAPHS;) {
      left = bucketCount(Math.max(1, Math.floor((2 * left) / 3)));
      const later = lengths.slice(-COMPACTED_LENGTHS);
      layouts.push(
        ...later.map((length) => ({ prompts: left, promptTokens, samples, completionTokens: length })),
      );
    }
    const kept = layouts.slice(0, MAX_GRAPHS - 1);
    for (const layout of kept) this.decode(layout, temperature);
    const logits = this.model.config.vocabSize * 4 * (temperature === 0 || temperature === 1 ? 1 : 2);
    return kept.reduce(
      (bytes, { prompts: own, completionTokens: tokens }) =>
        bytes + own * samples * 4 * (promptTokens + tokens),
      Math.max(rows, together) * logits,
    );
  }

  /** Lets samples that stopped go on with the reply that they are given, if any. */
  async #reply(slots: Slots, { reply, generate_max_len }: Settings): Promise<void> {
    if (reply === undefined) return;
    const replies = slots.rows.map(async (drawing) => {
      const stopped = drawing?.stopped();
      if (drawing === undefined || stopped === undefined) return;
      // Room that a reply lacks an answer lacks, too.
      if (drawing.count >= this.#limit(drawing, generate_max_len)) return;
      const given = await reply(stopped);
      if (given !== undefined && given.length > 0) drawing.resume(given);
    });
    // All have come to rest before a failure is passed on.
    for (const settled of await Promise.allSettled(replies))
      if (settled.status === 'rejected') throw settled.reason;
  }

  /** Takes waiting prompts into free slots and draws their first tokens. */
  async #admit(slots: Slots, free: readonly number[], line: Waiting[], settings: Settings): Promise<void> {
    const sharedPrefix = line[0]?.sharedPrefix;
    const alike = line.filter((waiting) => waiting.sharedPrefix === sharedPrefix).length;
    const known = sharedPrefix !== undefined && this.#sharedPrefix === sharedPrefix;
    // A shared prefix is worth a pass of its own when two remainders follow.
    const apart = sharedPrefix !== undefined && (known || alike > 1);
    const layout = apart
      ? await this.#sharedLayout(sharedPrefix, line.slice(0, alike), free.length, settings)
      : wholeLayout(line, free.length);
    const taken = line.splice(0, apart ? layout.samples : layout.prompts);
    const graph = this.prefill(layout, settings.temperature);
    const spans = await graph.run(
      taken.map(({ prompt }) => prompt),
      free.slice(0, taken.length),
      apart ? sharedPrefix.length : 0,
    );
    const { n_samples_per_prompt: samples, seed } = settings;
    taken.forEach(({ index, prompt }, row) => {
      const active = startPrompt(index, spans[row] ?? wholeSpan(prompt.length), {
        samples,
        seed,
        constraint: settings.constraint?.(index),
      });
      for (const drawing of active.drawings) this.#draw(drawing, graph.next, row, settings);
      slots.fill(free[row] ?? 0, active);
    });
  }

  /** Layout of the remainders of as many of `alike` as there is room for; what they share is computed once. */
  async #sharedLayout(
    sharedPrefix: TokenIds,
    alike: readonly Waiting[],
    free: number,
    { temperature }: Settings,
  ): Promise<TreeLayout> {
    const promptTokens = stageLength(sharedPrefix.length);
    if (this.#sharedPrefix !== sharedPrefix) {
      this.#sharedPrefix = undefined;
      await this.prefill(wholePrompts(1, promptTokens), temperature).run([sharedPrefix], [this.#spare]);
      this.#sharedPrefix = sharedPrefix;
    }
    const longest = alike.reduce((most, waiting) => Math.max(most, paddedParts(waiting)[1]), 1);
    const room = Math.min(free, alike.length, Math.max(1, Math.floor(PREFILL_TOKENS / longest)));
    return { prompts: 1, promptTokens, samples: bucketCount(room), completionTokens: longest };
  }

  async #compact(slots: Slots): Promise<boolean> {
    const from = slots.compact();
    if (from === undefined) return false;
    const [prompts, rows] = [from.slots.length, from.rows.length];
    await this.move(prompts, rows).run(from.slots, from.rows);
    return true;
  }

  /** One more token for every unfinished sample. `last` is the graph of the step before, if nobody moved since. */
  async #step(slots: Slots, settings: Settings, last: DecodeGraph | undefined): Promise<DecodeGraph> {
    const { temperature } = settings;
    const live = slots.rows.filter((drawing) => drawing !== undefined);
    const layout = {
      prompts: slots.count,
      promptTokens: stageLength(Math.max(...live.map(({ span }) => extentOf(span)))),
      samples: slots.rowsPerSlot,
      completionTokens: stageLength(Math.max(...live.map(({ step }) => step + 1)), 16),
    };
    const graph = this.decode(layout, temperature);
    slots.rows.forEach((drawing, row) => graph.feed(row, drawing, graph === last));
    await graph.run();
    slots.rows.forEach((drawing, row) => {
      if (drawing !== undefined && !drawing.readsOn()) this.#draw(drawing, graph.next, row, settings);
    });
    return graph;
  }

  #draw(drawing: Drawing, next: NextTokens, row: number, settings: Settings): void {
    const preferences = next.preferences(row);
    const { token, next: constraint } =
      drawing.given === undefined
        ? choose(preferences, settings, drawing.rng, drawing.constraint)
        : { token: drawing.given, next: drawing.constraint };
    drawing.constraint = constraint;
    const generate_max_len = this.#limit(drawing, settings.generate_max_len);
    drawing.accept(token, next.logprob(row, token), { stop: settings.stop, generate_max_len });
  }

  /** Tokens that a sample may have: those it is allowed, as far as the model has positions. */
  #limit({ promptLength }: Drawing, generate_max_len: number): number {
    return Math.min(generate_max_len, this.model.config.contextLength - promptLength);
  }
}
