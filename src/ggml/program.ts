/** Programs, and what is said to and by the thread that computes them. Importing that thread's own file would start its work. */

/** Data that the thread is started with. */
export interface ComputeData {
  /** File of the library that `ggml_backend_graph_compute` is in. */
  readonly base: string;
  /** Addresses of the backend, of `OrtApi::Run`, and of the lists of names of a product's inputs and output. */
  readonly backend: bigint;
  readonly run: bigint;
  readonly inputNames: bigint;
  readonly outputName: bigint;
}

/** Numbers of a step: a graph's address and three zeros; or the addresses of a session, its two inputs and its output. */
export const STEP = 4;

/** A program's steps, and where they are in memory. */
export interface Program {
  readonly steps: BigUint64Array;
  readonly address: bigint;
}

/** Result: where it ended, and with which status of which library; 0 is success. */
export interface Computed {
  readonly ggml: number;
  /** Address of a status of ONNX Runtime. */
  readonly onnxruntime: bigint;
}
