/** Outputs of lines, written as a stream: memory stays flat, and a file is whole or absent. */
import { destinationOf } from './destination.ts';
import { Output } from './output.ts';
import { removeLeftoversOf } from './temporary.ts';

/** Lines are gathered to this many characters before they are written. */
const BUFFER = 1 << 20;

export class LineWriter implements Disposable {
  readonly path: string;
  readonly #output: Output;
  #text = '';
  /** Lines written so far. */
  lines = 0;

  /** Begins an output; throws a UserError if that cannot be. */
  constructor(path: string) {
    this.path = path;
    this.#output = new Output(path);
    const destination = destinationOf(path);
    if (destination.kind === 'file') removeLeftoversOf(destination.path);
  }

  write(line: string): void {
    this.#text += `${line}\n`;
    this.lines += 1;
    if (this.#text.length >= BUFFER) this.#flush();
  }

  #flush(): void {
    if (this.#text === '') return;
    this.#output.write(Buffer.from(this.#text, 'utf8'));
    this.#text = '';
  }

  /** Puts the whole file in its place. */
  commit(): void {
    this.#flush();
    this.#output.commit();
  }

  /** Takes back what was not committed. */
  [Symbol.dispose](): void {
    this.#output[Symbol.dispose]();
  }
}
