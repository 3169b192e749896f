/** A binary heap: the item that comes before all others is the first to be taken out. */
import { required } from './errors.ts';

export class Heap<T> {
  readonly #items: T[] = [];
  readonly #comesFirst: (a: T, b: T) => boolean;

  constructor(comesFirst: (a: T, b: T) => boolean) {
    this.#comesFirst = comesFirst;
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = required(items[parent], 'heap item');
      if (!this.#comesFirst(item, other)) break;
      items[at] = other;
      at = parent;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const item = items.pop();
    if (item === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const first = items[child];
      if (first === undefined) break;
      const second = items[child + 1];
      if (second !== undefined && this.#comesFirst(second, first)) child++;
      const best = required(items[child], 'heap item');
      if (!this.#comesFirst(best, item)) break;
      items[at] = best;
      at = child;
    }
    items[at] = item;
    return top;
  }
}
