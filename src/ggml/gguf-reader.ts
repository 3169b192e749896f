/**
 * Reading GGUF files through ggml's own reader: it parses and checks the header, tensors are read from the file in
 * parts and widened to f32 by ggml's own function of their type, so that what is quantised means what ggml says.
 */
import { closeSync, fstatSync } from 'node:fs';
import koffi from 'koffi';
import { InternalError, UserError } from '../base/errors.ts';
import { openFile, readAt } from '../base/open-file.ts';
import { type Library, orUndefined } from './library.ts';
import type { Ggml, Pointer } from './signatures.ts';

interface StoredTensor {
  /** ggml's name of the element type: f32, q8_0, q4_K, ... */
  readonly typeName: string;
  /** Contiguous dimension first; as many as matter, at least one. */
  readonly shape: readonly number[];
  readonly type: number;
  /** First of its bytes in the file. */
  readonly start: number;
  readonly bytes: number;
}

/** `enum gguf_type` as C's types; strings and arrays are read by functions of their own. */
const NUMBER_TYPES: Readonly<Record<number, string>> = {
  0: 'uint8_t',
  1: 'int8_t',
  2: 'uint16_t',
  3: 'int16_t',
  4: 'uint32_t',
  5: 'int32_t',
  6: 'float',
  10: 'uint64_t',
  11: 'int64_t',
  12: 'double',
};
const [BOOL, STRING, ARRAY] = [7, 8, 9];
/** `enum ggml_type` of plain floats, the one type that ggml has nothing to widen for. */
const F32 = 0;

/** `struct ggml_type_traits`. */
const traitsType = koffi.struct({
  type_name: 'const char *',
  blck_size: 'int64_t',
  blck_size_interleave: 'int64_t',
  type_size: 'size_t',
  is_quantized: 'bool',
  to_float: 'void *',
  from_float_ref: 'void *',
});
const toFloat = koffi.proto('void tinystar_gguf_to_float(void *from, void *to, int64_t count)');

/** An opened file: its header is in memory, its tensors are read in parts. */
export class GgufFile implements Disposable {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #ggml: Ggml;
  readonly #header: Pointer;
  readonly #file: number;

  private constructor(path: string, ggml: Ggml, header: Pointer, file: number) {
    this.path = path;
    this.#ggml = ggml;
    this.#header = header;
    this.#file = file;
    this.tensors = storedTensors(path, ggml, header, fstatSync(file).size);
  }

  /** Opens a file and checks its header against its size. Throws a UserError, in ggml's words where they say more. */
  static open(lib: Library, path: string): GgufFile {
    const file = openFile(path, 'r');
    let header: Pointer | undefined;
    try {
      // A folder can be opened, and not read.
      readAt(path, file, 0, Math.min(1, fstatSync(file).size));
      header = openHeader(lib, path);
      return new GgufFile(path, lib.ggml, header, file);
    } catch (thrown) {
      if (header !== undefined) lib.ggml.gguf_free(header);
      closeSync(file);
      throw thrown;
    }
  }

  /** The number of a key and its type; undefined where the file has none of that name. */
  #find(key: string): { id: number; type: number } | undefined {
    const id = this.#ggml.gguf_find_key(this.#header, key);
    return id < 0 ? undefined : { id, type: this.#ggml.gguf_get_kv_type(this.#header, id) };
  }

