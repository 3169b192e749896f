/** The tokens before each token of a batch, along its own sequence: in a tree a completion's first follows its prompt's last. */
import { type Graph, write } from '../../tensor/graph.ts';
import { concat, getRows } from '../../tensor/ops/index.ts';
import { full } from '../../tensor/ops/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Column of no token. */
export const NONE = -1;

export class Before {
  readonly #graph: Graph;
  readonly #rows: number;
  readonly #columns: number;
  /** Columns of the table, the last of them of zeros, of the tokens 1, 2, ... before each row: i32 [rows]. */
  readonly #inputs: Tensor[] = [];

  /** For `rows` tokens, whose predecessors are among `columns` ones. */
  constructor(g: Graph, rows: number, columns = rows) {
    this.#graph = g;
    this.#rows = rows;
    this.#columns = columns;
  }

  /** Columns [n, columns] of the tokens 1 to `count` before each row: `count` tensors [n, rows], zeros where there is none. */
  of(columns: Tensor, count: number): Tensor[] {
    const g = this.#graph;
    while (this.#inputs.length < count) this.#inputs.push(g.input('i32', [this.#rows]));
    const table = concat(g, columns, full(g, [columns.shape[0] ?? 1, 1], 0), 1);
    return this.#inputs.slice(0, count).map((input) => getRows(g, table, input));
  }

  /** Fills the inputs: the column of each row's predecessor, and of each column's one. */
  write(first: Int32Array, parents: Int32Array): void {
    let back = first;
    for (const input of this.#inputs) {
      const columns = back.map((column) => (column === NONE ? this.#columns : column));
      write(this.#graph.device, input, columns);
      back = back.map((column) => (column === NONE ? NONE : (parents[column] ?? NONE)));
    }
  }
}
