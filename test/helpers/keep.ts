import { afterAll } from 'vitest';

/** What a file's tests share: disposed of after the last of them, in the reverse of the order in which it was opened. */
export function keep<T extends Disposable>(shared: T): T {
  afterAll(() => shared[Symbol.dispose]());
  return shared;
}
