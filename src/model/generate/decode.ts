/** One more token for every sample: one query a sample against its prompt in the cache and its own tokens so far. */
import { required } from '../../base/errors.ts';
import { Graph, write } from '../../tensor/graph.ts';
import { concat, getRows } from '../../tensor/ops/index.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { completionAttention } from '../tree/attention.ts';
import { hiddenStates, type Mixing } from '../arch/forward.ts';
import { WindowMasks } from '../tree/mask.ts';
import { type KeyValueCache, lookbackOf } from './cache.ts';
import { type GraphParts, NextTokens } from './next-token.ts';
import { nodesFor } from './prefill.ts';
import { extentOf, type PromptSpan } from './slots.ts';
import type { TreeLayout } from '../tree/layout.ts';
import { KeptGraph } from './kept-graph.ts';

/** Mask of rows over their prompts and their own tokens: 0 where a key may be seen, else -inf. */
class RowMask {
  readonly input: Tensor; // [P + C, n, 1, B]
  readonly values: Float32Array; // [P + C, n * B]
  readonly #layout: TreeLayout;

  constructor(g: Graph, layout: TreeLayout) {
    const { prompts: B, promptTokens: P, samples: n, completionTokens: C } = layout;
    this.input = g.input('f32', [P + C, n, 1, B]);
    this.values = new Float32Array((P + C) * n * B).fill(-Infinity);
    this.#layout = layout;
  }

  /** Sets that a row sees the last `window` tokens of its prompt and of the first `ownTokens` of its own. */
  see(row: number, span: PromptSpan, ownTokens: number, window: number): void {
    const { promptTokens: P, completionTokens: C } = this.#layout;
    const start = row * (P + C);
    const { length, shared, remainder } = span;
    // The first position that is seen.
    const first = Math.max(0, length + ownTokens - window);
    this.values
      .fill(-Infinity, start, start + P + C)
      .fill(0, start + Math.min(first, shared), start + shared)
      .fill(0, start + remainder + Math.max(0, first - shared), start + extentOf(span))
      .fill(0, start + P + Math.max(0, first - length), start + P + ownTokens);
  }

  /** Lets a row see one more of its own tokens. */
  seeStep(row: number, step: number): void {
    const { promptTokens: P, completionTokens: C } = this.#layout;
    this.values[row * (P + C) + P + step] = 0;
  }
}

export class DecodeGraph extends KeptGraph {
  readonly layout: TreeLayout;
  readonly next: NextTokens;
  // Inputs of a step; rows are samples, those of one prompt side by side.
  readonly tokens: Int32Array; // [n * B]
  readonly positions: Int32Array; // [n * B]
  /** Index of a row's token in its own part of the cache. */
  readonly steps: Int32Array; // [n * B]
  readonly #masks: WindowMasks<RowMask>;
  readonly #lasts: RowLasts | undefined;
  readonly #inputs: readonly (readonly [Tensor, Int32Array])[];

  constructor(parts: GraphParts, layout: TreeLayout, temperature: number) {
    const { device, config, weights, cache, memory } = parts;
    const { prompts: B, promptTokens: P, samples: n, completionTokens: C } = layout;
    const rows = n * B;
    const g = new Graph(device, nodesFor(config), memory);
    super(g);
    this.layout = layout;
    this.tokens = new Int32Array(rows);
    this.positions = new Int32Array(rows);
    this.steps = new Int32Array(rows);
    const tokens = g.input('i32', [rows]);
    const positions = g.input('i32', [rows]);
    const steps = g.input('i32', [1, 1, rows]);
    const masks = new WindowMasks(P + C, () => new RowMask(g, layout));
    const block = { prompts: B, promptTokens: P, samples: n, queries: 1, keys: C };
    const attend: Mixing['attend'] = (layer, { q, k, v }, window) => {
      const own = cache.append(g, layer, { k, v }, steps, rows, C);
      const mask = masks.of(window).input;
      return completionAttention(g, q, cache.prompts(g, layer, P, B), own, mask, config, block);
    };
    const lookback = lookbackOf(config);
    const lasts = lookback && new RowLasts(g, cache, lookback.count, rows, n);
    const before: Mixing['before'] = (layer, x) => required(lasts, 'a lookback').of(layer, x);
    const hidden = hiddenStates(g, config, weights, tokens, positions, { attend, before });
    this.next = new NextTokens(g, parts, hidden, temperature);
    g.allocate();
    this.#masks = masks;
    this.#lasts = lasts;
    this.#inputs = [
      [tokens, this.tokens],
      [positions, this.positions],
      [steps, this.steps],
    ];
  }

  /**
   * Sets what a row sees: its prompt, and the first of its own tokens, at least one. `isNext` tells that it saw all of
   * them but the last one before.
   */
  see(row: number, span: PromptSpan, ownTokens: number, isNext: boolean): void {
    for (const [window, mask] of this.#masks.entries()) {
      if (isNext && window === Infinity) mask.seeStep(row, ownTokens - 1);
      else mask.see(row, span, ownTokens, window);
    }
  }

  /** Runs one step; `next` then has a row for each sample. */
  async run(): Promise<void> {
    const { device } = this.graph;
    for (const [tensor, values] of this.#inputs) write(device, tensor, values);
    for (const [, { input, values }] of this.#masks.entries()) write(device, input, values);
    this.#lasts?.write(this.steps);
    await this.graph.compute();
    this.next.read();
  }
}

/** The tokens before each row's new one, of which as many are kept as a layer looks back. */
class RowLasts {
  readonly #graph: Graph;
  readonly #cache: KeyValueCache;
  readonly #rowsPerSlot: number;
  /** Columns of the tokens 1, 2, ... before each row's, among those of all rows and then of all slots: i32 [rows]. */
  readonly #columns: readonly Tensor[];
  /** Places of the tokens that are kept of each row: i32 [count * rows]. */
  readonly #places: Tensor;

  constructor(g: Graph, cache: KeyValueCache, count: number, rows: number, rowsPerSlot: number) {
    this.#graph = g;
    this.#cache = cache;
    this.#rowsPerSlot = rowsPerSlot;
    this.#columns = Array.from({ length: count }, () => g.input('i32', [rows]));
    this.#places = g.input('i32', [count * rows]);
  }

  of(layer: number, x: Tensor): Tensor[] {
    const g = this.#graph;
    const all = concat(g, this.#cache.last(g, layer, 'own'), this.#cache.last(g, layer, 'prompt'), 1);
    const before = this.#columns.map((columns) => getRows(g, all, columns));
    // The oldest first, and the new one last.
    const kept = before.slice(0, -1).toReversed().concat(x);
    this.#cache.setLast(
      g,
      layer,
      'own',
      kept.reduce((a, b) => concat(g, a, b, 1)),
      this.#places,
    );
    return before;
  }

  /** Fills the inputs for rows whose tokens are these of their own ones. */
  write(steps: Int32Array): void {
    const count = this.#columns.length;
    const slots = this.#cache.size.rows * count;
    const { device } = this.#graph;
    this.#columns.forEach((input, i) => {
      const at = count - 1 - i;
      const columns = steps.map((step, row) =>
        step === 0 ? slots + Math.floor(row / this.#rowsPerSlot) * count + at : row * count + at,
      );
      write(device, input, columns);
    });
    const rows = steps.length;
    write(
      device,
      this.#places,
      Int32Array.from({ length: count * rows }, (_, i) => (i % rows) * count + Math.floor(i / rows)),
    );
  }
}
