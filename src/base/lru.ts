/** Keeper of things that are costly to make, for their next use; the least recently used go first when there are too many. */

/** Facts that an item may give of itself: the memory that it takes, whether it can still be used, and how it is let go. */
interface Sized extends Disposable {
  readonly bytes: number;
  readonly valid: boolean;
}

const sized = (item: object | undefined): Partial<Sized> => item ?? {};

export class Lru<T extends object> implements Disposable {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  /** In order of use: a Map iterates in order of insertion. */
  readonly #items = new Map<string, T>();

  constructor(maxCount: number, maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#items.size;
  }

  get bytes(): number {
    return [...this.#items.values()].reduce((total, item) => total + (sized(item).bytes ?? 0), 0);
  }

  /** The item under `key`, built when it is not there. It stays valid until the next call of `get`. */
  get(key: string, build: () => T): T {
    const known = this.#items.get(key);
    this.#items.delete(key);
    if (known !== undefined && sized(known).valid !== false) {
      this.#items.set(key, known);
      return known;
    }
    sized(known)[Symbol.dispose]?.();
    this.#shrink(this.#maxCount - 1);
    const built = build();
    this.#items.set(key, built);
    this.#shrink(this.#maxCount);
    return built;
  }

  /** Disposes the oldest items, but never the newest. */
  #shrink(maxCount: number): void {
    let bytes = this.#maxBytes === Number.POSITIVE_INFINITY ? 0 : this.bytes;
    for (const [key, item] of this.#items) {
      const enough = this.#items.size <= maxCount && bytes <= this.#maxBytes;
      if (enough || this.#items.size <= 1) return;
      bytes -= sized(item).bytes ?? 0;
      this.#items.delete(key);
      sized(item)[Symbol.dispose]?.();
    }
  }

  /** Disposes every item. */
  clear(): void {
    for (const item of this.#items.values()) sized(item)[Symbol.dispose]?.();
    this.#items.clear();
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
