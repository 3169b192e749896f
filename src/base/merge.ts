/** Several async generators run side by side, their items given as they come. */

/**
 * Starts every stream and yields what any of them yields next. When one fails, or the consumer stops, the signal
 * that all were given is aborted, and all have ended before this ends.
 */
export async function* merge<T>(
  starts: readonly ((signal: AbortSignal) => AsyncGenerator<T>)[],
  signal?: AbortSignal,
): AsyncGenerator<T> {
  const stop = new AbortController();
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const streams = starts.map((start) => start(both));
  const next = (stream: AsyncGenerator<T>) => {
    const item = stream.next().then((result) => ({ stream, result }));
    // A stream that fails while the consumer is busy is told of when it asks for more, not as an unhandled failure.
    item.catch(() => undefined);
    return item;
  };
  const waiting = new Map(streams.map((stream) => [stream, next(stream)]));
  try {
    while (waiting.size > 0) {
      const { stream, result } = await Promise.race(waiting.values());
      if (result.done === true) waiting.delete(stream);
      else {
        // Asked for the next item at once, so that it works on while the consumer does.
        waiting.set(stream, next(stream));
        yield result.value;
      }
    }
  } finally {
    stop.abort();
    await Promise.allSettled(waiting.values());
  }
}
