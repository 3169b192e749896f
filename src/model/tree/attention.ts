/**
 * Attention over prompt trees. A batch is B prompts of P tokens, each with n completions of C tokens. A prompt
 * attends to itself; a completion attends to its prompt and to itself, never to its siblings. The two blocks of
 * scores are computed apart, so no score between siblings is ever formed, and meet in one softmax.
 *
 * Grouped-query attention costs nothing here: the heads that share a key are folded into the query tokens.
 */
import type { Graph } from '../../tensor/graph.ts';
import { add, concat, mulMat, permute, reshape, softmax, split } from '../../tensor/ops/index.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { HeadShape } from '../arch/family.ts';

/** Keys and values of one block of tokens, laid out for the two matrix products. */
export interface KeyValues {
  readonly keys: Tensor; // [headDim, T, kvHeads, blocks]
  readonly values: Tensor; // [T, headDim, kvHeads, blocks]
}

/** Lays out keys and values given as [headDim, kvHeads, T * blocks]. */
export function layoutKeyValues(
  g: Graph,
  k: Tensor,
  v: Tensor,
  shape: HeadShape,
  tokens: number,
  blocks: number,
): KeyValues {
  const dims = [shape.headDim, shape.kvHeads, tokens, blocks];
  return {
    keys: permute(g, reshape(g, k, dims), [0, 2, 1, 3]),
    values: permute(g, reshape(g, v, dims), [1, 2, 0, 3]),
  };
}

/** Queries given as [headDim, heads, T * blocks], with the heads of one key folded into the tokens. */
function layoutQueries(g: Graph, q: Tensor, shape: HeadShape, tokens: number, blocks: number): Tensor {
  const { headDim, heads, kvHeads } = shape;
  const apart = permute(g, reshape(g, q, [headDim, heads, tokens, blocks]), [0, 2, 1, 3]);
  return reshape(g, apart, [headDim, (tokens * heads) / kvHeads, kvHeads, blocks]);
}

/** Undoes `layoutQueries` on the weighted values: [headDim, T*heads/kvHeads, kvHeads, blocks] to [headDim*heads, T*blocks]. */
function mergeHeads(g: Graph, o: Tensor, shape: HeadShape, tokens: number, blocks: number): Tensor {
  const apart = permute(g, reshape(g, o, [shape.headDim, tokens, shape.heads, blocks]), [0, 2, 1, 3]);
  return reshape(g, apart, [shape.headDim * shape.heads, tokens * blocks]);
}

/** Factor of the scores. */
const scaleOf = ({ headDim, attentionScale = headDim ** -0.5 }: HeadShape): number => attentionScale;

/** Prompt tokens attend to their own prompt. `mask` [P, P, 1, B] is 0 where a key may be seen, else -inf. */
export function promptAttention(
  g: Graph,
  q: Tensor,
  own: KeyValues,
  mask: Tensor,
  shape: HeadShape,
  tokens: number,
  blocks: number,
): Tensor {
  const folded = (tokens * shape.heads) / shape.kvHeads;
  const scores = mulMat(g, own.keys, layoutQueries(g, q, shape, tokens, blocks));
  const weights = softmax(g, reshape(g, scores, [tokens, tokens, shape.heads, blocks]), mask, scaleOf(shape));
  const mixed = mulMat(g, own.values, reshape(g, weights, [tokens, folded, shape.kvHeads, blocks]));
  return mergeHeads(g, mixed, shape, tokens, blocks);
}

export interface CompletionBlock {
  /** Prompts in the batch. */
  readonly prompts: number;
  readonly promptTokens: number;
  /** Completions a prompt. */
  readonly samples: number;
  /** Query tokens a completion. */
  readonly queries: number;
  /** Key tokens a completion: equal to `queries` in training, the cache's length in generation. */
  readonly keys: number;
}

/**
 * Completion tokens attend to their prompt and to their own completion: q [headDim, heads, queries*samples*prompts].
 * `mask` [promptTokens + keys, queries * samples, 1, prompts].
 */
export function completionAttention(
  g: Graph,
  q: Tensor,
  prompt: KeyValues,
  own: KeyValues,
  mask: Tensor,
  shape: HeadShape,
  block: CompletionBlock,
): Tensor {
  const { heads, kvHeads } = shape;
  const { prompts, promptTokens, samples, queries, keys } = block;
  const group = heads / kvHeads;
  const sequences = samples * prompts;

  const towardsPrompt = mulMat(g, prompt.keys, layoutQueries(g, q, shape, queries * samples, prompts));
  const promptScores = reshape(g, towardsPrompt, [promptTokens, queries * samples, heads, prompts]);
  const towardsOwn = mulMat(g, own.keys, layoutQueries(g, q, shape, queries, sequences));
  // [keys, queries, heads, samples, prompts] to [keys, queries, samples, heads, prompts], the two innermost as one.
  const apart = reshape(g, towardsOwn, [keys * queries, heads, samples, prompts]);
  const ownScores = reshape(g, permute(g, apart, [0, 2, 1, 3]), [keys, queries * samples, heads, prompts]);

  const weights = softmax(g, concat(g, promptScores, ownScores, 0), mask, scaleOf(shape));

  const [promptWeights, ownWeights] = split(g, weights, 0, promptTokens);
  const fromPrompt = mulMat(
    g,
    prompt.values,
    reshape(g, promptWeights, [promptTokens, queries * samples * group, kvHeads, prompts]),
  );
  const back = permute(g, reshape(g, ownWeights, [keys * queries, samples, heads, prompts]), [0, 2, 1, 3]);
  const fromOwn = mulMat(g, own.values, reshape(g, back, [keys, queries * group, kvHeads, sequences]));
  return add(
    g,
    mergeHeads(g, fromPrompt, shape, queries * samples, prompts),
    mergeHeads(g, fromOwn, shape, queries, sequences),
  );
}
