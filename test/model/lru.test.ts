/** Graphs that are kept for their next use. */
import { describe, expect, it } from 'vitest';
import { Lru } from '../../src/base/lru.ts';

class Thing {
  disposed = false;
  valid = true;
  readonly bytes: number;
  constructor(bytes = 1) {
    this.bytes = bytes;
  }
  [Symbol.dispose](): void {
    this.disposed = true;
  }
}

describe('kept graphs', () => {
  it('are built once, and the ones used longest ago are freed first', () => {
    const kept = new Lru<Thing>(2);
    const [a, b] = [kept.get('a', () => new Thing()), kept.get('b', () => new Thing())];
    expect(kept.get('a', () => new Thing())).toBe(a);
    const c = kept.get('c', () => new Thing());
    expect([a.disposed, b.disposed, c.disposed]).toEqual([false, true, false]);
  });

  it('are built anew, and freed, when they can be used no more', () => {
    const kept = new Lru<Thing>(3);
    const old = kept.get('a', () => new Thing());
    old.valid = false;
    const fresh = kept.get('a', () => new Thing());
    expect(fresh).not.toBe(old);
    expect([old.disposed, fresh.disposed, kept.size]).toEqual([true, false, 1]);
  });

  it('are freed before another one takes their place, and all of them at the end', () => {
    const kept = new Lru<Thing>(2);
    const [a, b] = [kept.get('a', () => new Thing(4)), kept.get('b', () => new Thing(20))];
    expect(kept.bytes).toBe(24);
    kept.get('c', () => {
      expect([a.disposed, b.disposed]).toEqual([true, false]);
      return new Thing();
    });
    kept[Symbol.dispose]();
    expect(b.disposed).toBe(true);
  });
});
