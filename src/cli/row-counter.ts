/** How many rows a command has read, drawn over on a terminal; elsewhere nothing, as the end says it. */
import type { CliContext } from './context.ts';

/** Milliseconds between redraws. */
const REDRAW = 200;
const CLEAR = '\r\x1b[2K';

export class RowCounter implements Disposable {
  readonly #context: CliContext;
  readonly #startedAt: number;
  #drawnAt: number;
  #rows = 0;
  #isDrawn = false;

  constructor(context: CliContext) {
    this.#context = context;
    this.#startedAt = context.services.now();
    this.#drawnAt = this.#startedAt;
  }

  /** Counts one row. */
  add(): void {
    this.#rows += 1;
    const { process, services } = this.#context;
    // The clock is asked now and then only: rows pass by the thousand.
    if (process.stderr.isTTY !== true || this.#rows % 64 !== 0) return;
    const now = services.now();
    if (now - this.#drawnAt < REDRAW) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    const rate = (this.#rows / (now - this.#startedAt)) * 1000;
    process.stderr.write(`${CLEAR}${this.#rows} rows, ${rate.toFixed(0)} a second`);
  }

  /** Clears the line, for what is written next. */
  [Symbol.dispose](): void {
    if (this.#isDrawn) this.#context.process.stderr.write(CLEAR);
    this.#isDrawn = false;
  }
}
