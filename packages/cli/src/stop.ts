/** Work that the user or the system may stop: once to come to rest, Ctrl-C twice to end at once. */
import { Interrupted, INTERRUPTED_EXIT, type Services } from './context.ts';

export class Stop implements Disposable {
  readonly #controller = new AbortController();
  readonly #unregister: () => void;
  #exitCode = INTERRUPTED_EXIT;

  /** Listens until it is disposed; `onStop` is called for the first signal, `onEnd` before the end at once. */
  constructor(services: Services, { onStop, onEnd }: { onStop?: () => void; onEnd?: () => void } = {}) {
    this.#unregister = services.onInterrupt((exitCode = INTERRUPTED_EXIT) => {
      if (this.signal.aborted) {
        // A terminal that closes tells so several times.
        if (exitCode === HANGUP_EXIT) return;
        onEnd?.();
        services.kill(exitCode);
        return;
      }
      this.#exitCode = exitCode;
      this.#controller.abort(this.interrupted('Stopped; re-run the same command to resume.'));
      onStop?.();
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Exit status of a stopped command. */
  interrupted(message: string): Interrupted {
    return new Interrupted(message, this.#exitCode);
  }

  [Symbol.dispose](): void {
    this.#unregister();
  }
}

/** Exit status that a shell reports for a process that the closing of its terminal ended. */
const HANGUP_EXIT = 129;
