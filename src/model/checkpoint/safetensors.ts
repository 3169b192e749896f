/** The safetensors file format: an eight-byte length, a JSON header, then the tensors' bytes. */
import { closeSync, fstatSync } from 'node:fs';
import { z } from 'zod';
import { InternalError, UserError } from '../../base/errors.ts';
import { appendParts, openFile, readAt } from '../../base/open-file.ts';
import { writeThrough } from '../../base/output.ts';
import { openLibrary } from '../../ggml/library.ts';
import { sizeOf } from '../../tensor/tensor.ts';

/** Bytes of an element, of the types that this program writes. */
const SIZES = { F32: 4, F16: 2, U8: 1 } as const;
/** Bits of an element, of every type that the format knows; a type that came later is a type, and not damage. */
const BITS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    64: 'F64 I64 U64 C64',
    32: 'F32 I32 U32',
    16: 'F16 BF16 I16 U16',
    8: 'I8 U8 BOOL F8_E4M3 F8_E5M2 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ',
    6: 'F6_E2M3 F6_E3M2',
    4: 'F4',
  }).flatMap(([bits, names]) => names.split(' ').map((name) => [name, Number(bits)] as const)),
);
/** The types of weights that are no integers, packed bits or scaled bytes: what can be read as they stand. */
const FLOATS = new Set(['F64', 'F32', 'F16', 'BF16']);

/** Tells whether a type holds plain floating-point numbers. */
export const isFloat = (dtype: string): boolean => FLOATS.has(dtype);

