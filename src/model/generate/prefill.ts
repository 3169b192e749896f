/** Prompts into the cache: the forward pass over whole prompts, and the choice of each one's first new token. */
import type { TokenIds } from '../../base/token-ids.ts';
import { Graph, write } from '../../tensor/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { layoutKeyValues, promptAttention } from '../tree/attention.ts';
import type { KeyValueCache, SlotInputs } from './cache.ts';
import type { ModelConfig } from '../arch/config.ts';
import { type Attend, hiddenStates, type WeightSource } from '../arch/forward.ts';
import { type WorkerMemory, NextTokens } from './next-token.ts';
import type { Device } from '../../ggml/device.ts';
import { layoutTrees, promptIndex, type TreeLayout } from '../tree/tree.ts';
import { KeptGraph } from './kept-graph.ts';

/** Nodes that a generation graph has at most: some for each layer, and the head. */
export const nodesFor = (config: ModelConfig): number => 96 * config.layers + 128;

export class PrefillGraph extends KeptGraph {
  readonly next: NextTokens;
  readonly #device: Device;
  readonly #cache: KeyValueCache;
  readonly #layout: TreeLayout;
  readonly #tokens: Tensor; // i32 [B * P]
  readonly #positions: Tensor; // i32 [B * P]
  readonly #mask: Tensor; // [P, P, 1, B]
  readonly #last: Tensor; // i32 [B], each prompt's last token
  readonly #slots: SlotInputs;

  constructor(
    device: Device,
    config: ModelConfig,
    weights: WeightSource,
    cache: KeyValueCache,
    prompts: number,
    promptTokens: number,
    temperature: number,
    { memory, rows: host }: WorkerMemory,
  ) {
    const [B, P] = [prompts, promptTokens];
    const g = new Graph(device, nodesFor(config), memory);
    super(g);
    this.#device = device;
    this.#cache = cache;
    this.#layout = { prompts, promptTokens, samples: 0, completionTokens: 0 };
    this.#tokens = g.input('i32', [B * P]);
    this.#positions = g.input('i32', [B * P]);
    this.#mask = g.input('f32', [P, P, 1, B]);
    this.#last = g.input('i32', [B]);
    this.#slots = cache.slotInputs(g, B);
    const attend: Attend = (layer, { q, k, v }) => {
      const own = layoutKeyValues(g, k, v, config, P, B);
      cache.writePrompts(g, layer, own, P, this.#slots);
      return promptAttention(g, q, own, this.#mask, config, P, B);
    };
    const hidden = hiddenStates(g, config, weights, this.#tokens, this.#positions, attend, {
      rows: this.#last,
    });
    this.next = new NextTokens(g, config, weights, hidden, temperature, host);
    g.allocate();
  }

  /** Puts each prompt into its slot; `next` then has a row for each. */
  async run(prompts: readonly TokenIds[], slots: readonly number[]): Promise<void> {
    const trees = prompts.map((prompt) => ({ prompt, completions: [] }));
    const { tokens, positions, promptMask } = layoutTrees(this.#layout, trees);
    const { keyRows, valueRows } = this.#cache.slotRows(slots);
    const last = prompts.map(({ length }, b) => promptIndex(this.#layout, b, length - 1));
    const inputs = [
      [this.#tokens, tokens],
      [this.#positions, positions],
      [this.#mask, promptMask],
      [this.#last, Int32Array.from(last)],
      [this.#slots.keyRows, keyRows],
      [this.#slots.valueRows, valueRows],
    ] as const;
    for (const [tensor, values] of inputs) write(this.#device, tensor, values);
    await this.graph.compute();
    this.next.read();
  }
}

/** Rearranges a cache: see KeyValueCache.move. */
export class MoveGraph extends KeptGraph {
  readonly #device: Device;
  readonly #prompts: Tensor;
  readonly #rows: Tensor;

  constructor(device: Device, config: ModelConfig, cache: KeyValueCache, prompts: number, rows: number) {
    super(new Graph(device, nodesFor(config)));
    this.#device = device;
    this.#prompts = this.graph.input('i32', [prompts]);
    this.#rows = this.graph.input('i32', [rows]);
    cache.move(this.graph, this.#prompts, this.#rows);
    this.graph.allocate();
  }

  async run(prompts: readonly number[], rows: readonly number[]): Promise<void> {
    write(this.#device, this.#prompts, Int32Array.from(prompts));
    write(this.#device, this.#rows, Int32Array.from(rows));
    await this.graph.compute();
  }
}
