/**
 * Attention over prompt trees. A batch is B prompts of P tokens, each with n completions of C tokens. A prompt
 * attends to itself; a completion attends to its prompt and to itself, never to its siblings. The two blocks of
 * scores are computed apart, so no score between siblings is ever formed, and meet in one softmax.
 *
 * Grouped-query attention costs nothing here: the heads that share a key are folded into the query tokens.
 */
import { required } from '../../base/errors.ts';
import type { Graph } from '../../tensor/graph.ts';
import {
  add,
  addInto,
  concat,
  mulMat,
  pad,
  permute,
  repeat,
  reshape,
  softmax,
  split,
  transpose,
  weightedSums,
} from '../../tensor/ops/index.ts';
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
  const scores = mulMat(g, own.keys, layoutQueries(g, q, shape, tokens, blocks));
  const ofHeads = reshape(g, scores, [tokens, tokens, shape.heads, blocks]);
  const [mixed] = weightedSums(g, ofHeads, mask, scaleOf(shape), [{ values: own.values, start: 0 }]);
  return mergeHeads(g, required(mixed, 'a sum of values'), shape, tokens, blocks);
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

/** Gives each head the keys or values of its group: [a, b, samples, kvHeads * prompts] to [a, b, samples, heads * prompts]. */
function forHeads(g: Graph, x: Tensor, { heads, kvHeads }: HeadShape): Tensor {
  const [a = 1, b = 1, samples = 1, outer = 1] = x.shape;
  const group = heads / kvHeads;
  const repeated = repeat(g, reshape(g, x, [a * b * samples, 1, outer]), [a * b * samples, group, outer]);
  return reshape(g, repeated, [a, b, samples, group * outer]);
}

/**
 * The same as `completionAttention`, of whole completions of `keys` tokens whose keys and values are given as
 * [headDim, kvHeads, keys * samples * prompts]. Keys and values of the prompt are padded with zeros to the width of both
 * blocks, so that what is large, the scores and their gradients, is computed where it stays; only the completions' small
 * part is copied.
 */
export function treeAttention(
  g: Graph,
  q: Tensor,
  prompt: KeyValues,
  own: { readonly k: Tensor; readonly v: Tensor },
  mask: Tensor,
  shape: HeadShape,
  { prompts, promptTokens, samples, keys }: CompletionBlock,
): Tensor {
  const { headDim, heads, kvHeads } = shape;
  const width = promptTokens + keys;
  const rows = keys * samples;
  const folded = (rows * heads) / kvHeads;
  const blocks = [samples, heads * prompts];
  /** Of each completion: [headDim, keys, samples, kvHeads * prompts]. */
  const apart = (x: Tensor): Tensor => {
    const turned = permute(g, reshape(g, x, [headDim, kvHeads, rows, prompts]), [0, 2, 1, 3]);
    return reshape(g, turned, [headDim, keys, samples, kvHeads * prompts]);
  };
  const queries = layoutQueries(g, q, shape, rows, prompts);
  const ownQueries = reshape(g, queries, [headDim, keys, ...blocks]);
  const towardsOwn = mulMat(g, forHeads(g, apart(own.k), shape), ownQueries);
  const towardsAll = mulMat(g, pad(g, prompt.keys, 1, keys), queries);
  const scores = addInto(
    g,
    reshape(g, towardsAll, [width, rows, heads, prompts]),
    reshape(g, towardsOwn, [keys, rows, heads, prompts]),
    promptTokens,
  );
  const [fromPrompt, fromOwn] = weightedSums(g, scores, mask, scaleOf(shape), [
    { values: pad(g, prompt.values, 0, keys), start: 0 },
    { values: forHeads(g, transpose(g, apart(own.v)), shape), start: promptTokens },
  ]).map((sums) => reshape(g, sums, [headDim, folded, kvHeads, prompts]));
  const mixed = add(
    g,
    required(fromPrompt, 'sums over the prompt'),
    required(fromOwn, 'sums over completions'),
  );
  return mergeHeads(g, mixed, shape, rows, prompts);
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
