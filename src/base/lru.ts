/** Keeper of things that are costly to make, for their next use; the least recently used go first when there are too many. */

/** Facts that an item may give of itself: the memory that it takes, whether it can still be used, and how it is let go. */
interface Sized extends Disposable {
  readonly bytes: number;
  readonly valid: boolean;
}

const sized = (item: object | undefined): Partial<Sized> => item ?? {};

export class Lru<T extends object> implements Disposable {
  readonly #most: number;
  /** In order of use: a Map iterates in order of insertion. */
  readonly #items = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
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
    const isUsable = known !== undefined && sized(known).valid !== false;
    if (isUsable) this.#items.delete(key);
    else this.#remove(key);
    // Before the new one is built, which takes memory of its own.
    for (const oldest of this.#items.keys()) if (this.#items.size >= this.#most) this.#remove(oldest);
    const item = isUsable ? known : build();
    this.#items.set(key, item);
    return item;
  }

  #remove(key: string): void {
    sized(this.#items.get(key))[Symbol.dispose]?.();
    this.#items.delete(key);
  }

  /** Disposes every item. */
  clear(): void {
    for (const key of this.#items.keys()) this.#remove(key);
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
