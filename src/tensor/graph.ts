/**
 * A graph is built once for a set of shapes and run many times. While it is built, every operation on a
 * differentiable tensor leaves an entry on the tape; `backward` walks the tape from the end and adds, to the
 * same graph, the nodes that compute the gradients.
 */
import { InternalError, UserError } from '../base/errors.ts';
import { type Device, tooLittleMemory } from '../ggml/device.ts';
import type { DividedGraph } from '../ggml/divided-graph.ts';
import type { PartedGraph } from '../ggml/parted-graph.ts';
import { Lifetime } from '../ggml/handles.ts';
import type { Ggml, Pointer } from '../ggml/signatures.ts';
import { allocateTensors, type TensorBuffer } from './buffer.ts';
import { GraphMemory } from './graph-memory.ts';
import { Tape } from './tape.ts';
import {
  dims4,
  type DType,
  DTYPES,
  type Home,
  type IdRange,
  needShape,
  type Shape,
  type StoredDType,
  type Tensor,
} from './tensor.ts';
import { write } from './transfer.ts';

export { readF32, readI32, write } from './transfer.ts';

/** Inputs that a graph may have. */
const MAX_INPUTS = 256;
/** Parameters and other tensors from outside that a graph may refer to. */
const MAX_EXTERNAL = 8192;
/** Tensors that one operation makes at most. */
const OPERATION_TENSORS = 16;

/** Makes operations; handed to every function that builds a part of a graph. */
export class Graph implements Disposable, Home {
  readonly device: Device;
  readonly ggml: Ggml;
  readonly #context: Pointer;
  readonly #contextBytes: number;
  /** Bytes of the native graph in it. */
  readonly #graphBytes: number;
  readonly #inputContext: Pointer;
  readonly #native: Pointer;
  readonly #maxNodes: number;
  /** Operations whose gradients can be asked for. */
  readonly tape = new Tape();
  readonly #transposes = new Map<Pointer, Tensor>();
  readonly #inputs = new Set<Pointer>();
  readonly #outputs = new Set<Pointer>();
  readonly #numbers = new Map<string, { readonly tensor: Tensor; readonly data: Float32Array }>();
  readonly #memory: GraphMemory;
  readonly #ownsMemory: boolean;
  readonly #life: Lifetime;
  #inputBuffer: TensorBuffer | undefined;
  /** Set where the device lacks an operation and the CPU computes it. */
  #divided: DividedGraph | undefined;
  /** Set where another library computes its large products. */
  #parted: PartedGraph | undefined;
  /** Bytes of the graph's description on a meta device. */
  #metaBytes = 0;
  /** Generation of the memory that the addresses are from; undefined before `allocate`. */
  #generation: number | undefined;
  /** Runs that are under way; what is native is freed after the last of them. */
  #running = 0;
  #disposed = false;

  /** `memory` is shared with other graphs that never run at the same time; without it the graph has its own. */
  constructor(device: Device, maxNodes = 16_384, memory?: GraphMemory) {
    this.device = device;
    this.#memory = memory ?? new GraphMemory(device);
    this.#ownsMemory = memory === undefined;
    const { ggml } = device.lib;
    this.ggml = ggml;
    this.#maxNodes = maxNodes;
    const overhead = ggml.ggml_tensor_overhead();
    // As many places as the context has tensors, so that the native graph can never be too small.
    const places = 2 * maxNodes + MAX_INPUTS + MAX_EXTERNAL;
    this.#graphBytes = ggml.ggml_graph_overhead_custom(places, false);
    this.#contextBytes = overhead * 2 * maxNodes + this.#graphBytes;
    this.#context = ggml.ggml_init({ mem_size: this.#contextBytes, mem_buffer: null, no_alloc: true });
    const inputBytes = overhead * (MAX_INPUTS + 1);
    this.#inputContext = ggml.ggml_init({ mem_size: inputBytes, mem_buffer: null, no_alloc: true });
    this.#native = ggml.ggml_new_graph_custom(this.#context, places, false);
    this.#life = new Lifetime('graph');
  }

