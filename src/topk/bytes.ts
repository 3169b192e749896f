/** Reads of a file at given places. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fileError } from '../base/files.ts';

/** A file that is read at any place. */
export class ByteFile implements Disposable {
  readonly path: string;
  readonly size: number;
  readonly #file: number;

  /** Throws a UserError if the file cannot be opened. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#file = openSync(path, 'r');
    } catch (thrown) {
      throw fileError('read', path, thrown);
    }
    this.size = fstatSync(this.#file).size;
  }

  /** The bytes from `start` to `end`; fewer, where the file ends earlier. */
  read(start: number, end: number): Buffer {
    const bytes = Buffer.alloc(Math.max(0, Math.min(end, this.size) - start));
    let done = 0;
    while (done < bytes.length) {
      let got: number;
      try {
        got = readSync(this.#file, bytes, done, bytes.length - done, start + done);
      } catch (thrown) {
        throw fileError('read', this.path, thrown);
      }
      if (got === 0) return bytes.subarray(0, done);
      done += got;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
