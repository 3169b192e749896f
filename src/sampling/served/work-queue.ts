/** Work that several workers share: taken in order, and again what comes of it or could not be done, until all is finished. */

export class WorkQueue<T> {
  readonly #source: Iterator<T>;
  readonly #again: T[] = [];
  readonly #waiting = new Set<() => void>();
  #underWay = 0;

  /** `source` is asked for its next item when a worker wants it. */
  constructor(source: Iterable<T>) {
    this.#source = source[Symbol.iterator]();
  }

  /** The next piece of work, as soon as there is one; undefined when all is done. Throws the signal's reason. */
  async take(signal: AbortSignal): Promise<T | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const [again] = this.#again.splice(0, 1);
      const next = again === undefined ? this.#source.next() : { done: false, value: again };
      if (next.done !== true) {
        this.#underWay += 1;
        return next.value;
      }
      if (this.#underWay === 0) return undefined;
      // Another worker may yet give back what it has.
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }

  /** Ends a piece of work; `next` came of it, or is itself where it could not be done, and is taken before what is new. */
  finish(...next: readonly T[]): void {
    this.#again.push(...next);
    this.#underWay -= 1;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
