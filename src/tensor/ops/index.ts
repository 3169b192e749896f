/** Every operation, each with its vector-Jacobian product. */
export {
  abs,
  add,
  clamp,
  detach,
  div,
  exp,
  geluTanh,
  log,
  minimum,
  mul,
  relu,
  scale,
  silu,
  softplus,
  square,
  step,
  sub,
} from './elementwise.ts';
export { gather, getRows, mulMat, rmsNorm, rope, scatter, softmax, topK } from './nn.ts';
export { weightedSums, type WeightedValues } from './weighted-sums.ts';
export { repeat, sum, sumRows, sumTo } from './reduce.ts';
export { addInto, concat, full, pad, permute, reshape, slice, split, transpose } from './shape.ts';
export { entropyAt, logProbabilitiesAt, type VocabularyRows, vocabularyRows } from './softmax-rows.ts';
