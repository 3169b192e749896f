/** Attention masks of prompt trees: 0 where a key may be seen, else -inf. */
import { rowSpans } from './packing.ts';
import type { PromptTree, TreeLayout } from './layout.ts';

/** Causal within each prompt, to the last `window` tokens: [P, P, 1, B]. */
export function promptMask(layout: TreeLayout, trees: readonly PromptTree[], window: number): Float32Array {
  const P = layout.promptTokens;
  const mask = new Float32Array(P * P * layout.prompts).fill(-Infinity);
  for (let b = 0; b < layout.prompts; b++) {
    const length = trees[b]?.prompt.length ?? 0;
    for (let i = 0; i < P; i++) {
      const row = (b * P + i) * P;
      // A padded query sees itself only: a row without any key would be not-a-number.
      if (i < length) mask.fill(0, row + Math.max(0, i + 1 - window), row + i + 1);
      else mask[row + i] = 0;
    }
  }
  return mask;
}

/** A completion sees its prompt and, causally, itself, not the others in its row, each the last `window` tokens: [P + C, C * n, 1, B]. */
export function completionMask(
  layout: TreeLayout,
  trees: readonly PromptTree[],
  window: number,
): Float32Array {
  const { prompts, promptTokens: P, samples, completionTokens: C } = layout;
  const width = P + C;
  const mask = new Float32Array(width * C * samples * prompts).fill(-Infinity);
  for (let b = 0; b < prompts; b++) {
    const tree = trees[b];
    const start = (row: number, i: number): number => ((b * samples + row) * C + i) * width;
    for (let row = 0; row < samples; row++) {
      for (let i = 0; i < C; i++) mask[start(row, i) + P + i] = 0;
    }
    if (tree === undefined) continue;
    const spans = rowSpans(layout, tree);
    tree.completions.forEach(({ length }, s) => {
      const { row, offset } = spans[s] ?? { row: s, offset: 0 };
      for (let i = offset; i < offset + length; i++) {
        const at = start(row, i);
        // The first that is seen, counted from the prompt's first token.
        const first = Math.max(0, tree.prompt.length + i + 1 - offset - window);
        mask.fill(0, at + Math.min(first, tree.prompt.length), at + tree.prompt.length);
        mask.fill(0, at + P + offset + Math.max(0, first - tree.prompt.length), at + P + i + 1);
      }
    });
  }
  return mask;
}

/**
 * Masks of a graph, one for each window that its layers have; a window that hides nothing is none. `longest` is the number of
 * tokens of the longest sequence; `make` adds the inputs of a mask to the graph.
 */
export function windowMasks<Mask>(longest: number, make: () => Mask) {
  const masks = new Map<number, Mask>();
  return {
    of(window = Infinity): Mask {
      const effective = window >= longest ? Infinity : window;
      const mask = masks.get(effective) ?? make();
      masks.set(effective, mask);
      return mask;
    },
    entries: () => masks.entries(),
  };
}
