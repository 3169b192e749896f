/** Messages to a user while servers are waited for: at once when one fails, and at least every five seconds after that. */
import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds after which silence is broken. */
const SILENCE = 5000;

/** A time in words, at least a second: 7 s, 3 min, 24 h. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  const hours = Math.round(seconds / 3600);
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** A time that runs out, to the second while it is short: 1 min 52 s. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  if (seconds < 60 || seconds >= 600) return duration(milliseconds);
  return `${Math.floor(seconds / 60)} min${seconds % 60 === 0 ? '' : ` ${seconds % 60} s`}`;
}

export class Watch {
  readonly #tell: (text: string) => void;
  readonly #silence: number;
  readonly #waits = new Set<() => string>();
  /** When something was last said, or a server answered. */
  #since = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (text: string) => void, silence = SILENCE) {
    this.#tell = tell;
    this.#silence = silence;
  }

  say(text: string): void {
    this.#since = Date.now();
    this.#tell(text);
  }

  heard(): void {
    this.#since = Date.now();
  }

  async over<T>(work: Promise<T>, what: () => string): Promise<T> {
    if (this.#waits.size === 0) this.#since = Date.now();
    this.#waits.add(what);
    this.#schedule();
    try {
      return await work;
    } finally {
      this.#waits.delete(what);
      if (this.#waits.size === 0) {
        clearTimeout(this.#timer);
        this.#timer = undefined;
      }
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const left = Math.max(50, this.#since + this.#silence - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // Of all that is waited for, what has been for longest.
      const [what] = this.#waits;
      if (what === undefined) return;
      if (Date.now() >= this.#since + this.#silence) this.say(what());
      this.#schedule();
    }, left);
    this.#timer.unref();
  }
}

/** Waits until a moment; throws the signal's reason when told to stop. */
export async function until(moment: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(Math.max(0, moment - Date.now()), undefined, { signal });
  } catch (thrown) {
    // An error of its own is thrown for it.
    signal.throwIfAborted();
    throw thrown;
  }
}
