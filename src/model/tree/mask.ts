/** Who may see whom in a prompt tree: 0 where a key may be seen, else -inf. */
import { placesIn } from './packing.ts';
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

/** A completion sees its prompt and, causally, itself, not the others in its slot: [P + C, C * n, 1, B]. */
export function completionMask(layout: TreeLayout, trees: readonly PromptTree[]): Float32Array {
  const { prompts, promptTokens: P, samples, completionTokens: C } = layout;
  const width = P + C;
  const mask = new Float32Array(width * C * samples * prompts).fill(-Infinity);
  for (let b = 0; b < prompts; b++) {
    const tree = trees[b];
    const row = (slot: number, i: number): number => ((b * samples + slot) * C + i) * width;
    for (let slot = 0; slot < samples; slot++) {
      for (let i = 0; i < C; i++) mask[row(slot, i) + P + i] = 0;
    }
    if (tree === undefined) continue;
    const places = placesIn(layout, tree);
    tree.completions.forEach(({ length }, s) => {
      const { slot, offset } = places[s] ?? { slot: s, offset: 0 };
      for (let i = offset; i < offset + length; i++) {
        const at = row(slot, i);
        mask.fill(0, at, at + tree.prompt.length);
        mask.fill(0, at + P + offset, at + P + i + 1);
      }
    });
  }
  return mask;
}
