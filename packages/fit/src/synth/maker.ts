/** Draws cases from the sources of a split, by kinds in their shares. */
import type { Rng } from '../../../../src/base/rng.ts';
import type { ToolCall } from '../../../../src/chat/messages.ts';
import { JsonSchema } from '../../../../src/json/schema.ts';
import type { JsonObject } from '../../../../src/json/value.ts';
import type { Case, CaseKind, Split } from '../types.ts';
import { corrected, joined, negated, outside, sharedSlot } from './compose.ts';
import { inContext, inManner, loose, mistyped } from './register.ts';
import type { Settings } from './settings.ts';
import { requestKey } from './store.ts';
import type { Known, Origin, Source } from './sources.ts';
import { templateOf } from './split.ts';
import { foreignValues, refusalOf } from './topics.ts';
import { callsOf, maskOf, requestOf, type Spoken, speak, type Wording } from './wording.ts';

/** Weights of origins: a person's examples and phrases for the same job count alike, names and descriptions fill up. */
const ORIGINS: Readonly<Record<Origin, number>> = {
  example: 1,
  phrases: 1.2,
  schema: 0.12,
  keywords: 0.15,
  topics: 1,
};

function weightedPick<T>(items: readonly T[], weight: (item: T) => number, rng: Rng): T | undefined {
  const total = items.reduce((sum, item) => sum + weight(item), 0);
  let at = rng.uniform() * total;
  for (const item of items) {
    at -= weight(item);
    if (at < 0) return item;
  }
  return items.at(-1);
}

/** Cases of a held-out wording at most: a verdict over a few wordings, each many times, would be one over their luck. */
const HELD_TIMES = 4;

/** Draws of a kind until one is new. */
const TRIES = 8;

/** Shares of requests that call nothing whose value is not allowed, and that have a remark or typing errors. */
const [OUTSIDE, ODD] = [0.2, 0.3];

/** Sources of one split, by what is asked of them. */
class Pool {
  readonly #sources: readonly Source[];
  readonly #byTool = new Map<string, Map<Origin, Source[]>>();
  readonly #kinds = new Map<CaseKind, Source[]>();

  constructor(sources: readonly Source[]) {
    this.#sources = sources;
    for (const source of sources) {
      this.#kinds.set(source.kind, [...(this.#kinds.get(source.kind) ?? []), source]);
      const [tool] = source.tools;
      if (source.kind !== 'single' || tool === undefined) continue;
      const origins = this.#byTool.get(tool) ?? new Map<Origin, Source[]>();
      this.#byTool.set(tool, origins);
      origins.set(source.origin, [...(origins.get(source.origin) ?? []), source]);
    }
  }

  get examples(): readonly Source[] {
    return this.#sources.filter(({ origin }) => origin === 'example');
  }

  get tools(): readonly string[] {
    return [...this.#byTool.keys()];
  }

  ofKind(kind: CaseKind): readonly Source[] {
    return this.#kinds.get(kind) ?? [];
  }

  /** A source of a request for one call of a function. */
  single(tool: string, rng: Rng): Source | undefined {
    const origins = this.#byTool.get(tool);
    if (origins === undefined) return undefined;
    // Names and descriptions stand in where there is little else.
    const isKnown = origins.has('phrases') && (origins.get('example')?.length ?? 0) > 3;
    const weight = (name: Origin): number => ORIGINS[name] * (name === 'schema' && isKnown ? 0.25 : 1);
    const origin = weightedPick([...origins.keys()], weight, rng);
    const among = origin === undefined ? [] : (origins.get(origin) ?? []);
    return weightedPick(among, ({ weight }) => weight, rng);
  }
}

export class Maker {
  readonly #known: Known;
  readonly #settings: Settings;
  readonly #schemas: ReadonlyMap<string, JsonSchema>;
  readonly #orders: ReadonlyMap<string, readonly string[]>;
  /** Wordings that are held out. */
  readonly #held = new Set<string>();
  /** Splits of a person's own wordings. */
  readonly #ofExamples = new Map<string, Split>();
  /** Requests with their answers: no request has two. */
  readonly #answers = new Map<string, string>();
  readonly #refusal: string;
  leftOut = 0;

