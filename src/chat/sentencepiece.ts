/**
 * A SentencePiece vocabulary as GGUF files hold it: tokens with scores instead of merges. Two neighbours are merged
 * where their texts together are a token, the highest score first, which is the same as a list of merges.
 */
import { idsByText, type Merge } from './bpe.ts';

/** The merges of `tokens`, the most urgent first, as Hugging Face's converter lists them; a token without a score takes no part. */
export function mergesByScore(
  tokens: readonly (string | undefined)[],
  scoreOf: (id: number) => number | undefined,
): readonly Merge[] {
  const idOf = idsByText(tokens);
  const lengths = Int32Array.from(tokens, (token = '') => Array.from(token).length);
  const found: (Merge & { readonly score: number })[] = [];
  for (const [token, result] of idOf) {
    const score = scoreOf(result);
    if (score === undefined) continue;
    const pairs: typeof found = [];
    for (let cut = 1; cut < token.length; cut++) {
      const left = idOf.get(token.slice(0, cut));
      const right = left === undefined ? undefined : idOf.get(token.slice(cut));
      if (left !== undefined && right !== undefined) pairs.push({ left, right, result, score });
    }
    found.push(...pairs.sort((a, b) => a.left - b.left || a.right - b.right));
  }
  const length = (id: number): number => lengths[id] ?? 0;
  return found.sort(
    (a, b) => b.score - a.score || length(b.left) - length(a.left) || length(b.right) - length(a.right),
  );
}

/** Scores that say what `merges` say: of each token that they make the negative number of those before it, `skip` left out. */
export function scoresOf(
  merges: readonly Merge[],
  skip: (id: number) => boolean,
): ReadonlyMap<number, number> {
  const scores = new Map<number, number>();
  for (const { result } of merges) if (!skip(result) && !scores.has(result)) scores.set(result, -scores.size);
  return scores;
}