  /** Native context of the intermediate tensors, with room for the tensors of one more operation. */
  get context(): Pointer {
    this.#needOpen('operation');
    const room = this.#contextBytes - this.ggml.ggml_used_mem(this.#context);
    if (room < OPERATION_TENSORS * this.ggml.ggml_tensor_overhead())
      throw new InternalError(`graph: more than ${this.#maxNodes} nodes; raise maxNodes`);
    return this.#context;
  }

  /** Throws unless the graph is still being built. */
  #needOpen(action: string): void {
    this.#life.need(action);
    if (this.#generation !== undefined)
      throw new InternalError(`${action}: the graph is allocated, nothing can be added any more`);
  }

  /** A tensor that is filled from outside before a run. It keeps its contents between runs. */
  input(dtype: DType, shape: Shape): Tensor {
    this.#needOpen('input');
    needShape('input', shape);
    if (this.#inputs.size === MAX_INPUTS)
      throw new InternalError(`input: a graph has ${MAX_INPUTS} inputs at most`);
    const pointer = this.ggml.ggml_new_tensor_4d(this.#inputContext, DTYPES[dtype], ...dims4(shape));
    this.#inputs.add(pointer);
    const ids = { below: Infinity, distinct: false, width: shape[0] ?? 1, made: false };
    return this.constant(pointer, shape, dtype, dtype === 'i32' ? ids : undefined);
  }

  /** A vector of numbers that are known while the graph is built; one for each `key`. */
  numbers(key: string, values: () => Float32Array): Tensor {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known.tensor;
    const data = values();
    const tensor = this.input('f32', [data.length]);
    this.#numbers.set(key, { tensor, data });
    return tensor;
  }

  /** Wraps a native node as a tensor without a gradient; `ids` says what an i32 one holds. */
  constant(pointer: Pointer, shape: Shape, dtype: StoredDType = 'f32', ids?: IdRange): Tensor {
    return { shape, dtype, pointer, differentiable: false, home: this, ids };
  }

  /** Wraps a native node as the output of a differentiable operation and records its VJP. */
  record(
    pointer: Pointer,
    shape: Shape,
    inputs: readonly Tensor[],
    vjp: (grad: Tensor) => readonly (Tensor | undefined)[],
  ): Tensor {
    const differentiable = this.tape.records(inputs);
    const output: Tensor = { shape, dtype: 'f32', pointer, differentiable, home: this };
    this.tape.push([output], inputs, ([grad]) => (grad === undefined ? [] : vjp(grad)));
    return output;
  }

  /** The transpose of `tensor` made by `make`, once: a backward pass asks for the same one several times, and for the way back. */
  transposeOnce(tensor: Tensor, make: () => Tensor): Tensor {
    const known = this.#transposes.get(tensor.pointer);
    // One made by a VJP is off the tape, and no use to a forward pass that needs its gradient.
    if (known !== undefined && (known.differentiable || !this.tape.records([tensor]))) return known;
    const made = make();
    this.#transposes.set(tensor.pointer, made);
    this.#transposes.set(made.pointer, tensor);
    return made;
  }

  /** Adds what computes `tensor` to the graph now; order of calls is order of execution. */
  expand(tensor: Tensor): void {
    this.#needOpen('expand');
    this.ggml.ggml_build_forward_expand(this.#native, tensor.pointer);
  }

  /** Adds what computes `tensor` and keeps its value readable after a run. */
  output(tensor: Tensor): Tensor {
    this.ggml.ggml_set_output(tensor.pointer);
    this.#outputs.add(tensor.pointer);
    this.expand(tensor);
    return tensor;
  }

  /** Keeps every intermediate, so that no memory is used twice: to compare with, when a result looks wrong. */
  keepAll(): void {
    this.#needOpen('keepAll');
    for (let i = 0; i < this.nodeCount; i++)
      this.ggml.ggml_set_output(this.ggml.ggml_graph_node(this.#native, i));
  }

  get nodeCount(): number {
    return this.ggml.ggml_graph_n_nodes(this.#native);
  }

  /**
   * Allocates inputs and intermediates; what the device lacks goes to the CPU. Throws when that cannot be, or for want
   * of memory.
   */
  allocate(): void {
    this.#needOpen('allocate');
    const { ggml, device } = this;
    const nodes = Array.from({ length: this.nodeCount }, (_, i) => ggml.ggml_graph_node(this.#native, i));
    const lacking = new Set(nodes.filter((node) => !device.supports(node)));
    this.#checkLacking(lacking);
    const tooLittle = tooLittleMemory(device);
    if (this.#inputs.size > 0) {
      this.#inputBuffer = allocateTensors(device, this.#inputContext, [...this.#inputs]);
      if (this.#inputBuffer === undefined) throw tooLittle;
    }
    if (device.meta !== undefined) {
      const used = ggml.ggml_used_mem(this.#context) + ggml.ggml_used_mem(this.#inputContext);
      // Of the native graph, which has more places than are needed, about half is ever touched.
      this.#metaBytes = used - Math.floor(this.#graphBytes / 2);
      device.meta.add(this.#metaBytes);
    }
    if (lacking.size > 0 && device.meta === undefined)
      this.#divided = device.divide(this.#native, nodes, lacking);
    else if (!this.#memory.allocate(this.#native)) throw tooLittle;
    else this.#parted = device.part(nodes);
    this.#generation = this.#memory.generation;
    for (const { tensor, data } of this.#numbers.values()) write(device, tensor, data);
  }

  /** Has the user told what the CPU computes in the device's place; throws where it cannot. */
  #checkLacking(lacking: ReadonlySet<Pointer>): void {
    if (lacking.size === 0) return;
    const { device, ggml } = this;
    const names = (of: Iterable<Pointer>): Set<string> =>
      new Set(Array.from(of, (node) => ggml.ggml_op_desc(node)));
    const missing = [...names(device.irreplaceable(lacking))].join(', ');
    if (missing !== '') {
      throw new UserError(
        'UNSUPPORTED_OPERATION',
        `The device ${device.info.name} lacks ${missing}, in which the CPU cannot stand in for it; choose another with --device cpu.`,
      );
    }
    device.notices.note(device.info.name, names(lacking));
  }

  /** Inputs and outputs of an allocated graph may be touched from outside; ggml aborts on any other tensor. */
  needAccess(operation: string, tensor: Tensor): void {
    this.#life.need(operation);
    const reachable = this.#inputs.has(tensor.pointer)
      ? this.#inputBuffer !== undefined
      : this.#outputs.has(tensor.pointer) && this.valid;
    if (!reachable)
      throw new InternalError(
        `${operation}: needs an input or output of an allocated graph whose memory has not moved`,
      );
  }

  /** Tells whether it can run: it was allocated, and shared memory has not moved since. */
  get valid(): boolean {
    if (this.#divided !== undefined) return true;
    return this.#generation !== undefined && this.#generation === this.#memory.generation;
  }

  /** Bytes of the intermediates. */
  get bytes(): number {
    if (this.#divided !== undefined) return this.#divided.bytes;
    return this.#generation === undefined ? 0 : this.#memory.bytes;
  }

  #needRunnable(): void {
    this.#life.need('compute');
    if (!this.valid) throw new InternalError('compute: the graph is not allocated, or its memory moved');
  }

  /** Runs the graph off the event loop. */
  async compute(): Promise<void> {
    this.#needRunnable();
    this.#running += 1;
    try {
      await this.device.compute(this.#native, this.#divided ?? this.#parted);
    } finally {
      this.#running -= 1;
      if (this.#disposed) this.#free();
    }
  }

  /** Runs the graph at once, while nothing else runs: for a little work in the middle of something. */
  computeNow(): void {
    this.#needRunnable();
    const status =
      this.#divided?.computeNow() ?? this.ggml.ggml_backend_graph_compute(this.device.backend, this.#native);
    if (status !== 0)
      throw new UserError('COMPUTE', `The device ${this.device.info.name} failed with status ${status}.`);
  }

  /** Frees the graph; one that is running, as soon as it has run. */
  [Symbol.dispose](): void {
    if (!this.#life.end()) return;
    this.#disposed = true;
    this.#free();
  }

  #free(): void {
    if (this.#running > 0) return;
    const { ggml } = this;
    this.#divided?.[Symbol.dispose]();
    this.#parted?.[Symbol.dispose]();
    if (this.#ownsMemory) this.#memory[Symbol.dispose]();
    this.device.meta?.add(-this.#metaBytes);
    this.#inputBuffer?.[Symbol.dispose]();
    ggml.ggml_free(this.#context);
    ggml.ggml_free(this.#inputContext);
  }
}
