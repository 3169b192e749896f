/**
 * Thread that computes programs: parts of a graph by ggml, and products between them by ONNX Runtime. One thread for all
 * calls of a device: from a pool's, each of which the system has placed elsewhere, the threads of the two libraries that
 * are woken often share a core with the caller, and a product takes twice as long.
 */
import { parentPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';
import { type ComputeData, type Computed, type Program, STEP } from './program.ts';

/** Prototype of `OrtApi::Run`. */
const RUN = 'void * (void *, void *, void *, void *, size_t, void *, size_t, void *)';

if (parentPort !== null) {
  const port = parentPort;
  const { base, backend, run, inputNames, outputName } = workerData as ComputeData;
  const library = koffi.load(base);
  const compute = library.func('int ggml_backend_graph_compute(void *backend, void *graph)');
  const multiply = koffi.decode(run, koffi.proto(RUN)) as (...args: unknown[]) => bigint | null;
  const computed = ({ steps, address }: Program): Computed => {
    for (let i = 0; i < steps.length; i += STEP) {
      if (steps[i + 1] === 0n) {
        const ggml = compute(backend, steps[i]) as number;
        if (ggml !== 0) return { ggml, onnxruntime: 0n };
        continue;
      }
      const [inputs, output] = [address + BigInt(8 * (i + 1)), address + BigInt(8 * (i + 3))];
      const status = multiply(steps[i], null, inputNames, inputs, 2, outputName, 1, output);
      if (status !== null) return { ggml: 0, onnxruntime: BigInt(status) };
    }
    return { ggml: 0, onnxruntime: 0n };
  };
  port.on('message', (program: Program) => {
    port.postMessage(computed(program));
  });
}
