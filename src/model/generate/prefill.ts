/** Prompts into the cache: the forward pass over them, and the choice of each one's first new token. */
import type { TokenIds } from '../../base/token-ids.ts';
import { Graph, write } from '../../tensor/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ModelConfig } from '../arch/config.ts';
import { type Attend, hiddenStates } from '../arch/forward.ts';
import { completionAttention, layoutKeyValues, promptAttention } from '../tree/attention.ts';
import type { TreeLayout } from '../tree/layout.ts';
import { completionMask, promptMask } from '../tree/mask.ts';
import type { KeyValueCache, SlotInputs } from './cache.ts';
import { KeptGraph } from './kept-graph.ts';
import { type GraphParts, type ModelParts, NextTokens } from './next-token.ts';
import { type PromptSpan, wholeSpan } from './slots.ts';

/** Nodes that a generation graph has at most: some for each layer, and the head. */
export const nodesFor = (config: ModelConfig): number => 96 * config.layers + 128;

/**
 * `layout` is of whole prompts without samples; or of one prompt, the prefix that several share and that is in the
 * cache's spare slot, and of their remainders as its samples. Each prompt's slot then gets a copy of the prefix.
 */
export class PrefillGraph extends KeptGraph {
  readonly next: NextTokens;
  readonly #cache: KeyValueCache;
  readonly #layout: TreeLayout;
  readonly #tokens: Tensor; // i32 [count * length]
  readonly #positions: Tensor; // i32 [count * length]
  readonly #mask: Tensor;
  readonly #last: Tensor; // i32 [count], each prompt's last token
  readonly #slots: SlotInputs;

  constructor(parts: GraphParts, layout: TreeLayout, temperature: number) {
    const { device, config, weights, cache, memory } = parts;
    const { prompts, promptTokens: P, samples: n, completionTokens: C } = layout;
    const isWhole = n === 0;
    const [count, length] = isWhole ? [prompts, P] : [n, C];
    const g = new Graph(device, nodesFor(config), memory);
    super(g);
    this.#cache = cache;
    this.#layout = layout;
    const tokens = g.input('i32', [count * length]);
    const positions = g.input('i32', [count * length]);
    const mask = g.input('f32', isWhole ? [P, P, 1, prompts] : [P + C, C * n, 1, 1]);
    const last = g.input('i32', [count]);
    const slots = cache.slotInputs(g, count);
    this.#tokens = tokens;
    this.#positions = positions;
    this.#mask = mask;
    this.#last = last;
    this.#slots = slots;
    const block = { prompts: 1, promptTokens: P, samples: n, queries: C, keys: C };
    const attend: Attend = (layer, { q, k, v }) => {
      const own = layoutKeyValues(g, k, v, config, length, count);
      if (!isWhole) cache.copyShared(g, layer, P, n, slots);
      cache.writePrompts(g, layer, own, length, slots, isWhole ? 0 : P);
      return isWhole
        ? promptAttention(g, q, own, mask, config, P, prompts)
        : completionAttention(g, q, cache.shared(g, layer, P), own, mask, config, block);
    };
    const hidden = hiddenStates(g, config, weights, tokens, positions, attend, { rows: last });
    this.next = new NextTokens(g, parts, hidden, temperature);
    g.allocate();
  }

  /**
   * Puts each prompt, whose first `shared` tokens are in the spare slot, into its slot; `next` then has a row for
   * each. Returns where they lie.
   */
  async run(prompts: readonly TokenIds[], slots: readonly number[], shared = 0): Promise<PromptSpan[]> {
    const { promptTokens: P, samples: n, completionTokens: C } = this.#layout;
    const length = n === 0 ? P : C;
    const remainders = prompts.map((prompt) => prompt.subarray(shared) as TokenIds);
    const tokens = new Int32Array(prompts.length * length);
    const positions = new Int32Array(prompts.length * length);
    remainders.forEach((remainder, i) => {
      tokens.set(remainder, i * length);
      for (let t = 0; t < remainder.length; t++) positions[i * length + t] = shared + t;
    });
    const prefix = (prompts[0]?.subarray(0, shared) ?? new Int32Array()) as TokenIds;
    const mask =
      n === 0
        ? promptMask(
            this.#layout,
            prompts.map((prompt) => ({ prompt, completions: [] })),
          )
        : completionMask(this.#layout, [{ prompt: prefix, completions: remainders }]);
    const { device } = this.graph;
    const { keyRows, valueRows } = this.#cache.slotRows(slots);
    write(device, this.#tokens, tokens);
    write(device, this.#positions, positions);
    write(device, this.#mask, mask);
    write(
      device,
      this.#last,
      Int32Array.from(remainders, (own, i) => i * length + own.length - 1),
    );
    write(device, this.#slots.keyRows, keyRows);
    write(device, this.#slots.valueRows, valueRows);
    await this.graph.compute();
    this.next.read();
    return prompts.map((prompt) =>
      n === 0 ? wholeSpan(prompt.length) : { length: prompt.length, shared, remainder: P },
    );
  }
}

/** Rearranges a cache: see KeyValueCache.move. */
export class MoveGraph extends KeptGraph {
  readonly #prompts: Tensor;
  readonly #rows: Tensor;

  constructor({ device, config }: ModelParts, cache: KeyValueCache, prompts: number, rows: number) {
    super(new Graph(device, nodesFor(config)));
    this.#prompts = this.graph.input('i32', [prompts]);
    this.#rows = this.graph.input('i32', [rows]);
    cache.move(this.graph, this.#prompts, this.#rows);
    this.graph.allocate();
  }

  async run(prompts: readonly number[], rows: readonly number[]): Promise<void> {
    write(this.graph.device, this.#prompts, Int32Array.from(prompts));
    write(this.graph.device, this.#rows, Int32Array.from(rows));
    await this.graph.compute();
  }
}
