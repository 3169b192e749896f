/** Contents of a top-k store in numbers: the mass that it covers, entropies, and where the sampled tokens rank. */
import { bytesPerToken, hasDistribution, type TopKSequence } from './format.ts';
import type { TopKFile } from './reader.ts';

export interface RowFacts {
  /** Sum of the stored probabilities. */
  readonly mass: number;
  /** Of the stored tokens, with all others as one: a lower bound of the distribution's entropy, in nats. */
  readonly entropy: number;
  /** Place of the sampled token among the stored ones, from 1; 0 if it is not among them. */
  readonly rank: number;
}

/** Probabilities may add up to this much more than 1 by rounding. */
export const MASS_TOLERANCE = 1e-3;

/** Looks at row `row` of a sequence, of whose tokens the last have rows. */
export function rowFacts({ tokens, logprobs, top }: TopKSequence, topK: number, row: number): RowFacts {
  const sampled = tokens[tokens.length - logprobs.length + row];
  let mass = 0;
  let entropy = 0;
  let rank = 0;
  for (let i = 0; i < topK; i++) {
    const logprob = top.logprobs[row * topK + i] ?? 0;
    const probability = Math.exp(logprob);
    mass += probability;
    if (probability > 0) entropy -= probability * logprob;
    if (top.ids[row * topK + i] === sampled && rank === 0) rank = i + 1;
  }
  const rest = 1 - mass;
  return { mass, entropy: rest > 0 ? entropy - rest * Math.log(rest) : entropy, rank };
}

/** Counts of values in equal bins, for quantiles of more values than fit into memory. */
class Histogram {
  readonly #width: number;
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  constructor(most: number, bins: number) {
    this.#width = most / bins;
    this.#counts = Array.from({ length: bins }, () => 0);
  }

  add(value: number): void {
    const bin = Math.min(this.#counts.length - 1, Math.max(0, Math.floor(value / this.#width)));
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.#count += 1;
    this.#sum += value;
  }

  /** The value that a share of all lies below, to half a bin. */
  #quantile(share: number): number {
    let left = share * this.#count;
    const bin = this.#counts.findIndex((count) => (left -= count) <= 0);
    return (Math.max(0, bin) + 0.5) * this.#width;
  }

  get spread() {
    const [p1 = 0, p10 = 0, median = 0, p90 = 0] = [0.01, 0.1, 0.5, 0.9].map((share) =>
      this.#quantile(share),
    );
    return { mean: this.#count === 0 ? 0 : this.#sum / this.#count, p1, p10, median, p90 };
  }
}

export type Spread = Histogram['spread'];

/** Bounds of the ranks that are counted together: 1, 2, 3 to 5, ... */
const RANKS = [1, 2, 5, 10, 20, 50, 100] as const;

export function summarise(file: TopKFile) {
  using _open = file.keepOpen();
  const { topK, vocabSize, tokenizer } = file.header;
  const mass = new Histogram(1, 10_000);
  const entropy = new Histogram(Math.log(vocabSize), 10_000);
  const ranks = new Map<number, number>();
  let [outside, answers, tokensWithout, logprobs] = [0, 0, 0, 0];
  const faults = { mass: 0, ids: 0 };
  for (let i = 0; i < file.length; i++) {
    if (file.size(i).rows === 0) continue;
    answers += 1;
    const sequence = file.read(i);
    for (let row = 0; row < sequence.logprobs.length; row++) {
      if (!hasDistribution(sequence.top, topK, row)) {
        tokensWithout += 1;
        continue;
      }
      const facts = rowFacts(sequence, topK, row);
      mass.add(facts.mass);
      entropy.add(facts.entropy);
      const bound = RANKS.find((most) => facts.rank > 0 && facts.rank <= most) ?? (facts.rank > 0 ? topK : 0);
      if (bound === 0) outside += 1;
      else ranks.set(bound, (ranks.get(bound) ?? 0) + 1);
      logprobs += sequence.logprobs[row] ?? 0;
      if (facts.mass > 1 + MASS_TOLERANCE) faults.mass += 1;
      if (sequence.top.ids.subarray(row * topK, (row + 1) * topK).some((id) => id >= vocabSize))
        faults.ids += 1;
    }
  }
  const tokens = file.rows - tokensWithout;
  const share = (count: number): number => count / Math.max(1, tokens);
  const upTo = [...ranks].toSorted(([a], [b]) => a - b).map(([bound, count]) => [bound, share(count)]);
  return {
    tokenizer,
    vocabSize,
    topK,
    bytes: file.bytes,
    bytesPerToken: bytesPerToken(file.header),
    sequences: file.length,
    /** Sequences with distributions, and their tokens that have one. */
    answers,
    tokens,
    /** Tokens of an answer for which the teacher gave no distribution. */
    tokensWithout,
    mass: mass.spread,
    /** In nats; see `RowFacts`. */
    entropy: entropy.spread,
    /** Shares of the sampled tokens up to each rank and beyond the one before; `outside` is none of the stored. */
    rank: { upTo: Object.fromEntries(upTo) as Readonly<Record<string, number>>, outside: share(outside) },
    /** Mean log-probability of the sampled tokens, nats. */
    sampledLogprob: logprobs / Math.max(1, tokens),
    /** Rows that cannot be a distribution: more mass than 1, or an id beyond the vocabulary. */
    faults,
  };
}

export type StoreSummary = ReturnType<typeof summarise>;
