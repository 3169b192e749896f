/**
 * The remainder of prompts whose shared prefix is in the cache already, in its spare slot: it goes through the model alone, and
 * each prompt's slot gets a copy of the prefix.
 */
import type { TokenIds } from '../../base/token-ids.ts';
import type { Device } from '../../ggml/device.ts';
import { Graph, write } from '../../tensor/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { completionAttention, layoutKeyValues } from '../tree/attention.ts';
import type { KeyValueCache, SlotInputs } from './cache.ts';
import type { ModelConfig } from '../arch/config.ts';
import { type Attend, hiddenStates, type WeightSource } from '../arch/forward.ts';
import { type WorkerMemory, NextTokens } from './next-token.ts';
import { nodesFor } from './prefill.ts';
import type { PromptSpan } from './slots.ts';
import type { TreeLayout } from '../tree/layout.ts';
import { completionMask } from '../tree/mask.ts';
import { KeptGraph } from './kept-graph.ts';

/** `promptTokens` P of the shared prefix, and `completionTokens` C of the remainder of each of `samples` prompts. */
export type RemainderLayout = Omit<TreeLayout, 'prompts'>;

export class RemainderGraph extends KeptGraph {
  readonly next: NextTokens;
  readonly #device: Device;
  readonly #cache: KeyValueCache;
  readonly #layout: TreeLayout;
  readonly #tokens: Tensor; // i32 [n * C]
  readonly #positions: Tensor; // i32 [n * C]
  readonly #mask: Tensor; // [P + C, C * n, 1, 1]
  readonly #last: Tensor; // i32 [n], each prompt's last token
  readonly #slots: SlotInputs;

  constructor(
    device: Device,
    config: ModelConfig,
    weights: WeightSource,
    cache: KeyValueCache,
    layout: RemainderLayout,
    temperature: number,
    { memory, rows: host }: WorkerMemory,
  ) {
    const { promptTokens: P, samples: n, completionTokens: C } = layout;
    const g = new Graph(device, nodesFor(config), memory);
    super(g);
    this.#device = device;
    this.#cache = cache;
    this.#layout = { prompts: 1, ...layout };
    this.#tokens = g.input('i32', [n * C]);
    this.#positions = g.input('i32', [n * C]);
    this.#mask = g.input('f32', [P + C, C * n, 1, 1]);
    this.#last = g.input('i32', [n]);
    this.#slots = cache.slotInputs(g, n);
    const block = { prompts: 1, promptTokens: P, samples: n, queries: C, keys: C };
    const attend: Attend = (layer, { q, k, v }) => {
      const own = layoutKeyValues(g, k, v, config, C, n);
      cache.copyShared(g, layer, P, n, this.#slots);
      cache.writePrompts(g, layer, own, C, this.#slots, P);
      return completionAttention(g, q, cache.shared(g, layer, P), own, this.#mask, config, block);
    };
    const hidden = hiddenStates(g, config, weights, this.#tokens, this.#positions, attend, {
      rows: this.#last,
    });
    this.next = new NextTokens(g, config, weights, hidden, temperature, host);
    g.allocate();
  }

  /**
   * Puts each prompt, which begins with the `shared` tokens that are in the spare slot, into its slot; `next` then has
   * a row for each. Returns where they lie.
   */
  async run(prompts: readonly TokenIds[], shared: number, slots: readonly number[]): Promise<PromptSpan[]> {
    const { promptTokens: P, samples: n, completionTokens: C } = this.#layout;
    const tokens = new Int32Array(n * C);
    const positions = new Int32Array(n * C);
    prompts.forEach((prompt, i) => {
      tokens.set(prompt.subarray(shared), i * C);
      for (let t = shared; t < prompt.length; t++) positions[i * C + t - shared] = t;
    });
    const remainders = prompts.map((prompt) => prompt.subarray(shared) as TokenIds);
    const prefix = prompts[0]?.subarray(0, shared) as TokenIds;
    const { keyRows, valueRows } = this.#cache.slotRows(slots);
    const inputs = [
      [this.#tokens, tokens],
      [this.#positions, positions],
      [this.#mask, completionMask(this.#layout, [{ prompt: prefix, completions: remainders }])],
      [this.#last, Int32Array.from(remainders, ({ length }, i) => i * C + length - 1)],
      [this.#slots.keyRows, keyRows],
      [this.#slots.valueRows, valueRows],
    ] as const;
    for (const [tensor, values] of inputs) write(this.#device, tensor, values);
    await this.graph.compute();
    this.next.read();
    return prompts.map(({ length }) => ({ length, shared, remainder: P }));
  }
}