  constructor(known: Known, settings: Settings, splits: ReadonlyMap<string, Split>) {
    this.#known = known;
    this.#settings = settings;
    this.#refusal = refusalOf(known, settings.refusal);
    const tools = [...known.tools.values()];
    this.#schemas = new Map(tools.map(({ name, parameters }) => [name, new JsonSchema(parameters)]));
    this.#orders = new Map(
      tools.map(({ name, parameters }) => [
        name,
        Object.keys((parameters['properties'] ?? {}) as JsonObject),
      ]),
    );
    for (const one of settings.held) this.#held.add(templateOf(one)).add(requestKey(one.request));
    for (const { request, calls, reply } of known.project.examples)
      this.#answers.set(requestKey(request), answerOf(calls, reply));
    for (const [i, { source }] of known.wordings.entries())
      for (const key of this.#keysOf(i)) this.#ofExamples.set(key, splits.get(source) ?? 'train');
  }

  /** Cases of a split; those made later share no wording with those made before. Of a held-out wording there are few. */
  make(split: Split, sources: readonly Source[], size: number, rng: Rng): Case[] {
    const pool = new Pool(sources);
    const times = new Map<string, number>();
    const cases: Case[] = [];
    const seen = new Set<string>();
    const masks = new Set<string>();
    const add = (spoken: Spoken | undefined, parts: readonly string[]): boolean => {
      if (spoken === undefined) return false;
      const own = [...parts, maskOf(spoken.wording.text, spoken.wording.slots)];
      const made = this.#caseOf(spoken, split, cases.length);
      if (made === undefined || seen.has(requestKey(made.request))) return false;
      const keys = [...own, templateOf(made), requestKey(made.request)];
      if (keys.some((key) => this.#held.has(key) || (this.#ofExamples.get(key) ?? split) !== split)) {
        this.leftOut++;
        return false;
      }
      const wordings = made.wording.split(' + ');
      if (split !== 'train' && wordings.some((one) => (times.get(one) ?? 0) >= HELD_TIMES)) return false;
      for (const one of wordings) times.set(one, (times.get(one) ?? 0) + 1);
      seen.add(requestKey(made.request));
      for (const key of keys) masks.add(key);
      cases.push(made);
      return true;
    };
    const own = new Set(pool.examples.map(({ id }) => id));
    const held = new Set(this.#settings.held.flatMap((one) => [templateOf(one), requestKey(one.request)]));
    for (const [i, wording] of this.#known.wordings.entries()) {
      if (!own.has(wording.source)) continue;
      const example = this.#known.project.examples[i];
      if (example === undefined || seen.has(requestKey(example.request))) continue;
      if (held.has(requestKey(example.request)) || held.has(templateOf(example))) {
        this.leftOut++;
        continue;
      }
      seen.add(requestKey(example.request));
      const { request, calls, reply } = example;
      for (const key of this.#keysOf(i)) masks.add(key);
      cases.push({
        id: `${split}-${cases.length + 1}`,
        request,
        calls,
        reply,
        kind: wording.kind,
        wording: wording.source,
        made: 'example',
      });
    }
    let misses = 0;
    while (cases.length < size && misses < 400) {
      const kind = this.#kind(rng);
      let isAdded = false;
      // A kind that is hard to find anything new of keeps its share.
      for (let attempt = 0; attempt < TRIES && !isAdded; attempt++) {
        const drawn = this.#draw(kind, pool, rng);
        isAdded = drawn !== undefined && add(drawn.spoken, drawn.masks);
      }
      misses = isAdded ? 0 : misses + 1;
    }
    for (const mask of masks) this.#held.add(mask);
    return cases;
  }

  /** Ways in which an example's wording may be met again. */
  #keysOf(index: number): string[] {
    const wording = this.#known.wordings[index];
    const example = this.#known.project.examples[index];
    if (wording === undefined || example === undefined) return [];
    return [maskOf(wording.text, wording.slots), templateOf(example), requestKey(example.request)];
  }

  #kind(rng: Rng): CaseKind {
    const { irrelevantShare, missingShare, severalShare, hardShare, focus } = this.#settings;
    const weights: readonly (readonly [CaseKind, number])[] = [
      ['irrelevant', irrelevantShare],
      ['missing', missingShare],
      ['several', severalShare],
      ['hard', hardShare],
      ['single', Math.max(0, 1 - irrelevantShare - missingShare - severalShare - hardShare)],
    ];
    const [kind] = weightedPick(weights, ([name, weight]) => weight * (focus.kinds?.[name] ?? 1), rng) ?? [
      'single',
    ];
    return kind;
  }

  #draw(
    kind: CaseKind,
    pool: Pool,
    rng: Rng,
  ): { readonly spoken: Spoken | undefined; readonly masks: readonly string[] } | undefined {
    switch (kind) {
      case 'irrelevant':
        return rng.chance(OUTSIDE) ? this.#outside(pool, rng) : this.#irrelevant(pool, rng);
      case 'missing':
        return this.#plain(
          weightedPick(pool.ofKind('missing'), balance(pool.ofKind('missing')), rng)?.draw(rng),
          rng,
        );
      case 'several':
        return this.#several(pool, rng);
      case 'hard':
        return this.#hard(pool, rng);
      case 'single':
        return this.#plain(this.#single(pool, rng), rng);
    }
  }

