/** Named f32 tensors in a file, zero at first: what is too much for memory and is gone through from end to end. */
import { closeSync, ftruncateSync, mkdirSync, openSync, read, write } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { InternalError } from '../base/errors.ts';
import { discard, fileError } from '../base/files.ts';
import { readAt, writeFully } from '../base/open-file.ts';
import type { StoredTensors } from './optim/optimizer.ts';
import type { ParameterSpec } from './parameters.ts';
import { sizeOf } from './tensor.ts';

const readSome = promisify(read);
const writeSome = promisify(write);

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** One after the other, in the order of `specs`; elements are counted through all of them. */
export class FileTensors implements StoredTensors, Disposable {
  readonly specs: readonly ParameterSpec[];
  readonly #path: string;
  readonly #bytes: number;
  readonly #starts = new Map<string, { readonly start: number; readonly count: number }>();
  #opened: number | undefined;

  /** The file is made, or emptied, when it is first used, and removed with the tensors. */
  constructor(path: string, specs: readonly ParameterSpec[]) {
    this.specs = specs;
    this.#path = path;
    let total = 0;
    for (const { name, shape } of specs) {
      const count = sizeOf(shape);
      this.#starts.set(name, { start: total, count });
      total += count;
    }
    this.#bytes = 4 * total;
  }

  get #file(): number {
    if (this.#opened !== undefined) return this.#opened;
    const path = this.#path;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#opened = openSync(path, 'w+');
      // Bytes that have not been written read as zero.
      ftruncateSync(this.#opened, this.#bytes);
      return this.#opened;
    } catch (thrown) {
      throw fileError('write', path, thrown);
    }
  }

  /** Fills `into` with the elements from `start` on. Throws a UserError where the file cannot be made or read. */
  readRange(start: number, into: Float32Array): Promise<void> {
    return this.#move('read', start, into);
  }

  /** Writes the elements from `start` on. Throws a UserError, on a full disk for one. */
  writeRange(start: number, values: Float32Array): Promise<void> {
    return this.#move('write', start, values);
  }

  /** Moves all bytes of `values`; the system may move fewer at a time than it is asked to. */
  async #move(action: 'read' | 'write', start: number, values: Float32Array): Promise<void> {
    const file = this.#file;
    const bytes = bytesOf(values);
    for (let done = 0; done < bytes.length;) {
      const place = [done, bytes.length - done, 4 * start + done] as const;
      const moved = (
        action === 'read'
          ? readSome(file, bytes, ...place).then(({ bytesRead }) => bytesRead)
          : writeSome(file, bytes, ...place).then(({ bytesWritten }) => bytesWritten)
      ).catch((thrown: unknown) => {
        throw fileError(action, this.#path, thrown);
      });
      const count = await moved;
      if (count === 0) {
        const why = new Error('it became shorter while it was used; start the run again');
        throw fileError(action, this.#path, why);
      }
      done += count;
    }
  }

  #place(name: string): { readonly start: number; readonly count: number } {
    const place = this.#starts.get(name);
    if (place === undefined) throw new InternalError(`tensor ${name} does not exist`);
    return place;
  }

  readBytes(name: string): Uint8Array {
    const { start, count } = this.#place(name);
    return readAt(this.#path, this.#file, 4 * start, 4 * count);
  }

  setBytes(name: string, bytes: Uint8Array): void {
    const { start, count } = this.#place(name);
    if (bytes.length !== 4 * count)
      throw new InternalError(`tensor ${name}: ${bytes.length} bytes do not fill it`);
    writeFully(this.#path, this.#file, bytes, 4 * start);
  }

  read(name: string): Float32Array {
    const bytes = this.readBytes(name);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }

  set(name: string, values: Float32Array): void {
    this.setBytes(name, bytesOf(values));
  }

  [Symbol.dispose](): void {
    if (this.#opened === undefined) return;
    closeSync(this.#opened);
    this.#opened = undefined;
    discard(this.#path);
  }
}