  #mistyped(key: string, wanted: string): never {
    throw new UserError('GGUF_READ', `${this.path} has a ${key} that is not ${wanted}; convert it again.`);
  }

  /** The names of everything that the header says. */
  keys(): string[] {
    const length = this.#ggml.gguf_get_n_kv(this.#header);
    return Array.from({ length }, (_, id) => this.#ggml.gguf_get_key(this.#header, id) ?? '');
  }

  /** Value of a key where that is one value, of whatever type; "a list" for lists. */
  value(key: string): string | number | boolean | undefined {
    const type = this.#find(key)?.type;
    if (type === ARRAY) return 'a list';
    if (type === STRING) return this.string(key);
    return type === BOOL ? this.boolean(key) : this.number(key);
  }

  string(key: string): string | undefined {
    const found = this.#find(key);
    if (found === undefined) return undefined;
    if (found.type !== STRING) return this.#mistyped(key, 'a text');
    return this.#ggml.gguf_get_val_str(this.#header, found.id);
  }

  /** A whole or fractional number of whatever width. */
  number(key: string): number | undefined {
    const found = this.#find(key);
    if (found === undefined) return undefined;
    const type = NUMBER_TYPES[found.type];
    if (type === undefined) return this.#mistyped(key, 'a number');
    return Number(koffi.decode(this.#ggml.gguf_get_val_data(this.#header, found.id), type));
  }

  boolean(key: string): boolean | undefined {
    const found = this.#find(key);
    if (found === undefined) return undefined;
    if (found.type !== BOOL) return this.#mistyped(key, 'true or false');
    return koffi.decode(this.#ggml.gguf_get_val_data(this.#header, found.id), 'uint8_t') !== 0;
  }

  /** The id and length of an array whose elements are of a type that `fits`. */
  #array(
    key: string,
    wanted: string,
    fits: (type: number) => boolean,
  ): { id: number; length: number; type: number } | undefined {
    const found = this.#find(key);
    if (found === undefined) return undefined;
    const type = found.type === ARRAY ? this.#ggml.gguf_get_arr_type(this.#header, found.id) : -1;
    if (!fits(type)) return this.#mistyped(key, wanted);
    return { id: found.id, length: this.#ggml.gguf_get_arr_n(this.#header, found.id), type };
  }

  strings(key: string): readonly string[] | undefined {
    const found = this.#array(key, 'a list of texts', (type) => type === STRING);
    if (found === undefined) return undefined;
    const { id, length } = found;
    return Array.from({ length }, (_, i) => this.#ggml.gguf_get_arr_str(this.#header, id, i));
  }

  numbers(key: string): readonly number[] | undefined {
    const found = this.#array(key, 'a list of numbers', (type) => type in NUMBER_TYPES);
    if (found === undefined) return undefined;
    if (found.length === 0) return [];
    const type = NUMBER_TYPES[found.type] ?? '';
    const values: unknown = koffi.decode(
      this.#ggml.gguf_get_arr_data(this.#header, found.id),
      type,
      found.length,
    );
    return Array.from(values as ArrayLike<number | bigint>, Number);
  }

  /**
   * Some of a tensor's rows (contiguous lines of shape[0] elements) as f32; throws a UserError for a type that
   * holds no weights.
   */
  readRows(name: string, start: number, rows: number): Float32Array {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new InternalError(`gguf: there is no tensor ${name}`);
    const [width = 1] = tensor.shape;
    const rowBytes = this.#ggml.ggml_row_size(tensor.type, width);
    if (start < 0 || rows < 0 || (start + rows) * rowBytes > tensor.bytes)
      throw new InternalError(`gguf: ${name} has no rows ${start} + ${rows}`);
    const bytes = readAt(this.path, this.#file, tensor.start + start * rowBytes, rows * rowBytes);
    if (tensor.type === F32) return new Float32Array(bytes.buffer);
    const traits = koffi.decode(this.#ggml.ggml_get_type_traits(tensor.type), traitsType) as {
      to_float: unknown;
    };
    if (traits.to_float === null || traits.to_float === 0n) {
      throw new UserError(
        'GGUF_READ',
        `${this.path} holds ${name} as ${tensor.typeName}, which is no type of weights; convert it again.`,
      );
    }
    const values = new Float32Array(rows * width);
    koffi.call(traits.to_float, toFloat, bytes, values, values.length);
    return values;
  }

  [Symbol.dispose](): void {
    this.#ggml.gguf_free(this.#header);
    closeSync(this.#file);
  }
}

function openHeader(lib: Library, path: string): Pointer {
  const { result, errors } = lib.quietly(() =>
    orUndefined(() => lib.ggml.gguf_init_from_file(path, { no_alloc: true, ctx: null })),
  );
  if (result !== undefined) return result;
  const why = errors === '' ? 'it is cut or no GGUF file' : errors.replaceAll(/(^|; )\w+: /g, '$1');
  throw new UserError('GGUF_READ', `${path} cannot be read as GGUF (${why}); copy or download it again.`);
}

/** Places of all tensors; ggml has checked that they do not overlap, and not that they are all there. */
function storedTensors(
  path: string,
  ggml: Ggml,
  header: Pointer,
  fileSize: number,
): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  const data = ggml.gguf_get_data_offset(header);
  for (let i = 0; i < ggml.gguf_get_n_tensors(header); i++) {
    const name = ggml.gguf_get_tensor_name(header, i);
    const type = ggml.gguf_get_tensor_type(header, i);
    const sides = koffi.decode(ggml.gguf_get_tensor_ne(header, i), 'int64_t', 4) as ArrayLike<
      number | bigint
    >;
    const all = Array.from(sides, Number);
    const outer = all.findLastIndex((side) => side !== 1);
    const start = data + ggml.gguf_get_tensor_offset(header, i);
    const bytes = ggml.gguf_get_tensor_size(header, i);
    if (start + bytes > fileSize)
      throw new UserError(
        'GGUF_READ',
        `${path} ends before its tensor ${name} does; copy or download it again.`,
      );
    tensors.set(name, {
      typeName: ggml.ggml_type_name(type),
      shape: all.slice(0, Math.max(1, outer + 1)),
      type,
      start,
      bytes,
    });
  }
  return tensors;
}
