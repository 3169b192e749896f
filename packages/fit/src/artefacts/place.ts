/** Places what fit makes in the project's folder; a file that a person has made or changed is left, and ours put beside it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomic } from '../../../../src/base/files.ts';
import { digestOf } from '../../../../src/base/identity.ts';
import { readJson } from '../../../../src/base/json-file.ts';

const recordSchema = z.record(z.string(), z.string());

export class Places {
  readonly #folder: string;
  readonly #record: string;
  readonly #digests: Record<string, string>;
  /** Names that were written beside a person's own file. */
  readonly beside: string[] = [];

  /** `record` is the file in which it is kept what was written. */
  constructor(folder: string, record: string) {
    this.#folder = folder;
    this.#record = record;
    this.#digests = existsSync(record) ? readJson(record, recordSchema, 'remove it') : {};
  }

  /** Writes a file by `write`, which is told its path; returns the path. */
  put(name: string, write: (path: string) => void): string {
    const own = join(this.#folder, name);
    const isOurs = !existsSync(own) || this.#digests[name] === digestOf(own);
    const path = isOurs ? own : join(this.#folder, `${name}.new`);
    if (!isOurs) this.beside.push(name);
    write(path);
    if (isOurs) {
      this.#digests[name] = digestOf(own);
      writeAtomic(this.#record, `${JSON.stringify(this.#digests, null, 1)}\n`);
    }
    return path;
  }

  text(name: string, text: string): string {
    return this.put(name, (path) => {
      writeAtomic(path, text);
    });
  }
}
