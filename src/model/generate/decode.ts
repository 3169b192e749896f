/** One more token for every sample: one query a sample against its prompt in the cache and its own tokens so far. */
import { Graph, write } from '../../tensor/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { completionAttention } from '../tree/attention.ts';
import { hiddenStates } from '../arch/forward.ts';
import { type GraphParts, NextTokens } from './next-token.ts';
import { nodesFor } from './prefill.ts';
import { extentOf, type PromptSpan } from './slots.ts';
import type { TreeLayout } from '../tree/tree.ts';
import { KeptGraph } from './kept-graph.ts';

export class DecodeGraph extends KeptGraph {
  readonly layout: TreeLayout;
  readonly next: NextTokens;
  // Inputs of a step; rows are samples, those of one prompt side by side.
  readonly tokens: Int32Array; // [n * B]
  readonly positions: Int32Array; // [n * B]
  /** Index of a row's token in its own part of the cache. */
  readonly steps: Int32Array; // [n * B]
  readonly #mask: Float32Array; // [P + C, n * B]
  readonly #inputs: readonly (readonly [Tensor, Int32Array | Float32Array])[];

  constructor(parts: GraphParts, layout: TreeLayout, temperature: number) {
    const { device, config, weights, cache, memory } = parts;
    const { prompts: B, promptTokens: P, samples: n, completionTokens: C } = layout;
    const rows = n * B;
    const g = new Graph(device, nodesFor(config), memory);
    super(g);
    this.layout = layout;
    const tokens = g.input('i32', [rows]);
    const positions = g.input('i32', [rows]);
    const steps = g.input('i32', [1, 1, rows]);
    const mask = g.input('f32', [P + C, n, 1, B]);
    const block = { prompts: B, promptTokens: P, samples: n, queries: 1, keys: C };
    const hidden = hiddenStates(g, config, weights, tokens, positions, (layer, { q, k, v }) => {
      const own = cache.append(g, layer, { k, v }, steps, rows, C);
      return completionAttention(g, q, cache.prompts(g, layer, P, B), own, mask, config, block);
    });
    this.next = new NextTokens(g, parts, hidden, temperature);
    g.allocate();
    this.tokens = new Int32Array(rows);
    this.positions = new Int32Array(rows);
    this.steps = new Int32Array(rows);
    this.#mask = new Float32Array((P + C) * rows).fill(-Infinity);
    this.#inputs = [
      [tokens, this.tokens],
      [positions, this.positions],
      [steps, this.steps],
      [mask, this.#mask],
    ];
  }

  /** Sets what a row sees: its prompt, and the first of its own tokens, at least one. */
  see(row: number, span: PromptSpan, ownTokens: number): void {
    const { promptTokens: P, completionTokens: C } = this.layout;
    const start = row * (P + C);
    const end = start + extentOf(span);
    this.#mask
      .fill(0, start, start + span.shared)
      .fill(-Infinity, start + span.shared, start + span.remainder)
      .fill(0, start + span.remainder, end)
      .fill(-Infinity, end, start + P)
      .fill(0, start + P, start + P + ownTokens)
      .fill(-Infinity, start + P + ownTokens, start + P + C);
  }

  /** Lets a row see one more of its own tokens. */
  seeStep(row: number, step: number): void {
    const { promptTokens: P, completionTokens: C } = this.layout;
    this.#mask[row * (P + C) + P + step] = 0;
  }

  /** Runs one step; `next` then has a row for each sample. */
  async run(): Promise<void> {
    for (const [tensor, values] of this.#inputs) write(this.graph.device, tensor, values);
    await this.graph.compute();
    this.next.read();
  }
}
