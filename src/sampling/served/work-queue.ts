/** Work that several workers share: taken in order, given back when it could not be done, finished when all is done. */

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
      const again = this.#again.shift();
      if (again !== undefined) return this.#begin(again);
      const next = this.#source.next();
      if (next.done !== true) return this.#begin(next.value);
      if (this.#underWay === 0) return undefined;
      // Another worker may yet give back what it has.
      await this.#change(signal);
    }
  }

  #begin(item: T): T {
    this.#underWay += 1;
    return item;
  }

  async #change(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  /** Adds work that came of what is under way; it is taken before what is new. */
  add(work: T): void {
    this.#again.push(work);
    this.#wakeAll();
  }

  /** The work is done, or given up. */
  finish(): void {
    this.#underWay -= 1;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Somebody else, or the same worker later, shall do it. */
  giveBack(work: T): void {
    this.#again.push(work);
    this.finish();
  }
}
