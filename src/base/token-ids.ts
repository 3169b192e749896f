declare const tokenIds: unique symbol;
/** Ids of a tokenizer's vocabulary; made by a tokenizer or a sampler, never from arbitrary numbers. */
export type TokenIds = Int32Array & { readonly [tokenIds]: true };

/** Marks an array as token ids where it enters from outside (a file, a sampler). */
export function asTokenIds(ids: Int32Array | readonly number[]): TokenIds {
  return (ids instanceof Int32Array ? ids : Int32Array.from(ids)) as TokenIds;
}
