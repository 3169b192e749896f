/** Files of lines written as a stream: memory stays flat, and the file is whole or absent. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { discard, fileError, removeLeftoversOf, syncFolder, temporaryName } from './files.ts';

/** Lines are gathered to this many characters before they are written. */
const BUFFER = 1 << 20;

export class LineWriter implements Disposable {
  readonly path: string;
  readonly #temporary: string;
  #file: number | undefined;
  #parts: string[] = [];
  #size = 0;
  /** Lines written so far. */
  lines = 0;

  /** Begins a file under a temporary name; throws a UserError if that cannot be. */
  constructor(path: string) {
    this.path = path;
    this.#temporary = temporaryName(path);
    try {
      mkdirSync(dirname(path), { recursive: true });
      removeLeftoversOf(path);
      this.#file = openSync(this.#temporary, 'w');
    } catch (thrown) {
      throw fileError('write', path, thrown);
    }
  }

  write(line: string): void {
    this.#parts.push(line, '\n');
    this.#size += line.length + 1;
    this.lines += 1;
    if (this.#size >= BUFFER) this.#flush();
  }

  #flush(): void {
    if (this.#file === undefined || this.#size === 0) return;
    const bytes = Buffer.from(this.#parts.join(''), 'utf8');
    this.#parts = [];
    this.#size = 0;
    try {
      let written = 0;
      while (written < bytes.length) written += writeSync(this.#file, bytes, written);
    } catch (thrown) {
      throw fileError('write', this.path, thrown);
    }
  }

  /** Puts the whole file in its place. */
  commit(): void {
    this.#flush();
    if (this.#file === undefined) return;
    try {
      fsyncSync(this.#file);
      closeSync(this.#file);
      this.#file = undefined;
      renameSync(this.#temporary, this.path);
      syncFolder(dirname(this.path));
    } catch (thrown) {
      throw fileError('write', this.path, thrown);
    }
  }

  /** Takes back what was not committed. */
  [Symbol.dispose](): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
    discard(this.#temporary);
  }
}
