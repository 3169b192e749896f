/** Log-probabilities of the likeliest tokens at one place of an answer, in the server's order, which may repeat an id. */
export class TopEntries {
  readonly ids: Int32Array;
  readonly logprobs: Float32Array;

  constructor(ids: Int32Array, logprobs: Float32Array) {
    this.ids = ids;
    this.logprobs = logprobs;
  }

  static of(entries: readonly (readonly [id: number, logprob: number])[]): TopEntries {
    return new TopEntries(
      Int32Array.from(entries, ([id]) => id),
      Float32Array.from(entries, ([, logprob]) => logprob),
    );
  }
}
