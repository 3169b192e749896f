/** Attention masks of prompt trees: 0 where a key may be seen, else -inf. */
import { rowSpans } from './packing.ts';
import type { PromptTree, TreeLayout } from './layout.ts';

/** Causal within each prompt: [P, P, 1, B]. */
export function promptMask(layout: TreeLayout, trees: readonly PromptTree[]): Float32Array {
  const P = layout.promptTokens;
  const mask = new Float32Array(P * P * layout.prompts).fill(-Infinity);
  for (let b = 0; b < layout.prompts; b++) {
    const length = trees[b]?.prompt.length ?? 0;
    for (let i = 0; i < P; i++) {
      const row = (b * P + i) * P;
      // A padded query sees itself only: a row without any key would be not-a-number.
      if (i < length) mask.fill(0, row, row + i + 1);
      else mask[row + i] = 0;
    }
  }
  return mask;
}

/** A completion sees its prompt and, causally, itself, not the others in its row: [P + C, C * n, 1, B]. */
export function completionMask(layout: TreeLayout, trees: readonly PromptTree[]): Float32Array {
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
        mask.fill(0, at, at + tree.prompt.length);
        mask.fill(0, at + P + offset, at + P + i + 1);
      }
    });
  }
  return mask;
}
