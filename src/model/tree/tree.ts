/**
 * The batch layout: a prompt tree a row. Prompts come first (P tokens each, padded on the right), then all
 * completions, in n rows of C tokens each. Positions of a completion go on from the end of its prompt.
 */
import { InternalError } from '../../base/errors.ts';
import { type Graph, write } from '../../tensor/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { concat, split } from '../../tensor/ops/index.ts';
import { layoutKeyValues, promptAttention, treeAttention } from './attention.ts';
import type { ModelConfig } from '../arch/config.ts';
import { type ForwardOptions, hiddenStates, type Mixing, type WeightSource } from '../arch/forward.ts';
import { NONE, tokensBefore } from './before.ts';
import { rowSpans } from './packing.ts';
import type { PromptTree, TreeLayout } from './layout.ts';
import { completionMask, promptMask, windowMasks } from './mask.ts';

export type { PromptTree, TreeLayout } from './layout.ts';

/** Tokens in a batch, padding included. */
export function tokenCount(layout: TreeLayout): number {
  return layout.prompts * (layout.promptTokens + layout.samples * layout.completionTokens);
}

/** Index in the batch of a prompt's token. */
export function promptIndex(layout: TreeLayout, prompt: number, token: number): number {
  return prompt * layout.promptTokens + token;
}

/** Index in the batch of a row's token. */
function completionIndex(layout: TreeLayout, prompt: number, row: number, token: number): number {
  const base = layout.prompts * layout.promptTokens;
  return base + (prompt * layout.samples + row) * layout.completionTokens + token;
}

/** Index of the token that predicts completion token `token`. */
export function predictorIndex(
  layout: TreeLayout,
  tree: PromptTree,
  prompt: number,
  sample: number,
  token: number,
): number {
  if (token === 0) return promptIndex(layout, prompt, tree.prompt.length - 1);
  const { row, offset } = rowSpans(layout, tree)[sample] ?? { row: sample, offset: 0 };
  return completionIndex(layout, prompt, row, offset + token - 1);
}

/** Lays trees out, see TreeGraph.write: N tokens, their positions, and the index of the one before each in its sequence, or NONE. */
function layoutTrees(layout: TreeLayout, trees: readonly PromptTree[]) {
  if (trees.length > layout.prompts)
    throw new InternalError(`layout: ${trees.length} prompts do not fit ${layout.prompts}`);
  const count = tokenCount(layout);
  const tokens = new Int32Array(count);
  const positions = new Int32Array(count);
  const parents = new Int32Array(count).fill(NONE);
  trees.forEach((tree, b) => {
    if (tree.prompt.length < 1 || tree.prompt.length > layout.promptTokens) {
      throw new InternalError(
        `layout: a prompt of ${tree.prompt.length} tokens does not fit ${layout.promptTokens}`,
      );
    }
    const first = promptIndex(layout, b, 0);
    tokens.set(tree.prompt, first);
    const last = first + tree.prompt.length - 1;
    for (let i = 0; i < tree.prompt.length; i++) {
      positions[first + i] = i;
      if (i > 0) parents[first + i] = first + i - 1;
    }
    const spans = rowSpans(layout, tree);
    tree.completions.forEach((completion, s) => {
      const { row, offset } = spans[s] ?? { row: s, offset: 0 };
      const start = completionIndex(layout, b, row, offset);
      tokens.set(completion, start);
      for (let i = 0; i < completion.length; i++) {
        positions[start + i] = tree.prompt.length + i;
        parents[start + i] = i === 0 ? last : start + i - 1;
      }
    });
  });
  return { tokens, positions, parents };
}

/** The graph over trees: its hidden states [hiddenSize, N] (or [hiddenSize, R]), and what fills its inputs with a batch. */
export interface TreeGraph {
  readonly hidden: Tensor;
  /** Lays trees out; a missing tree or completion is padding. Throws when a tree does not fit the layout. */
  write(trees: readonly PromptTree[]): void;
}

/** Adds the forward pass over prompt trees to a graph. */
export function treeForward(
  g: Graph,
  config: ModelConfig,
  weights: WeightSource,
  layout: TreeLayout,
  options: ForwardOptions = {},
): TreeGraph {
  const { prompts: B, promptTokens: P, samples: n, completionTokens: C } = layout;
  const count = tokenCount(layout);
  const tokens = g.input('i32', [count]);
  const positions = g.input('i32', [count]);
  const masks = windowMasks(P + C, () => ({
    prompt: g.input('f32', [P, P, 1, B]),
    completion: n > 0 ? g.input('f32', [P + C, C * n, 1, B]) : undefined,
  }));
  const block = { prompts: B, promptTokens: P, samples: n, queries: C, keys: C };
  const attend: Mixing['attend'] = (_, { q, k, v }, window) => {
    const mask = masks.of(window);
    if (mask.completion === undefined)
      return promptAttention(g, q, layoutKeyValues(g, k, v, config, P, B), mask.prompt, config, P, B);
    const [qPrompt, qOwn] = split(g, q, 2, B * P);
    const [kPrompt, kOwn] = split(g, k, 2, B * P);
    const [vPrompt, vOwn] = split(g, v, 2, B * P);
    const prompt = layoutKeyValues(g, kPrompt, vPrompt, config, P, B);
    const own = { k: kOwn, v: vOwn };
    const mixed = promptAttention(g, qPrompt, prompt, mask.prompt, config, P, B);
    return concat(g, mixed, treeAttention(g, qOwn, prompt, own, mask.completion, config, block), 1);
  };
  const before = tokensBefore(g, count);
  const mixing: Mixing = { attend, before: (_, x, back) => before.of(x, back) };
  const hidden = hiddenStates(g, config, weights, tokens, positions, mixing, options);
  const put = (tensor: Tensor, data: Int32Array | Float32Array): void => write(g.device, tensor, data);
  return {
    hidden,
    write(trees) {
      const arrays = layoutTrees(layout, trees);
      put(tokens, arrays.tokens);
      put(positions, arrays.positions);
      for (const [window, mask] of masks.entries()) {
        put(mask.prompt, promptMask(layout, trees, window));
        if (mask.completion !== undefined) put(mask.completion, completionMask(layout, trees, window));
      }
      before.write(arrays.parents, arrays.parents);
    },
  };
}
