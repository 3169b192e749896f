/** Work that several workers share: taken in order, given back when it could not be done, finished when all is done. */

/** A piece of work and how often it was tried. */
export interface Work<T> {
  readonly item: T;
  readonly attempts: number;
}

export class WorkQueue<T> {
  readonly #source: Iterator<T>;
  readonly #again: Work<T>[] = [];
  readonly #waiting = new Set<() => void>();
  #underWay = 0;

  /** `source` is asked for its next item when a worker wants it. */
  constructor(source: Iterable<T>) {
    this.#source = source[Symbol.iterator]();
  }

  /** The next piece of work, as soon as there is one; undefined when all is done. Throws the signal's reason. */
  async take(signal: AbortSignal): Promise<Work<T> | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const again = this.#again.shift();
      if (again !== undefined) return this.#begin(again);
      const next = this.#source.next();
      if (next.done !== true) return this.#begin({ item: next.value, attempts: 0 });
      if (this.#underWay === 0) return undefined;
      // Another worker may yet give back what it has.
      await this.#change(signal);
    }
  }

  #begin({ item, attempts }: Work<T>): Work<T> {
    this.#underWay += 1;
    return { item, attempts: attempts + 1 };
  }

  async #change(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** The work is done, or given up. */
  finish(): void {
    this.#underWay -= 1;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Somebody else, or the same worker later, shall do it. */
  giveBack(work: Work<T>): void {
    this.#again.push(work);
    this.finish();
  }
}