  #single(pool: Pool, rng: Rng): Wording | undefined {
    const tool = weightedPick(pool.tools, (name) => this.#settings.focus.functions?.[name] ?? 1, rng);
    return tool === undefined ? undefined : pool.single(tool, rng)?.draw(rng);
  }

  #plain(
    wording: Wording | undefined,
    rng: Rng,
  ): { readonly spoken: Spoken | undefined; readonly masks: readonly string[] } | undefined {
    if (wording === undefined) return undefined;
    const spoken = speak(wording, rng, 0.1);
    if (spoken === undefined) return undefined;
    const said = rng.chance(0.06) ? loose(spoken, rng) : spoken;
    return { spoken: inManner(said, rng), masks: [maskOf(wording.text, wording.slots)] };
  }

  #several(
    pool: Pool,
    rng: Rng,
  ): { readonly spoken: Spoken | undefined; readonly masks: readonly string[] } | undefined {
    const own = pool.ofKind('several');
    const way = rng.uniform();
    if (way < 0.2 && own.length > 0) return this.#plain(rng.pick(own).draw(rng), rng);
    if (way < 0.45) {
      const base = this.#single(pool, rng);
      const wording = base && sharedSlot(base, rng);
      const spoken = wording && speak(wording, rng);
      return base && spoken && { spoken: inManner(spoken, rng), masks: [maskOf(base.text, base.slots)] };
    }
    const number = rng.chance(0.82) ? 2 : 3;
    const parts = Array.from({ length: number }, () => this.#single(pool, rng)).flatMap((part) =>
      part?.kind === 'single' ? [part] : [],
    );
    if (parts.length < number) return undefined;
    const wording = joined(parts, rng);
    const spoken = wording && speak(wording, rng);
    return (
      spoken && { spoken: inManner(spoken, rng), masks: parts.map(({ text, slots }) => maskOf(text, slots)) }
    );
  }

  #hard(
    pool: Pool,
    rng: Rng,
  ): { readonly spoken: Spoken | undefined; readonly masks: readonly string[] } | undefined {
    const base = this.#single(pool, rng);
    if (base === undefined || base.kind !== 'single') return undefined;
    const masks = [maskOf(base.text, base.slots)];
    const way = rng.uniform();
    if (way < 0.22) {
      const spoken = speak(base, rng, 0.1);
      return { spoken: spoken && mistyped(inManner(spoken, rng), rng), masks };
    }
    if (way < 0.42) {
      const spoken = corrected(base, rng);
      return { spoken: spoken && inManner(spoken, rng), masks };
    }
    if (way < 0.78) {
      const spoken = speak(base, rng, 0.1);
      return { spoken: spoken && inManner(inContext(spoken, rng), rng), masks };
    }
    const wording = negated(base, rng);
    const spoken = wording && speak(wording, rng);
    return { spoken: spoken && inManner(spoken, rng), masks };
  }

  /** A request that no function answers, at times as hard to read as one that a function does. */
  #irrelevant(
    pool: Pool,
    rng: Rng,
  ): { readonly spoken: Spoken | undefined; readonly masks: readonly string[] } | undefined {
    const sources = pool.ofKind('irrelevant');
    const drawn = this.#plain(weightedPick(sources, balance(sources), rng)?.draw(rng), rng);
    if (drawn?.spoken === undefined || !rng.chance(ODD)) return drawn;
    const { spoken, masks } = drawn;
    const odd = rng.chance(0.7) ? inContext(spoken, rng) : mistyped(spoken, rng);
    return { spoken: { ...odd, wording: { ...odd.wording, kind: 'irrelevant' } }, masks };
  }

  #outside(
    pool: Pool,
    rng: Rng,
  ): { readonly spoken: Spoken | undefined; readonly masks: readonly string[] } | undefined {
    const base = this.#single(pool, rng);
    if (base === undefined || base.kind !== 'single') return undefined;
    const spoken = outside(base, rng, foreignValues(this.#known), this.#refusal);
    return { spoken: spoken && inManner(spoken, rng), masks: [maskOf(base.text, base.slots)] };
  }

  /** The finished case; undefined where its calls are outside their schemas or its request has another answer already. */
  #caseOf(spoken: Spoken, split: Split, index: number): Case | undefined {
    const calls = callsOf(spoken, (tool) => this.#orders.get(tool) ?? []);
    const request = requestOf(spoken);
    if (
      request === '' ||
      calls.some(({ name, arguments: args }) => this.#schemas.get(name)?.firstFault(args) !== undefined)
    )
      return undefined;
    if (new Set(calls.map((call) => JSON.stringify(call))).size < calls.length) return undefined;
    // White space and articles were put in order: what is copied from the request must still stand there.
    if (spoken.values.some(({ copies, said }) => copies && !request.includes(said))) return undefined;
    const { kind, reply, made, source } = spoken.wording;
    const answer = answerOf(calls, reply);
    const known = this.#answers.get(requestKey(request));
    if (known !== undefined && known !== answer) return undefined;
    this.#answers.set(requestKey(request), answer);
    return {
      id: `${split}-${index + 1}`,
      request,
      calls,
      reply: calls.length > 0 ? '' : reply,
      kind,
      wording: source,
      made,
    };
  }
}

const answerOf = (calls: readonly ToolCall[], reply: string): string =>
  calls.length > 0 ? JSON.stringify(calls) : reply === '' ? '' : 'words';

/** Weights that give each origin its share, however many sources it has. */
function balance(sources: readonly Source[]): (source: Source) => number {
  const sums = new Map<Origin, number>();
  for (const { origin, weight } of sources) sums.set(origin, (sums.get(origin) ?? 0) + weight);
  const share: Readonly<Record<Origin, number>> = {
    example: 0.25,
    phrases: 1,
    schema: 0.25,
    keywords: 0.25,
    topics: 1,
  };
  return ({ origin, weight }) => (share[origin] * weight) / (sums.get(origin) ?? 1);
}