const entry = z.strictObject({
  dtype: z.string(),
  /** Outermost dimension first, as Python writes shapes. */
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

interface SafeTensor {
  /** F32, BF16, F8_E4M3, ... */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** Some of a tensor's outermost rows. */
interface TensorPart {
  readonly start: number;
  readonly rows: number;
}

/** An opened file: its header is in memory, its tensors are read one at a time. */
export class SafetensorsFile implements Disposable {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  readonly #file: number;

  private constructor(path: string, file: number) {
    this.path = path;
    this.#file = file;
    this.tensors = readHeader(path, file);
  }

  /** Opens a file and checks its header against its size. Throws a UserError for a broken or cut file. */
  static open(path: string): SafetensorsFile {
    const file = openFile(path, 'r');
    try {
      return new SafetensorsFile(path, file);
    } catch (thrown) {
      closeSync(file);
      throw thrown;
    }
  }

  #bytes(name: string, part?: TensorPart): { tensor: SafeTensor; bytes: Buffer<ArrayBuffer> } {
    const tensor = this.tensors.get(name);
    if (tensor === undefined)
      throw new UserError(
        'SAFETENSORS',
        `${this.path} has no tensor ${name}; is it the checkpoint of another model?`,
      );
    const length = tensor.end - tensor.start;
    if (part === undefined) return { tensor, bytes: readAt(this.path, this.#file, tensor.start, length) };
    const [outer = 0] = tensor.shape;
    if (part.start < 0 || part.rows < 0 || part.start + part.rows > outer)
      throw new InternalError(`safetensors: ${name} has ${outer} rows, not ${part.start} + ${part.rows}`);
    const row = outer === 0 ? 0 : length / outer;
    return { tensor, bytes: readAt(this.path, this.#file, tensor.start + part.start * row, part.rows * row) };
  }

  /** A tensor's elements as float32; f16 and bf16 are widened, f64 rounded, other types refused. */
  readF32(name: string, part?: TensorPart): Float32Array {
    const { tensor, bytes } = this.#bytes(name, part);
    switch (tensor.dtype) {
      case 'F32':
        return new Float32Array(bytes.buffer);
      case 'F64':
        return Float32Array.from(new Float64Array(bytes.buffer));
      case 'BF16':
        return widened(new Uint16Array(bytes.buffer), 'ggml_bf16_to_fp32_row');
      case 'F16':
        return widenF16(new Uint16Array(bytes.buffer));
      default:
        throw new UserError(
          'SAFETENSORS',
          `${this.path}: ${name} is ${tensor.dtype}, and a floating-point tensor is needed.`,
        );
    }
  }

  /** A tensor's bytes as they are. */
  readBytes(name: string): Uint8Array<ArrayBuffer> {
    return this.#bytes(name).bytes;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** The tensors that a file's header names, where they lie within the file. */
function readHeader(path: string, file: number): Map<string, SafeTensor> {
  const broken = (why: string): UserError =>
    new UserError(
      'SAFETENSORS',
      `${path} is not a whole safetensors file: ${why}; copy or download it again.`,
    );
  const fileSize = fstatSync(file).size;
  if (fileSize < 8) throw broken('it is shorter than its header');
  const headerLength = Number(readAt(path, file, 0, 8).readBigUInt64LE());
  if (headerLength > fileSize - 8) throw broken('it is shorter than its header says');
  let header: unknown;
  try {
    header = JSON.parse(readAt(path, file, 8, headerLength).toString('utf8'));
  } catch {
    throw broken('its header is not JSON');
  }
  const fields = z.record(z.string(), z.unknown()).safeParse(header);
  if (!fields.success) throw broken('its header is not a map');
  const { __metadata__, ...entries } = fields.data;
  const tensors = new Map<string, SafeTensor>();
  for (const [name, value] of Object.entries(entries)) {
    const parsed = entry.safeParse(value);
    if (!parsed.success) throw broken(`its entry ${name} is malformed`);
    const { dtype, shape, data_offsets: offsets } = parsed.data;
    const [start, end] = [8 + headerLength + offsets[0], 8 + headerLength + offsets[1]];
    const bits = BITS.get(dtype);
    const bytes = bits === undefined ? end - start : (sizeOf(shape) * bits) / 8;
    if (end < start || end - start !== bytes) throw broken(`the size of ${name} does not fit its shape`);
    if (end > fileSize) throw broken(`it ends before ${name} does`);
    tensors.set(name, { dtype, shape, start, end });
  }
  return tensors;
}

/** Halves as singles, by one of ggml's functions. */
function widened(halves: Uint16Array, name: 'ggml_fp16_to_fp32_row' | 'ggml_bf16_to_fp32_row'): Float32Array {
  const values = new Float32Array(halves.length);
  openLibrary().ggml[name](halves, values, values.length);
  return values;
}

/** IEEE half precision to single. */
export const widenF16 = (halves: Uint16Array): Float32Array => widened(halves, 'ggml_fp16_to_fp32_row');

/** Rounds float32 to IEEE half precision, to nearest even: ggml's own rounding, and much faster than a loop here. */
export function narrowF16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(values.length);
  openLibrary().ggml.ggml_fp32_to_fp16_row(values, halves, values.length);
  return halves;
}

type Data = Float32Array | Uint16Array | Uint8Array;

/** A tensor to be written. `shape` has the outermost dimension first. */
export interface OutgoingTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** As many as the shape says; a function is asked when the tensor is written. */
  readonly data: Data | (() => Data);
  /** Type of the elements of `data`; a Uint16Array is F16. */
  readonly dtype: keyof typeof SIZES;
}

/** Writes a file atomically, one tensor at a time. They are aligned to eight bytes, as the reference writer does. */
export function writeSafetensors(path: string, tensors: readonly OutgoingTensor[]): void {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const { name, shape, dtype } of tensors) {
    const bytes = sizeOf(shape) * SIZES[dtype];
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const text = JSON.stringify(header);
  const padded = Buffer.from(text + ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const parts = function* (): Generator<Uint8Array> {
    yield* [length, padded];
    for (const tensor of tensors) yield bytesOf(tensor);
  };
  writeThrough(path, (place) => appendParts(place, parts()));
}

function bytesOf({ name, shape, dtype, data }: OutgoingTensor): Uint8Array {
  const values = typeof data === 'function' ? data() : data;
  if (values.byteLength !== sizeOf(shape) * SIZES[dtype])
    throw new InternalError(`safetensors: ${name} has ${values.byteLength} bytes, which its shape has not`);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
