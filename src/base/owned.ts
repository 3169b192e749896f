/** Things that are disposed of together, last one first. Node 20 has no DisposableStack. */
export class Owned implements Disposable {
  readonly #things: Disposable[] = [];

  /** Runs `open`; what it has added is disposed of if it throws. */
  opening<T>(open: () => T): T {
    try {
      return open();
    } catch (thrown) {
      this[Symbol.dispose]();
      throw thrown;
    }
  }

  add<T extends Disposable>(thing: T): T {
    this.#things.push(thing);
    return thing;
  }

  [Symbol.dispose](): void {
    for (const thing of this.#things.splice(0).toReversed()) thing[Symbol.dispose]();
  }
}
