/** Named tensors that outlive graphs: a model's weights, and what the optimiser keeps for each of them. */
import { InternalError, UserError } from '../base/errors.ts';
import type { Device } from '../ggml/device.ts';
import { Lifetime } from '../ggml/handles.ts';
import type { Pointer } from '../ggml/signatures.ts';
import { dims4, DTYPES, type Home, needShape, type Shape, sizeOf, type Tensor } from './tensor.ts';
import { readF32, write } from './transfer.ts';

export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
}

/** A set of f32 tensors in one device buffer, zero at first. */
export class ParameterSet implements Disposable, Home {
  readonly device: Device;
  readonly specs: readonly ParameterSpec[];
  readonly #tensors = new Map<string, Tensor>();
  readonly #context: Pointer;
  readonly #buffer: Pointer;
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
    const { backend } = device;
    const overhead = ggml.ggml_tensor_overhead();
    this.#context = ggml.ggml_init({
      mem_size: overhead * (specs.length + 1),
      mem_buffer: null,
      no_alloc: true,
    });
    for (const { name, shape } of specs) {
      const pointer = ggml.ggml_new_tensor_4d(this.#context, DTYPES.f32, ...dims4(shape));
      ggml.ggml_set_name(pointer, name);
      if (role === 'trainable') ggml.ggml_set_param(pointer);
      const differentiable = role === 'trainable';
      this.#tensors.set(name, { shape, dtype: 'f32', pointer, differentiable, home: this });
    }
    try {
      this.#buffer = ggml.ggml_backend_alloc_ctx_tensors(this.#context, backend);
    } catch {
      ggml.ggml_free(this.#context);
      const megabytes = Math.ceil(specs.reduce((total, { shape }) => total + 4 * sizeOf(shape), 0) / 2 ** 20);
      throw new UserError(
        'MEMORY',
        `The device ${device.info.name} cannot hold another ${megabytes} MB for ${role}; use a smaller model.`,
      );
    }
    ggml.ggml_backend_buffer_clear(this.#buffer, 0);
    this.#life = new Lifetime('parameters');
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
    write(this.device, this.get(name), values);
  }

  read(name: string): Float32Array {
    return readF32(this.device, this.get(name));
  }

  /** Sets every element of every tensor to zero. */
  clear(): void {
    this.#life.need('clear');
    this.device.lib.ggml.ggml_backend_buffer_clear(this.#buffer, 0);
  }

  /** Total number of elements. */
  get count(): number {
    return this.specs.reduce((total, { shape }) => total + sizeOf(shape), 0);
  }

  [Symbol.dispose](): void {
    if (!this.#life.end()) return;
    this.device.lib.ggml.ggml_backend_buffer_free(this.#buffer);
    this.device.lib.ggml.ggml_free(this.#context);
  }
}
