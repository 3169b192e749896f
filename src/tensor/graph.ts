/**
 * A graph is built once for a set of shapes and run many times. While it is built, every operation on a
 * differentiable tensor leaves an entry on the tape; `backward` walks the tape from the end and adds, to the
 * same graph, the nodes that compute the gradients.
 */
import { InternalError, UserError } from '../base/errors.ts';
import type { Device } from '../ggml/device.ts';
import type { Ggml, Pointer } from '../ggml/signatures.ts';
import { GraphMemory } from './graph-memory.ts';
import { BYTES, dims4, type DType, DTYPES, type Shape, ShapeError, sizeOf, type Tensor } from './tensor.ts';

/** Gradients of an operation's outputs, in; gradients of its inputs, out. Undefined means zero. */
export type Vjp = (grads: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

interface TapeEntry {
  readonly outputs: readonly Tensor[];
  readonly inputs: readonly Tensor[];
  readonly vjp: Vjp;
}

/** Makes operations; handed to every function that builds a part of a graph. */
export class Graph implements Disposable {
  readonly device: Device;
  readonly ggml: Ggml;
  /** Native context of the intermediate tensors. */
  readonly context: Pointer;
  readonly #inputContext: Pointer;
  readonly #native: Pointer;
  readonly #tape: TapeEntry[] = [];
  readonly #inputs: Tensor[] = [];
  readonly #transposes = new Map<Pointer, Tensor>();
  readonly #maxNodes: number;
  #inputBuffer: Pointer | undefined;
  readonly #memory: GraphMemory;
  readonly #ownsMemory: boolean;
  /** Generation of the memory that the addresses are from; undefined before `allocate`. */
  #generation: number | undefined;
  #open = true;
  #recording = true;

  /** `memory` is shared with other graphs that never run at the same time; without it the graph has its own. */
  constructor(device: Device, maxNodes = 16_384, memory?: GraphMemory) {
    this.device = device;
    this.#memory = memory ?? new GraphMemory(device);
    this.#ownsMemory = memory === undefined;
    this.ggml = device.lib.ggml;
    this.#maxNodes = maxNodes;
    const { ggml } = this;
    const overhead = ggml.ggml_tensor_overhead();
    const graphBytes = ggml.ggml_graph_overhead_custom(maxNodes, false);
    this.context = ggml.ggml_init({
      mem_size: overhead * maxNodes * 2 + graphBytes,
      mem_buffer: null,
      no_alloc: true,
    });
    this.#inputContext = ggml.ggml_init({ mem_size: overhead * 256, mem_buffer: null, no_alloc: true });
    this.#native = ggml.ggml_new_graph_custom(this.context, maxNodes, false);
  }

  /** A tensor that is filled from outside before a run. It keeps its contents between runs. */
  input(dtype: DType, shape: Shape): Tensor {
    const pointer = this.ggml.ggml_new_tensor_4d(this.#inputContext, DTYPES[dtype], ...dims4(shape));
    const tensor = { shape, dtype, pointer, differentiable: false };
    this.#inputs.push(tensor);
    return tensor;
  }

  /** Wraps a native node as a tensor without a gradient. */
  constant(pointer: Pointer, shape: Shape, dtype: DType = 'f32'): Tensor {
    return { shape, dtype, pointer, differentiable: false };
  }

  /** Wraps a native node as the output of a differentiable operation and records its VJP. */
  record(
    pointer: Pointer,
    shape: Shape,
    inputs: readonly Tensor[],
    vjp: (grad: Tensor) => readonly (Tensor | undefined)[],
  ): Tensor {
    const differentiable = this.#recording && inputs.some((input) => input.differentiable);
    const output: Tensor = { shape, dtype: 'f32', pointer, differentiable };
    this.recordMany([output], inputs, ([grad]) => (grad === undefined ? [] : vjp(grad)));
    return output;
  }

  /** As `record`, for operations with several outputs. */
  recordMany(outputs: readonly Tensor[], inputs: readonly Tensor[], vjp: Vjp): void {
    if (this.#recording && inputs.some((input) => input.differentiable))
      this.#tape.push({ outputs, inputs, vjp });
  }

  /** The transpose of `tensor` made by `make`, once: a backward pass asks for the same one several times. */
  transposeOnce(tensor: Tensor, make: () => Tensor): Tensor {
    const known = this.#transposes.get(tensor.pointer);
    if (known !== undefined) return known;
    const made = make();
    this.#transposes.set(tensor.pointer, made);
    return made;
  }

  /** Adds what computes `tensor` to the graph now; order of calls is order of execution. */
  expand(tensor: Tensor): void {
    this.ggml.ggml_build_forward_expand(this.#native, tensor.pointer);
    if (this.nodeCount >= this.#maxNodes - 1) {
      throw new InternalError(`graph: more than ${this.#maxNodes} nodes; raise maxNodes`);
    }
  }

  /** Adds what computes `tensor` and keeps its value readable after a run. */
  output(tensor: Tensor): Tensor {
    this.ggml.ggml_set_output(tensor.pointer);
    this.expand(tensor);
    return tensor;
  }

  get nodeCount(): number {
    return this.ggml.ggml_graph_n_nodes(this.#native);
  }

  /** Where the tape stands, for a backward pass over only what is recorded after it. */
  get mark(): number {
    return this.#tape.length;
  }

  /**
   * Gradients of a scalar with respect to `wrt`, as new nodes of this graph.
   * Entries recorded since `mark` are walked and removed from the tape.
   */
  backward(
    seeds: readonly (readonly [Tensor, Tensor])[],
    wrt: readonly Tensor[],
    add: (a: Tensor, b: Tensor) => Tensor,
    mark = 0,
  ): (Tensor | undefined)[] {
    const grads = new Map<Pointer, Tensor>();
    const accumulate = (tensor: Tensor, grad: Tensor): void => {
      const known = grads.get(tensor.pointer);
      grads.set(tensor.pointer, known === undefined ? grad : add(known, grad));
    };
    for (const [tensor, grad] of seeds) accumulate(tensor, grad);
    const wanted = new Set(wrt.map((tensor) => tensor.pointer));
    // What the VJPs compute is not differentiated again.
    this.#recording = false;
    for (const entry of this.#tape.splice(mark).toReversed()) {
      const outputGrads = entry.outputs.map((output) => grads.get(output.pointer));
      if (outputGrads.every((grad) => grad === undefined)) continue;
      const inputGrads = entry.vjp(outputGrads);
      for (const output of entry.outputs) if (!wanted.has(output.pointer)) grads.delete(output.pointer);
      entry.inputs.forEach((input, i) => {
        const grad = inputGrads[i];
        if (grad !== undefined && input.differentiable) accumulate(input, grad);
      });
    }
    this.#recording = true;
    return wrt.map((tensor) => grads.get(tensor.pointer));
  }

  /** Allocates inputs and intermediates. Throws when the device lacks an operation or the memory. */
  allocate(): void {
    const { ggml, device } = this;
    const unsupported = new Set<string>();
    for (let i = 0; i < this.nodeCount; i++) {
      const node = ggml.ggml_graph_node(this.#native, i);
      if (!ggml.ggml_backend_dev_supports_op(device.pointer, node)) unsupported.add(ggml.ggml_op_desc(node));
    }
    if (unsupported.size > 0) {
      throw new UserError(
        'UNSUPPORTED_OPERATION',
        `The device ${device.info.name} lacks ${[...unsupported].join(', ')}; choose another with --device cpu.`,
      );
    }
    if (this.#inputs.length > 0) {
      this.#inputBuffer = ggml.ggml_backend_alloc_ctx_tensors(this.#inputContext, device.backend);
      ggml.ggml_backend_buffer_clear(this.#inputBuffer, 0);
    }
    if (!this.#memory.allocate(this.#native)) {
      throw new UserError(
        'MEMORY',
        `The device ${device.info.name} has too little memory for this batch; use a smaller micro_train_batch_size.`,
      );
    }
    this.#generation = this.#memory.generation;
  }

  /** Whether it can run: it was allocated, and shared memory has not moved since. */
  get valid(): boolean {
    return this.#generation !== undefined && this.#generation === this.#memory.generation;
  }

  /** Bytes of the intermediates. */
  get bytes(): number {
    return this.#generation === undefined ? 0 : this.#memory.bytes;
  }

  /** Runs the graph off the event loop. */
  async compute(): Promise<void> {
    if (!this.#open || !this.valid)
      throw new InternalError('compute: the graph is not allocated, its memory moved, or it is closed');
    await this.device.compute(this.#native);
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    const { ggml } = this;
    if (this.#ownsMemory) this.#memory[Symbol.dispose]();
    if (this.#inputBuffer !== undefined) ggml.ggml_backend_buffer_free(this.#inputBuffer);
    ggml.ggml_free(this.context);
    ggml.ggml_free(this.#inputContext);
  }
}

/** Fills a tensor; `data` must have exactly its number of elements and a fitting type. */
export function write(device: Device, tensor: Tensor, data: Float32Array | Int32Array | Uint16Array): void {
  const fits =
    data.length === sizeOf(tensor.shape) &&
    (tensor.dtype === 'i32' ? data instanceof Int32Array : data.BYTES_PER_ELEMENT === BYTES[tensor.dtype]);
  if (!fits)
    throw new ShapeError(
      'write',
      `needs as many elements of its type as the tensor, not ${data.constructor.name}[${data.length}]`,
      [tensor],
    );
  device.lib.ggml.ggml_backend_tensor_set(tensor.pointer, data, 0, data.byteLength);
}

/** Reads an f32 tensor. */
export function readF32(
  device: Device,
  tensor: Tensor,
  into = new Float32Array(sizeOf(tensor.shape)),
): Float32Array {
  if (tensor.dtype !== 'f32') throw new ShapeError('readF32', 'needs f32', [tensor]);
  device.lib.ggml.ggml_backend_tensor_get(tensor.pointer, into, 0, into.byteLength);
  return into;
}

/** Reads an i32 tensor. */
export function readI32(device: Device, tensor: Tensor): Int32Array {
  if (tensor.dtype !== 'i32') throw new ShapeError('readI32', 'needs i32', [tensor]);
  const into = new Int32Array(sizeOf(tensor.shape));
  device.lib.ggml.ggml_backend_tensor_get(tensor.pointer, into, 0, into.byteLength);
  return into;
}
