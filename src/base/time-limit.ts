/** Work with a time limit. */

/** Longest delay of a timer, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/**
 * Does `work` under a signal that fires as `signal` does, or with a TimeoutError after `ms` milliseconds.
 * AbortSignal.any([signal, AbortSignal.timeout(ms)]) may not fire in Node.js 20: nothing holds the timeout, and once it is
 * collected as garbage the work waits for ever.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const abort = (): void => stop.abort(signal.reason);
  const expire = (): void => stop.abort(new DOMException(`nothing in ${ms} ms`, 'TimeoutError'));
  signal.addEventListener('abort', abort);
  const timer = setTimeout(expire, Math.min(ms, LONGEST));
  try {
    return await work(stop.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
