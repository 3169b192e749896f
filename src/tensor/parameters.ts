/** Named tensors that outlive graphs: a model's weights, and what the optimiser keeps for each of them. */
import { InternalError, UserError } from '../base/errors.ts';
import type { Device } from '../ggml/device.ts';
import { Lifetime } from '../ggml/handles.ts';
import type { Pointer } from '../ggml/signatures.ts';
import {
  BYTES,
  dims4,
  type Home,
  needShape,
  type Shape,
  ShapeError,
  sizeOf,
  STORED_DTYPES,
  type StoredDType,
  type Tensor,
} from './tensor.ts';
import { allocateTensors, type TensorBuffer } from './buffer.ts';
import { readFloats, readPart, writeFloats } from './transfer.ts';

export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  /** f32 by default. */
  readonly dtype?: Exclude<StoredDType, 'i32'>;
}

/** Bytes of a parameter. */
export const specBytes = ({ shape, dtype = 'f32' }: ParameterSpec): number => BYTES[dtype] * sizeOf(shape);

/** A set of tensors in one device buffer, zero at first. */
export class ParameterSet implements Disposable, Home {
  readonly device: Device;
  readonly specs: readonly ParameterSpec[];
  readonly #tensors = new Map<string, Tensor>();
  readonly #context: Pointer;
  readonly #buffer: TensorBuffer;
  readonly #life: Lifetime;

  constructor(device: Device, specs: readonly ParameterSpec[], role: 'weights' | 'trainable' | 'state') {
    this.device = device;
    this.specs = specs;
    const names = new Set<string>();
    for (const { name, shape } of specs) {
      needShape(`parameter ${name}`, shape);
      if (names.has(name)) throw new InternalError(`parameter ${name} is declared twice`);
      names.add(name);
    }
    const { ggml } = device.lib;
    const memory = ggml.ggml_tensor_overhead() * (specs.length + 1);
    this.#context = ggml.ggml_init({ mem_size: memory, mem_buffer: null, no_alloc: true });
    for (const { name, shape, dtype = 'f32' } of specs) {
      const pointer = ggml.ggml_new_tensor_4d(this.#context, STORED_DTYPES[dtype], ...dims4(shape));
      ggml.ggml_set_name(pointer, name);
      const differentiable = role === 'trainable';
      if (differentiable) ggml.ggml_set_param(pointer);
      this.#tensors.set(name, { shape, dtype, pointer, differentiable, home: this });
    }
    this.#life = new Lifetime('parameters');
    const tensors = [...this.#tensors.values()].map(({ pointer }) => pointer);
    const buffer = allocateTensors(device, this.#context, tensors);
    if (buffer === undefined) {
      this.#life.end();
      ggml.ggml_free(this.#context);
      const megabytes = Math.ceil(specs.reduce((total, spec) => total + specBytes(spec), 0) / 2 ** 20);
      throw new UserError(
        'MEMORY',
        `The device ${device.info.name} cannot hold another ${megabytes} MB for ${role}; use a smaller model.`,
      );
    }
    this.#buffer = buffer;
  }

  needAccess(operation: string): void {
    this.#life.need(operation);
  }

  get(name: string): Tensor {
    this.#life.need(`parameter ${name}`);
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new InternalError(`parameter ${name} does not exist`);
    return tensor;
  }

  set(name: string, values: Float32Array): void {
    const tensor = this.get(name);
    if (values.length !== sizeOf(tensor.shape))
      throw new ShapeError('set', `needs as many elements as ${name}, not ${values.length}`, [tensor]);
    writeFloats(this.device, tensor, values);
  }

  /** Sets some of a parameter's elements, from `start` on. */
  setPart(name: string, start: number, values: Float32Array): void {
    writeFloats(this.device, this.get(name), values, start);
  }

  read(name: string): Float32Array {
    return readFloats(this.device, this.get(name));
  }

  /** Fills `into` with some of an f32 parameter's elements, from `start` on. */
  readPart(name: string, start: number, into: Float32Array): void {
    readPart(this.device, this.get(name), start, into);
  }

  /** The bytes of a parameter as they are: what `setBytes` takes. */
  readBytes(name: string): Uint8Array {
    const bytes = new Uint8Array(this.device.lib.ggml.ggml_nbytes(this.get(name).pointer));
    this.device.lib.ggml.ggml_backend_tensor_get(this.get(name).pointer, bytes, 0, bytes.length);
    return bytes;
  }

  setBytes(name: string, bytes: Uint8Array): void {
    const { pointer } = this.get(name);
    const { ggml } = this.device.lib;
    if (bytes.length !== ggml.ggml_nbytes(pointer))
      throw new InternalError(`parameter ${name}: ${bytes.length} bytes do not fill it`);
    ggml.ggml_backend_tensor_set(pointer, bytes, 0, bytes.length);
  }

  /** Bytes of memory that it takes. */
  get bytes(): number {
    this.#life.need('bytes');
    return this.#buffer.bytes;
  }

  /** Sets every element of every tensor to zero. */
  clear(): void {
    this.#life.need('clear');
    this.#buffer.clear();
  }

  /** Total number of elements. */
  get count(): number {
    return this.specs.reduce((total, { shape }) => total + sizeOf(shape), 0);
  }

  [Symbol.dispose](): void {
    if (!this.#life.end()) return;
    this.#buffer[Symbol.dispose]();
    this.device.lib.ggml.ggml_free(this.#context);
  }
}
