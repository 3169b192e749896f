/** The tokens before each token of a batch, along its own sequence: in a tree a completion's first follows its prompt's last. */
import { type Graph, write } from '../../tensor/graph.ts';
import { concat, getRows } from '../../tensor/ops/index.ts';
import { full } from '../../tensor/ops/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Column of no token. */
export const NONE = -1;

/** Adds to a graph the inputs for `rows` tokens, whose predecessors are among `columns` ones. */
export function tokensBefore(g: Graph, rows: number, columns = rows) {
  /** Columns of the table, the last of them of zeros, of the tokens 1, 2, ... before each row: i32 [rows]. */
  const inputs: Tensor[] = [];
  return {
    /** Columns [n, columns] of the tokens 1 to `count` before each row: `count` tensors [n, rows], zeros where there is none. */
    of(tokens: Tensor, count: number): Tensor[] {
      while (inputs.length < count) inputs.push(g.input('i32', [rows]));
      const table = concat(g, tokens, full(g, [tokens.shape[0] ?? 1, 1], 0), 1);
      return inputs.slice(0, count).map((input) => getRows(g, table, input));
    },
    /** Fills the inputs: the column of each row's predecessor, and of each column's one. */
    write(first: Int32Array, parents: Int32Array): void {
      let back = first;
      for (const input of inputs) {
        const found = back.map((column) => (column === NONE ? columns : column));
        write(g.device, input, found);
        back = back.map((column) => (column === NONE ? NONE : (parents[column] ?? NONE)));
      }
    },
  };
}
