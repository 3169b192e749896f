/**
 * Rows of a batch that completions lie in. A tree's rows are of equal length; when a tree has more completions than
 * the layout has rows, several short ones share a row, one after the other, and the mask keeps them apart. Ragged
 * completions would otherwise all be padded to the longest.
 */
import { InternalError } from '../../base/errors.ts';
import { bucketLength } from './buckets.ts';
import type { PromptTree, TreeLayout } from './layout.ts';

/** A completion's row, and its first token in it. */
export interface RowSpan {
  readonly row: number;
  readonly offset: number;
}

/** Packs lengths into rows of `rowTokens`, first fit, the longest first. */
function pack(lengths: readonly number[], rowTokens: number): { spans: RowSpan[]; rows: number } {
  const used: number[] = [];
  const spans: RowSpan[] = lengths.map(() => ({ row: 0, offset: 0 }));
  const order = lengths.map((_, i) => i).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  for (const i of order) {
    const length = lengths[i] ?? 0;
    if (length > rowTokens)
      throw new InternalError(`packing: ${length} tokens do not fit a row of ${rowTokens}`);
    const found = used.findIndex((filled) => filled + length <= rowTokens);
    const row = found < 0 ? used.length : found;
    const offset = used[row] ?? 0;
    spans[i] = { row, offset };
    used[row] = offset + length;
  }
  return { spans, rows: Math.max(1, used.length) };
}

/** Lengths that a row may have beyond the longest completion, in multiples of the bucket. */
const EXTRA = [0, 1, 2, 3, 4] as const;

/** The rows for which packed completions take the fewest tokens: their number and length, a multiple of `multiple`. */
export function packedRows(
  lengths: readonly number[],
  multiple: number,
): { rows: number; rowTokens: number } {
  const longest = bucketLength(Math.max(1, ...lengths), multiple);
  const options = EXTRA.map((extra) => {
    const rowTokens = longest + extra * multiple;
    return { rowTokens, rows: pack(lengths, rowTokens).rows };
  });
  return options.reduce((best, next) =>
    next.rows * next.rowTokens < best.rows * best.rowTokens ? next : best,
  );
}

const remembered = new WeakMap<PromptTree, { layout: TreeLayout; spans: readonly RowSpan[] }>();

/**
 * The span of each completion of a tree in a layout: a row each if there are enough, packed otherwise. Throws when
 * they do not fit.
 */
export function rowSpans(layout: TreeLayout, tree: PromptTree): readonly RowSpan[] {
  const { samples, completionTokens } = layout;
  const known = remembered.get(tree);
  if (known?.layout.samples === samples && known.layout.completionTokens === completionTokens)
    return known.spans;
  const lengths = tree.completions.map(({ length }) => length);
  const { rows, spans } =
    lengths.length <= samples && lengths.every((length) => length <= completionTokens)
      ? { rows: lengths.length, spans: lengths.map((_, row) => ({ row, offset: 0 })) }
      : pack(lengths, completionTokens);
  if (rows > samples)
    throw new InternalError(
      `packing: ${lengths.length} completions need ${rows} rows, and the layout has ${samples}`,
    );
  remembered.set(tree, { layout, spans });
  return spans;
}
