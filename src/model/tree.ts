/**
 * The batch layout: a prompt tree a row. Prompts come first (P tokens each, padded on the right), then all
 * completions (C tokens each). Positions of a completion go on from the end of its prompt.
 */
import { InternalError } from '../base/errors.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { Graph } from '../tensor/graph.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  completionAttention,
  joinTokens,
  layoutKeyValues,
  promptAttention,
  splitTokens,
} from './attention.ts';
import type { Qwen3Config } from './config.ts';
import { hiddenStates, type WeightSource } from './forward.ts';

/** One prompt with its completions. */
export interface PromptTree {
  readonly prompt: TokenIds;
  readonly completions: readonly TokenIds[];
}

export interface TreeLayout {
  /** Prompts in the batch. */
  readonly prompts: number;
  /** Tokens a prompt, padding included. */
  readonly promptTokens: number;
  /** Completions a prompt; 0 for prompts alone. */
  readonly samples: number;
  /** Tokens a completion, padding included. */
  readonly completionTokens: number;
}

/** Tokens in a batch, padding included. */
export function tokenCount(layout: TreeLayout): number {
  return layout.prompts * (layout.promptTokens + layout.samples * layout.completionTokens);
}

/** Index in the batch of a prompt's token. */
export function promptIndex(layout: TreeLayout, prompt: number, token: number): number {
  return prompt * layout.promptTokens + token;
}

/** Index in the batch of a completion's token. */
export function completionIndex(layout: TreeLayout, prompt: number, sample: number, token: number): number {
  const base = layout.prompts * layout.promptTokens;
  return base + (prompt * layout.samples + sample) * layout.completionTokens + token;
}

/** Index of the token that predicts completion token `token`. */
export function predictorIndex(
  layout: TreeLayout,
  tree: PromptTree,
  prompt: number,
  sample: number,
  token: number,
): number {
  return token > 0
    ? completionIndex(layout, prompt, sample, token - 1)
    : promptIndex(layout, prompt, tree.prompt.length - 1);
}

/** What a graph over trees is fed with. */
export interface TreeArrays {
  readonly tokens: Int32Array; // [N]
  readonly positions: Int32Array; // [N]
  readonly promptMask: Float32Array; // [P, P, 1, B]
  readonly completionMask: Float32Array; // [P + C, C * n, 1, B]
}

function promptMask(layout: TreeLayout, trees: readonly PromptTree[]): Float32Array {
  const P = layout.promptTokens;
  const mask = new Float32Array(P * P * layout.prompts).fill(-Infinity);
  for (let b = 0; b < layout.prompts; b++) {
    const length = trees[b]?.prompt.length ?? 0;
    for (let i = 0; i < P; i++) {
      const row = (b * P + i) * P;
      // A padded query sees itself only: a row without any key would be not-a-number.
      if (i < length) mask.fill(0, row, row + i + 1);
      else mask[row + i] = 0;
    }
  }
  return mask;
}

function completionMask(layout: TreeLayout, trees: readonly PromptTree[]): Float32Array {
  const { prompts, promptTokens: P, samples, completionTokens: C } = layout;
  const width = P + C;
  const mask = new Float32Array(width * C * samples * prompts).fill(-Infinity);
  for (let b = 0; b < prompts; b++) {
    const length = trees[b]?.prompt.length ?? 0;
    for (let s = 0; s < samples; s++) {
      for (let i = 0; i < C; i++) {
        const row = ((b * samples + s) * C + i) * width;
        mask.fill(0, row, row + length);
        mask.fill(0, row + P, row + P + i + 1);
      }
    }
  }
  return mask;
}

/** Lays trees out; a missing tree or completion is padding. Throws when a tree does not fit the layout. */
export function layoutTrees(layout: TreeLayout, trees: readonly PromptTree[]): TreeArrays {
  if (trees.length > layout.prompts)
    throw new InternalError(`layout: ${trees.length} prompts do not fit ${layout.prompts}`);
  const count = tokenCount(layout);
  const tokens = new Int32Array(count);
  const positions = new Int32Array(count);
  trees.forEach((tree, b) => {
    const longest = Math.max(0, ...tree.completions.map((c) => c.length));
    if (
      tree.prompt.length < 1 ||
      tree.prompt.length > layout.promptTokens ||
      tree.completions.length > layout.samples ||
      longest > layout.completionTokens
    ) {
      throw new InternalError(
        `layout: a prompt of ${tree.prompt.length} tokens with ${tree.completions.length} completions of up to ${longest} does not fit`,
      );
    }
    tokens.set(tree.prompt, promptIndex(layout, b, 0));
    for (let i = 0; i < tree.prompt.length; i++) positions[promptIndex(layout, b, i)] = i;
    tree.completions.forEach((completion, s) => {
      const start = completionIndex(layout, b, s, 0);
      tokens.set(completion, start);
      for (let i = 0; i < completion.length; i++) positions[start + i] = tree.prompt.length + i;
    });
  });
  return {
    tokens,
    positions,
    promptMask: promptMask(layout, trees),
    completionMask: layout.samples > 0 ? completionMask(layout, trees) : new Float32Array(0),
  };
}

/** The inputs of a graph over trees and the hidden states [hiddenSize, N] that it computes from them. */
export interface TreeGraph {
  readonly tokens: Tensor;
  readonly positions: Tensor;
  readonly promptMask: Tensor;
  readonly completionMask: Tensor | undefined;
  readonly hidden: Tensor;
}

/** Adds Qwen3's forward pass over prompt trees to a graph. */
export function treeForward(
  g: Graph,
  config: Qwen3Config,
  weights: WeightSource,
  layout: TreeLayout,
): TreeGraph {
  const { prompts: B, promptTokens: P, samples: n, completionTokens: C } = layout;
  const tokens = g.input('i32', [tokenCount(layout)]);
  const positions = g.input('i32', [tokenCount(layout)]);
  const promptMaskInput = g.input('f32', [P, P, 1, B]);
  const completionMaskInput = n > 0 ? g.input('f32', [P + C, C * n, 1, B]) : undefined;
  const block = { prompts: B, promptTokens: P, samples: n, queries: C, keys: C };
  const hidden = hiddenStates(g, config, weights, tokens, positions, (_, { q, k, v }) => {
    if (completionMaskInput === undefined) {
      return promptAttention(g, q, layoutKeyValues(g, k, v, config, P, B), promptMaskInput, config, P, B);
    }
    const [qPrompt, qOwn] = splitTokens(g, q, B * P);
    const [kPrompt, kOwn] = splitTokens(g, k, B * P);
    const [vPrompt, vOwn] = splitTokens(g, v, B * P);
    const prompt = layoutKeyValues(g, kPrompt, vPrompt, config, P, B);
    const own = layoutKeyValues(g, kOwn, vOwn, config, C, n * B);
    return joinTokens(
      g,
      promptAttention(g, qPrompt, prompt, promptMaskInput, config, P, B),
      completionAttention(g, qOwn, prompt, own, completionMaskInput, config, block),
    );
  });
  return { tokens, positions, promptMask: promptMaskInput, completionMask: completionMaskInput, hidden };
}
