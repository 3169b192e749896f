/**
 * Writing GGUF files through ggml's own writer: ggml lays out and writes the header, the tensors' bytes are
 * appended one tensor at a time (the second of the three ways that gguf.h names), so none has to fit in memory twice.
 */
import { appendParts } from '../base/open-file.ts';
import { InternalError, UserError } from '../base/errors.ts';
import { writeThrough } from '../base/output.ts';
import type { Library } from './library.ts';
import type { Ggml, Pointer } from './signatures.ts';

/** A typed value of the header. */
export type GgufValue =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly i32s: Int32Array }
  | { readonly f32s: Float32Array };

export interface GgufTensor {
  readonly name: string;
  /** ggml's number of the element type. */
  readonly type: number;
  /** Contiguous dimension first. */
  readonly shape: readonly number[];
  /** Called once, when the tensor's turn has come. */
  readonly bytes: () => Uint8Array;
}

/** `enum gguf_type`. */
const GGUF_INT32 = 5;
const GGUF_FLOAT32 = 6;
/** ggml cuts longer names without a word (GGML_MAX_NAME, its closing zero included). */
const MAX_NAME_BYTES = 63;

function cString(text: string, key: string): string {
  if (text.includes('\0')) {
    throw new UserError(
      'GGUF',
      `${key} has a string with a zero character in it, which GGUF cannot hold; remove it.`,
    );
  }
  return text;
}

function setValue(ggml: Ggml, gguf: Pointer, key: string, value: GgufValue): void {
  if ('u32' in value) ggml.gguf_set_val_u32(gguf, key, value.u32);
  else if ('f32' in value) ggml.gguf_set_val_f32(gguf, key, value.f32);
  else if ('bool' in value) ggml.gguf_set_val_bool(gguf, key, value.bool);
  else if ('string' in value) ggml.gguf_set_val_str(gguf, key, cString(value.string, key));
  else if ('i32s' in value) ggml.gguf_set_arr_data(gguf, key, GGUF_INT32, value.i32s, value.i32s.length);
  else if ('f32s' in value) ggml.gguf_set_arr_data(gguf, key, GGUF_FLOAT32, value.f32s, value.f32s.length);
  else {
    const strings = value.strings.map((text) => cString(text, key));
    ggml.gguf_set_arr_str(gguf, key, strings, strings.length);
  }
}

/** The data section: every tensor padded to the alignment, at the offset that the header says. */
function* dataParts(ggml: Ggml, gguf: Pointer, tensors: readonly GgufTensor[]): Generator<Uint8Array> {
  const alignment = ggml.gguf_get_alignment(gguf);
  let offset = 0;
  for (const [i, { name, type, shape, bytes }] of tensors.entries()) {
    const [width = 1, ...outer] = shape;
    const size = ggml.ggml_row_size(type, width) * outer.reduce((product, n) => product * n, 1);
    const part = bytes();
    if (part.byteLength !== size || ggml.gguf_get_tensor_offset(gguf, i) !== offset) {
      throw new InternalError(
        `gguf: ${name} has ${part.byteLength} bytes at ${offset}, and the header says otherwise`,
      );
    }
    yield part;
    const padding = (alignment - (size % alignment)) % alignment;
    yield new Uint8Array(padding);
    offset += size + padding;
  }
}

/** Writes a GGUF file atomically. Keys appear in the order of `metadata`. */
export function writeGguf(
  lib: Library,
  path: string,
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): void {
  const { ggml } = lib;
  // The tensors of this context have names and shapes only: their bytes come from `tensors`.
  const memory = ggml.ggml_tensor_overhead() * (tensors.length + 1);
  const context = ggml.ggml_init({ mem_size: memory, mem_buffer: null, no_alloc: true });
  const gguf = ggml.gguf_init_empty();
  try {
    for (const [key, value] of Object.entries(metadata)) setValue(ggml, gguf, key, value);
    for (const { name, type, shape } of tensors) {
      if (Buffer.byteLength(name) > MAX_NAME_BYTES)
        throw new InternalError(`gguf: the name ${name} is too long`);
      const [a = 1, b = 1, c = 1, d = 1] = shape;
      const tensor = ggml.ggml_new_tensor_4d(context, type, a, b, c, d);
      ggml.ggml_set_name(tensor, name);
      ggml.gguf_add_tensor(gguf, tensor);
    }
    writeThrough(path, (place) => {
      if (!ggml.gguf_write_to_file(gguf, place, true)) {
        throw new UserError(
          'FILE',
          `Cannot write ${path}: the engine failed to; check its folder and the free space.`,
        );
      }
      appendParts(place, dataParts(ggml, gguf, tensors));
    });
  } finally {
    ggml.gguf_free(gguf);
    ggml.ggml_free(context);
  }
}
