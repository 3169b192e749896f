/** The standard streams, which may lose their reader at any moment: what is written then is dropped. */
import type { OutputStream } from './context.ts';

/** Faults of a stream whose other end is gone: a closed pipe, a terminal that was closed. */
const UNREAD = ['EPIPE', 'EIO', 'ECONNRESET', 'ENOTCONN'];

export class Channel implements OutputStream {
  readonly #stream: NodeJS.WriteStream;
  #isOpen = true;

  /** `onEnd` is told when the stream takes no more: undefined if nobody reads it, otherwise the fault. */
  constructor(stream: NodeJS.WriteStream, onEnd: (fault: Error | undefined) => void) {
    this.#stream = stream;
    stream.on('error', (fault: NodeJS.ErrnoException) => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      onEnd(UNREAD.includes(fault.code ?? '') ? undefined : fault);
    });
  }

  get isTTY(): boolean {
    return this.#stream.isTTY;
  }

  get columns(): number | undefined {
    return this.#stream.columns;
  }

  write(text: string): void {
    if (this.#isOpen) this.#stream.write(text);
  }
}
