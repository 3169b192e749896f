/**
 * A SentencePiece vocabulary as GGUF files hold it: tokens with scores instead of merges. Two neighbours are merged
 * where their texts together are a token, the highest score first, which is the same as a list of merges.
 */
import type { Merges } from './bpe.ts';

/** The merges of `tokens`, the most urgent first, as Hugging Face's converter lists them; a token without a score takes no part. */
export function mergesByScore(
  tokens: readonly (string | undefined)[],
  scoreOf: (id: number) => number | undefined,
): Merges {
  const idOf = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (token !== undefined) idOf.set(token, id);
  });
  const lengths = Int32Array.from(tokens, (token = '') => Array.from(token).length);
  const found: { left: number; right: number; result: number; score: number }[] = [];
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
  found.sort(
    (a, b) => b.score - a.score || length(b.left) - length(a.left) || length(b.right) - length(a.right),
  );
  return {
    left: Int32Array.from(found, ({ left }) => left),
    right: Int32Array.from(found, ({ right }) => right),
    result: Int32Array.from(found, ({ result }) => result),
  };
}

/** Scores that say what `merges` say: of each token that they make the negative number of those before it, `skip` left out. */
export function scoresOf(merges: Merges, skip: (id: number) => boolean): ReadonlyMap<number, number> {
  const scores = new Map<number, number>();
  for (const id of merges.result) if (!skip(id) && !scores.has(id)) scores.set(id, -scores.size);
  return scores;
}
