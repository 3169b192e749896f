/** Texts for who watches, said in the middle of work that yields something else. */
import { merge } from '../base/merge.ts';

/** Texts from those who say them to the one who shows them, as soon as they are said. */
export class Notices {
  readonly #texts: string[] = [];
  #wake = (): void => undefined;

  readonly say = (text: string): void => {
    this.#texts.push(text);
    this.#wake();
  };

  /** Texts as they are said, until the signal fires and all that was said is told. */
  async *stream(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    for (;;) {
      yield* this.#texts.splice(0);
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Yields what `work` does, and in between, as soon as it is said, what `notices` hold, as `made` makes it. */
export async function* withNotices<T>(
  work: (signal: AbortSignal) => AsyncGenerator<T>,
  notices: Notices | undefined,
  made: (text: string) => T,
  signal: AbortSignal,
): AsyncGenerator<T> {
  if (notices === undefined) {
    yield* work(signal);
    return;
  }
  const done = new AbortController();
  const working = async function* (stop: AbortSignal): AsyncGenerator<T> {
    try {
      yield* work(stop);
    } finally {
      done.abort();
    }
  };
  const telling = async function* (stop: AbortSignal): AsyncGenerator<T> {
    const either = AbortSignal.any([stop, done.signal]);
    for await (const text of notices.stream(either)) yield made(text);
  };
  yield* merge([working, telling], signal);
}
