/** Prompts into the cache: the forward pass over them, and the choice of each one's first new token. */
import type { TokenIds } from '../../base/token-ids.ts';
import { required } from '../../base/errors.ts';
import { Graph, write } from '../../tensor/graph.ts';
import { concat, getRows, slice } from '../../tensor/ops/index.ts';
import { full } from '../../tensor/ops/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ModelConfig } from '../arch/config.ts';
import { hiddenStates, type Mixing } from '../arch/forward.ts';
import { completionAttention, layoutKeyValues, promptAttention } from '../tree/attention.ts';
import type { TreeLayout } from '../tree/layout.ts';
import { NONE, tokensBefore } from '../tree/before.ts';
import { completionMask, promptMask, windowMasks } from '../tree/mask.ts';
import { type KeyValueCache, lookbackOf, type SlotInputs } from './cache.ts';
import { type GraphParts, type NextTokens, nextTokens } from './next-token.ts';
import { type PromptSpan, wholeSpan } from './slots.ts';

/** Nodes that a generation graph has at most: some for each layer, and the head. */
export const nodesFor = (config: ModelConfig): number => 96 * config.layers + 128;

/**
 * `layout` is of whole prompts without samples; or of one prompt, the prefix that several share and that is in the
 * cache's spare slot, and of their remainders as its samples. Each prompt's slot then gets a copy of the prefix; or, into
 * `rows`, remainders are what those rows begin with, whose only prompt is the prefix;
 * or, into the `spare` slot itself, the one remainder is what the prefix goes on with.
 */
export class PrefillGraph extends Graph {
  readonly next: NextTokens;
  readonly #cache: KeyValueCache;
  readonly #layout: TreeLayout;
  readonly #tokens: Tensor; // i32 [count * length]
  readonly #positions: Tensor; // i32 [count * length]
  readonly #masks: ReturnType<typeof windowMasks<Tensor>>;
  readonly #looking: ReturnType<typeof lookingBack> | undefined;
  readonly #last: Tensor; // i32 [count], each prompt's last token
  readonly #slots: SlotInputs;

