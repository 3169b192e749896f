/** Standard streams of a command: colours where one is a terminal, and none that loses its reader fails a command. */
import { stripVTControlCharacters } from 'node:util';
import { widthOf } from '../../report/src/table.ts';

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export type Environment = Readonly<Partial<Record<string, string>>>;

export type Style = ReturnType<typeof styleFor>;

/** The style for what is written to `stream`. See https://no-color.org: any non-empty NO_COLOR switches colours off. */
export function styleFor(stream: Pick<OutputStream, 'isTTY'>, env: Environment) {
  const asked = env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '';
  const enabled = stream.isTTY === true && !asked && env['TERM'] !== 'dumb';
  const wrap = (open: number, close: number) => (text: string) =>
    enabled && text !== '' ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return {
    enabled,
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    accent: wrap(36, 39),
    good: wrap(32, 39),
    bad: wrap(31, 39),
  };
}

/** Characters of a bar. */
const BAR = 20;

/** A bar that is filled to `share`, 0 to 1. */
export function bar(share: number, style: Style): string {
  const filled = Math.round(Math.min(1, share) * BAR);
  return style.accent('━'.repeat(filled)) + style.dim('─'.repeat(BAR - filled));
}

/** Milliseconds between redraws on a terminal, and between lines elsewhere. */
const REDRAW = 100;
const LINE_EVERY = 5000;
export const CLEAR = '\r\x1b[2K';

/** A line that tells how far work is: on a terminal one that is drawn over, elsewhere another one now and then. */
export class StatusLine implements Disposable {
  readonly #stream: OutputStream;
  readonly #now: () => number;
  readonly isTerminal: boolean;
  readonly #since: number;
  #drawnAt: number;
  #isOpen = false;

  /** `now` gives milliseconds since some fixed moment. */
  constructor(stream: OutputStream, now: () => number) {
    this.#stream = stream;
    this.#now = now;
    this.isTerminal = stream.isTTY === true;
    this.#since = now();
    this.#drawnAt = this.#since;
  }

  /** Milliseconds since the last line. */
  get age(): number {
    return this.#now() - this.#drawnAt;
  }

  /** Tells whether the last line is old enough for another one. */
  get isDue(): boolean {
    return this.age >= (this.isTerminal ? REDRAW : LINE_EVERY);
  }

  /** Draws what `line` makes of the seconds since the beginning, where another one is due. */
  update(line: (seconds: number) => string): void {
    if (this.isDue) this.draw(line((this.#now() - this.#since) / 1000));
  }

  draw(line: string): void {
    this.#drawnAt = this.#now();
    this.#stream.write(this.isTerminal ? CLEAR + this.#fitting(line) : `${line}\n`);
    this.#isOpen = this.isTerminal;
  }

  /** The line without colours and overhang where it would wrap, as what wraps cannot be drawn over. */
  #fitting(line: string): string {
    // A terminal that does not know its width says 0.
    const columns = this.#stream.columns === 0 ? undefined : this.#stream.columns;
    if (widthOf(line) < (columns ?? 80)) return line;
    return Array.from(stripVTControlCharacters(line))
      .slice(0, (columns ?? 80) - 1)
      .join('');
  }

  /** Takes the line away, for what is written next. */
  clear(): void {
    if (this.#isOpen) this.#stream.write(CLEAR);
    this.#isOpen = false;
  }

  /** Leaves the line as it is and the cursor below it. */
  end(): void {
    if (this.#isOpen) this.#stream.write('\n');
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

/** Faults of a stream whose other end is gone: a closed pipe, a terminal that was closed. */
const UNREAD = ['EPIPE', 'EIO', 'ECONNRESET', 'ENOTCONN'];

/** A standard stream, which may lose its reader at any moment: what is written then is dropped. */
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
