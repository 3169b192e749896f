/** Reads of a file at given places. */
import { closeSync, fstatSync } from 'node:fs';
import { openFile, readAt } from '../base/open-file.ts';

/** A file that is read at any place. */
export class ByteFile implements Disposable {
  readonly path: string;
  readonly size: number;
  readonly #file: number;

  /** Throws a UserError if the file cannot be opened. */
  constructor(path: string) {
    this.path = path;
    this.#file = openFile(path, 'r');
    this.size = fstatSync(this.#file).size;
  }

  /** The bytes from `start` to `end`; fewer, where the file ends earlier. */
  read(start: number, end: number): Buffer {
    return readAt(this.path, this.#file, start, Math.max(0, Math.min(end, this.size) - start));
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