  constructor(
    parts: GraphParts,
    layout: TreeLayout,
    temperature: number,
    into: 'slots' | 'spare' | 'rows' = 'slots',
  ) {
    const { device, config, weights, cache, memory } = parts;
    const { prompts, promptTokens: P, samples: n, completionTokens: C } = layout;
    const isWhole = n === 0;
    const [count, length] = isWhole ? [prompts, P] : [n, C];
    super(device, nodesFor(config), memory);
    this.#cache = cache;
    this.#layout = layout;
    this.#tokens = this.input('i32', [count * length]);
    this.#positions = this.input('i32', [count * length]);
    const masks = windowMasks(P + C, () =>
      this.input('f32', isWhole ? [P, P, 1, prompts] : [P + C, C * n, 1, 1]),
    );
    this.#masks = masks;
    this.#last = this.input('i32', [count]);
    const slots = cache.slotInputs(this, count);
    this.#slots = slots;
    const block = { prompts: 1, promptTokens: P, samples: n, queries: C, keys: C };
    const attend: Mixing['attend'] = (layer, { q, k, v }, window) => {
      const mask = masks.of(window);
      const own = layoutKeyValues(this, k, v, config, length, count);
      if (into === 'rows') cache.write(this, layer, 'own', own, length, slots);
      else {
        if (!isWhole && into === 'slots') cache.copyShared(this, layer, P, n, slots);
        cache.write(this, layer, 'prompt', own, length, slots, isWhole ? 0 : P);
      }
      return isWhole
        ? promptAttention(this, q, own, mask, config, P, prompts)
        : completionAttention(this, q, cache.shared(this, layer, P), own, mask, config, block);
    };
    const lookback = lookbackOf(config);
    const looking =
      lookback && lookingBack(this, cache, { count: lookback.count, prompts: count, length, isWhole });
    this.#looking = looking;
    const before: Mixing['before'] = (layer, x) => required(looking, 'a lookback').of(layer, x);
    const mixing = { attend, before };
    const options = { rows: this.#last };
    const hidden = hiddenStates(this, config, weights, this.#tokens, this.#positions, mixing, options);
    this.next = nextTokens(this, parts, hidden, temperature);
    this.allocate();
  }

  /**
   * Puts each prompt, whose first `shared` tokens are in the spare slot, into its slot; `next` then has a row for
   * each. Returns where they lie.
   */
  async run(prompts: readonly TokenIds[], slots: readonly number[], shared = 0): Promise<PromptSpan[]> {
    const { promptTokens: P, samples: n, completionTokens: C } = this.#layout;
    const [count, length] = n === 0 ? [this.#layout.prompts, P] : [n, C];
    const remainders = prompts.map((prompt) => prompt.subarray(shared) as TokenIds);
    const tokens = new Int32Array(count * length);
    const positions = new Int32Array(count * length);
    remainders.forEach((remainder, i) => {
      tokens.set(remainder, i * length);
      for (let t = 0; t < remainder.length; t++) positions[i * length + t] = shared + t;
    });
    const prefix = (prompts[0]?.subarray(0, shared) ?? new Int32Array()) as TokenIds;
    const wholes = prompts.map((prompt) => ({ prompt, completions: [] }));
    const mask = (window: number): Float32Array =>
      n === 0
        ? promptMask(this.#layout, wholes, window)
        : completionMask(this.#layout, [{ prompt: prefix, completions: remainders }], window);
    const { device } = this;
    write(device, this.#tokens, tokens);
    write(device, this.#positions, positions);
    for (const [window, input] of this.#masks.entries()) write(device, input, mask(window));
    this.#looking?.write(
      remainders.map((own) => own.length),
      slots,
    );
    write(
      device,
      this.#last,
      Int32Array.from({ length: count }, (_, i) => i * length + (remainders[i]?.length ?? 1) - 1),
    );
    const { keyRows, valueRows } = this.#cache.slotRows(slots);
    write(device, this.#slots.keyRows, keyRows);
    write(device, this.#slots.valueRows, valueRows);
    await this.compute();
    this.next.read();
    return prompts.map((prompt) =>
      n === 0 ? wholeSpan(prompt.length) : { length: prompt.length, shared, remainder: P },
    );
  }
}

/**
 * The `count` tokens before each token of prompts on their way into the cache, and what is kept of the last ones. A prompt
 * has `length` tokens, padding included, and begins here (`isWhole`), or after the prefix in the cache's spare slot.
 */
function lookingBack(
  g: Graph,
  cache: KeyValueCache,
  { count, prompts, length, isWhole }: { count: number; prompts: number; length: number; isWhole: boolean },
) {
  const tokens = prompts * length;
  /** Columns of the tokens at hand, after which the last ones of the prefix stand. */
  const columns = tokens + (isWhole ? 0 : count);
  const before = tokensBefore(g, tokens, columns);
  /** Columns of the last tokens of each prompt, and where they go: i32 [count * prompts]. */
  const lasts = g.input('i32', [count * prompts]);
  const places = g.input('i32', [count * prompts]);
  return {
    of(layer: number, x: Tensor): Tensor[] {
      const prefix = slice(g, cache.last(g, layer, 'prompt'), 1, count * cache.spare, count);
      const all = isWhole ? x : concat(g, x, prefix, 1);
      const table = concat(g, all, full(g, [x.shape[0] ?? 1, 1], 0), 1);
      cache.setLast(g, layer, 'prompt', getRows(g, table, lasts), places);
      return before.of(all, count);
    },
    /** Fills the inputs for prompts of so many tokens, which go into `slots`. */
    write(lengths: readonly number[], slots: readonly number[]): void {
      const parents = new Int32Array(columns).fill(NONE);
      for (let column = 0; column < columns; column++) {
        const isFirst = column < tokens && column % length === 0;
        // Tokens before the prefix's last ones are never asked for.
        if (isFirst) parents[column] = isWhole ? NONE : columns - 1;
        else if (column !== tokens) parents[column] = column - 1;
      }
      before.write(parents.subarray(0, tokens), parents);
      const from = new Int32Array(count * prompts);
      const to = new Int32Array(count * prompts);
      lengths.forEach((own, prompt) => {
        let column = prompt * length + own - 1;
        for (let at = count - 1; at >= 0; at--) {
          from[prompt * count + at] = column === NONE ? columns : column;
          to[prompt * count + at] = (slots[prompt] ?? 0) * count + at;
          column = column === NONE ? NONE : (parents[column] ?? NONE);
        }
      });
      write(g.device, lasts, from);
      write(g.device, places, to);
    },
  };
}

/** Rearranges a cache: see KeyValueCache.move. */
export class MoveGraph extends Graph {
  readonly #prompts: Tensor;
  readonly #rows: Tensor;

  constructor({ device, config, cache, memory }: GraphParts, prompts: number, rows: number) {
    super(device, nodesFor(config), memory);
    this.#prompts = this.input('i32', [prompts]);
    this.#rows = this.input('i32', [rows]);
    cache.move(this, this.#prompts, this.#rows);
    this.allocate();
  }

  async run(prompts: readonly number[], rows: readonly number[]): Promise<void> {
    write(this.device, this.#prompts, Int32Array.from(prompts));
    write(this.device, this.#rows, Int32Array.from(rows));
    await this.compute();
  }
}
