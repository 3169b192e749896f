/**
 * A graph whose large matrix products another library computes: in its order, parts of it by ggml and the products
 * between them by a GemmEngine, all in the memory that ggml allocated.
 */
import { STEP } from './program.ts';
import { addressOf, type Gemm, type GemmEngine, type Matrices, type PreparedGemm } from './onnxruntime.ts';
import type { Library, NativeTensor } from './library.ts';
import type { Pointer } from './signatures.ts';

/** Operations of a product below which handing it over costs more than it gains. */
const LEAST_OPERATIONS = 1e6;
/** Rows and columns below which the library is not faster. */
const LEAST_SIDE = 16;
/** Operations that only look at memory in another way. */
const VIEWS: ReadonlySet<string> = new Set(['NONE', 'RESHAPE', 'VIEW', 'PERMUTE', 'TRANSPOSE']);

/** Sizes of a product: rows and columns of the result, what is summed over, and how many there are. */
export interface ProductSize {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly count: number;
}

/** Tells whether a product is large enough to be handed over. */
export const isWorthIt = ({ rows, columns, depth, count }: ProductSize): boolean =>
  Math.min(depth, rows, columns) >= LEAST_SIDE && 2 * depth * rows * columns * count >= LEAST_OPERATIONS;

/** Tells whether elements are floats that stand one after another. */
function isPlain({ type, sizes, strides }: NativeTensor): boolean {
  let next = 4;
  return (
    type === 0 &&
    sizes.every((size, i) => {
      const fits = size === 1 || strides[i] === next;
      next *= size;
      return fits;
    })
  );
}

/** The tensor that a transposed view is of. */
function turned({
  sizes: [a = 1, b = 1, ...outer],
  strides: [from = 0, to = 0, ...rest],
  ...same
}: NativeTensor): NativeTensor {
  return { ...same, sizes: [b, a, ...outer], strides: [to, from, ...rest] };
}

function matricesOf(tensor: NativeTensor): Matrices | undefined {
  const {
    data,
    sizes: [columns = 1, rows = 1, outer = 1, outermost = 1],
  } = tensor;
  return isPlain(tensor) ? { data, count: outer * outermost, rows, columns } : undefined;
}

/** All matrices of a stack as one. */
const flat = ({ data, count, rows, columns }: Matrices): Matrices => ({
  data,
  count: 1,
  rows: count * rows,
  columns,
});

/**
 * Operands of a product of ggml's, rows of whose matrices are what is multiplied: x [K, N] by w [K, M] is x · wᵀ; its
 * outer product of y and x is yᵀ · x, and yᵀ may be a matrix that y is the transposed view of.
 */
function operandsOf(lib: Library, node: Pointer): Gemm | undefined {
  const operation = lib.ggml.ggml_op_desc(node);
  if (operation !== 'MUL_MAT' && operation !== 'OUT_PROD') return undefined;
  const [out, b, second] = [node, ...lib.sources(node)].map((pointer) => lib.tensor(pointer));
  if (out === undefined || b === undefined || second === undefined) return undefined;
  const [result, right, left] = [out, b, second].map(matricesOf);
  if (result === undefined || right === undefined) return undefined;
  if (operation === 'OUT_PROD') {
    if (left !== undefined) return { transposed: 'a', a: left, b: right, out: result };
    const whole = matricesOf(turned(second));
    return whole && { transposed: 'none', a: whole, b: right, out: result };
  }
  if (left === undefined) return undefined;
  // The second operand and the result may be stacks for one first operand.
  return right.count === 1
    ? { transposed: 'b', a: flat(left), b: right, out: flat(result) }
    : { transposed: 'b', a: left, b: right, out: result };
}

/** The product that a node computes, where another library can do so and it is large enough to be worth it. */
function gemmOf(lib: Library, node: Pointer): Gemm | undefined {
  const gemm = operandsOf(lib, node);
  if (gemm === undefined || gemm.a.count !== gemm.b.count) return undefined;
  const {
    transposed,
    a,
    out: { rows, columns, count },
  } = gemm;
  return isWorthIt({ rows, columns, count, depth: transposed === 'a' ? a.rows : a.columns })
    ? gemm
    : undefined;
}

/** A graph that runs in parts; its memory is freed with it. */
export interface PartedGraph extends Disposable {
  /** Runs it off the event loop; resolves to ggml's status. */
  compute(): Promise<number>;
}

/** Parts an allocated graph of these nodes; undefined where it has no product for the engine. */
export function partedGraph(
  lib: Library,
  open: () => GemmEngine,
  nodes: readonly Pointer[],
): PartedGraph | undefined {
  const { ggml } = lib;
  const parts: (Pointer[] | Gemm)[] = [];
  for (const node of nodes) {
    const gemm = gemmOf(lib, node);
    const last = parts.at(-1);
    if (gemm !== undefined) parts.push(gemm);
    // Views alone are no work, and where they are between two products, no part.
    else if (Array.isArray(last)) last.push(node);
    else if (!VIEWS.has(ggml.ggml_op_desc(node))) parts.push([node]);
  }
  if (parts.every(Array.isArray)) return undefined;
  const engine = open();
  const size = parts.reduce(
    (total, part) => total + (Array.isArray(part) ? ggml.ggml_graph_overhead_custom(part.length, false) : 0),
    0,
  );
  const context = ggml.ggml_init({ mem_size: size + 1024, mem_buffer: null, no_alloc: true });
  const products: PreparedGemm[] = [];
  const steps = new BigUint64Array(STEP * parts.length);
  for (const [i, part] of parts.entries()) {
    if (Array.isArray(part)) {
      const graph = ggml.ggml_new_graph_custom(context, part.length, false);
      for (const node of part) ggml.ggml_graph_add_node(graph, node);
      steps[STEP * i] = graph;
    } else {
      const product = engine.prepare(part);
      products.push(product);
      steps.set(product.step, STEP * i);
    }
  }
  const program = { steps, address: addressOf(steps) };
  return {
    compute: () => engine.run(program),
    [Symbol.dispose]() {
      for (const product of products) product[Symbol.dispose]();
      ggml.ggml_free(context);
    },
  };
}
