/** One more token for every sample: one query a sample against its prompt in the cache and its own tokens so far. */
import { required } from '../../base/errors.ts';
import { Graph, write } from '../../tensor/graph.ts';
import { concat, getRows } from '../../tensor/ops/index.ts';
import type { Shape, Tensor } from '../../tensor/tensor.ts';
import { completionAttention } from '../tree/attention.ts';
import { hiddenStates, type Mixing } from '../arch/forward.ts';
import { windowMasks } from '../tree/mask.ts';
import { type KeyValueCache, lookbackOf } from './cache.ts';
import { type GraphParts, type NextTokens, nextTokens } from './next-token.ts';
import { nodesFor } from './prefill.ts';
import { type Drawing, extentOf, type PromptSpan, wholeSpan } from './slots.ts';
import type { TreeLayout } from '../tree/layout.ts';

/** Mask of rows over their prompts and their own tokens: 0 where a key may be seen, else -inf. */
function rowMask(g: Graph, layout: TreeLayout) {
  const { prompts: B, promptTokens: P, samples: n, completionTokens: C } = layout;
  const values = new Float32Array((P + C) * n * B).fill(-Infinity);
  return {
    input: g.input('f32', [P + C, n, 1, B]),
    values,
    /** Sets that a row sees the last `window` tokens of its prompt and of the first `ownTokens` of its own. */
    see(row: number, span: PromptSpan, ownTokens: number, window: number): void {
      const start = row * (P + C);
      const { length, shared, remainder } = span;
      // The first position that is seen.
      const first = Math.max(0, length + ownTokens - window);
      values
        .fill(-Infinity, start, start + P + C)
        .fill(0, start + Math.min(first, shared), start + shared)
        .fill(0, start + remainder + Math.max(0, first - shared), start + extentOf(span))
        .fill(0, start + P + Math.max(0, first - length), start + P + ownTokens);
    },
    /** Lets a row see one more of its own tokens. */
    seeStep(row: number, step: number): void {
      values[row * (P + C) + P + step] = 0;
    },
  };
}

/** An input, and what it is filled with before a run. */
interface Filled<Values> {
  readonly input: Tensor;
  readonly values: Values;
}

export class DecodeGraph extends Graph {
  readonly next: NextTokens;
  // Inputs of a step; rows are samples, those of one prompt side by side.
  readonly #tokens: Filled<Int32Array>; // [n * B]
  readonly #positions: Filled<Int32Array>; // [n * B]
  /** Index of a row's token in its own part of the cache. */
  readonly #steps: Filled<Int32Array>; // [n * B]
  readonly #masks: ReturnType<typeof windowMasks<ReturnType<typeof rowMask>>>;
  readonly #lasts: ReturnType<typeof rowLasts> | undefined;

  constructor(parts: GraphParts, layout: TreeLayout, temperature: number) {
    const { device, config, weights, cache, memory } = parts;
    const { prompts: B, promptTokens: P, samples: n, completionTokens: C } = layout;
    const rows = n * B;
    super(device, nodesFor(config), memory);
    const ids = (shape: Shape) => ({ input: this.input('i32', shape), values: new Int32Array(rows) });
    const [tokens, positions, steps] = [ids([rows]), ids([rows]), ids([1, 1, rows])];
    const masks = windowMasks(P + C, () => rowMask(this, layout));
    const block = { prompts: B, promptTokens: P, samples: n, queries: 1, keys: C };
    const attend: Mixing['attend'] = (layer, { q, k, v }, window) => {
      const own = cache.append(this, layer, { k, v }, steps.input, rows, C);
      const mask = masks.of(window).input;
      return completionAttention(this, q, cache.prompts(this, layer, P, B), own, mask, config, block);
    };
    const lookback = lookbackOf(config);
    const lasts = lookback && rowLasts(this, cache, lookback.count, rows, n);
    const before: Mixing['before'] = (layer, x) => required(lasts, 'a lookback').of(layer, x);
    const mixing = { attend, before };
    const hidden = hiddenStates(this, config, weights, tokens.input, positions.input, mixing);
    this.next = nextTokens(this, parts, hidden, temperature);
    this.allocate();
    [this.#tokens, this.#positions, this.#steps] = [tokens, positions, steps];
    this.#masks = masks;
    this.#lasts = lasts;
  }

  /**
   * Sets the token that a row reads next, if it has any, and what it sees: its prompt, and its own tokens up to that one.
   * `isNext` tells that it saw all of them but the last one before.
   */
  feed(row: number, drawing: Drawing | undefined, isNext: boolean): void {
    const { span, step, next } = drawing ?? { span: wholeSpan(0), step: 0, next: 0 };
    this.#tokens.values[row] = next;
    this.#positions.values[row] = span.length + step;
    this.#steps.values[row] = step;
    for (const [window, mask] of this.#masks.entries()) {
      if (isNext && window === Infinity) mask.seeStep(row, step);
      else mask.see(row, span, step + 1, window);
    }
  }

  /** Runs one step; `next` then has a row for each sample. */
  async run(): Promise<void> {
    const masks = Array.from(this.#masks.entries(), ([, mask]) => mask);
    for (const { input, values } of [this.#tokens, this.#positions, this.#steps, ...masks])
      write(this.device, input, values);
    this.#lasts?.write(this.#steps.values);
    await this.compute();
    this.next.read();
  }
}

/** The tokens before each row's new one, of which as many are kept as a layer looks back. */
function rowLasts(g: Graph, cache: KeyValueCache, count: number, rows: number, rowsPerSlot: number) {
  /** Columns of the tokens 1, 2, ... before each row's, among those of all rows and then of all slots: i32 [rows]. */
  const columns = Array.from({ length: count }, () => g.input('i32', [rows]));
  /** Places of the tokens that are kept of each row: i32 [count * rows]. */
  const places = g.input('i32', [count * rows]);
  return {
    of(layer: number, x: Tensor): Tensor[] {
      const all = concat(g, cache.last(g, layer, 'own'), cache.last(g, layer, 'prompt'), 1);
      const before = columns.map((column) => getRows(g, all, column));
      // The oldest first, and the new one last.
      const kept = before.slice(0, -1).toReversed().concat(x);
      const joined = kept.reduce((a, b) => concat(g, a, b, 1));
      cache.setLast(g, layer, 'own', joined, places);
      return before;
    },
    /** Fills the inputs for rows whose tokens are these of their own ones. */
    write(steps: Int32Array): void {
      const slots = cache.size.rows * count;
      columns.forEach((input, i) => {
        const at = count - 1 - i;
        const values = steps.map((step, row) =>
          step === 0 ? slots + Math.floor(row / rowsPerSlot) * count + at : row * count + at,
        );
        write(g.device, input, values);
      });
      const kept = Int32Array.from(
        { length: count * rows },
        (_, i) => (i % rows) * count + Math.floor(i / rows),
      );
      write(g.device, places, kept);
    },
  };
}
