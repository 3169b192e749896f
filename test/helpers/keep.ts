import { afterAll } from 'vitest';

/** Keeps open what a file's tests share until the last of them is over; disposed of in the reverse of their order. */
export function keep<T extends Disposable>(shared: T): T {
  afterAll(() => shared[Symbol.dispose]());
  return shared;
}
