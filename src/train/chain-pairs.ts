/**
 * Pairs from several chains of calls about one problem, right ones and wrong ones: over whole chains, or at the first
 * step at which a wrong chain leaves a right one. In a step the calls are compared and not the words around them.
 */
import { isDeepStrictEqual } from 'node:util';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import type { Speech } from '../../packages/environments/src/speech.ts';
import type { PairAnswer, PreferencePair } from './pairs.ts';
import { spansOf, type StoredTrajectories, type Trajectory } from './trajectory-store.ts';

/** first_difference: two versions of one step, after the steps that the chains have in common; whole: two chains. */
export const CHAIN_PAIRINGS = ['first_difference', 'whole'] as const;

/** One turn of the model, with what was read after it. */
interface Turn {
  /** Its tokens are those from `start` to `end` of the chain. */
  readonly start: number;
  readonly end: number;
  /** Its calls, or its words where it makes none. */
  readonly said: unknown;
  /** Results that were read after it; empty at the end of a chain. */
  readonly results: string;
}

interface Chain extends Trajectory {
  readonly turns: readonly Turn[];
}

/** The turns of a chain: what the model wrote between two results. */
function turnsOf({ tokens, rows }: Trajectory, speech: Speech): Turn[] {
  const { tokenizer } = speech;
  const spans = spansOf(rows);
  return spans.map(([start, count], i) => {
    const end = start + count;
    const text = tokenizer.decode(tokens.subarray(start, end));
    const calls = speech
      .calls(text)
      .map((call) => (call.kind === 'call' ? { name: call.name, given: call.given } : call));
    const results = tokenizer.decode(tokens.subarray(end, spans[i + 1]?.[0] ?? tokens.length));
    return { start, end, said: calls.length > 0 ? calls : text, results };
  });
}

/** Tells whether two turns do the same and come to the same; where a chain was cut, nobody knows what it came to. */
function sameTurn(a: Turn | undefined, b: Turn | undefined): boolean {
  if (a === undefined || b === undefined || !isDeepStrictEqual(a.said, b.said)) return false;
  return a.results === b.results || a.results === '' || b.results === '';
}

function commonTurns(a: Chain, b: Chain): number {
  let common = 0;
  while (sameTurn(a.turns[common], b.turns[common])) common += 1;
  return common;
}

/** Beginning that two chains share, and the right and the wrong way on from there. */
interface Fork {
  readonly prompt: TokenIds;
  readonly chosen: Pick<PairAnswer, 'tokens' | 'rows'>;
  readonly rejected: Pick<PairAnswer, 'tokens' | 'rows'>;
}

/** The first step at which `wrong` leaves the right chain that it follows for longest. */
function firstDifference(prompt: TokenIds, rights: readonly Chain[], wrong: Chain): Fork | undefined {
  const [best] = rights
    .map((right) => ({ right, common: commonTurns(right, wrong) }))
    // A chain that was cut, and did nothing wrong before that, has no step to be learned from.
    .filter(({ right, common }) => common < Math.min(right.turns.length, wrong.turns.length))
    .toSorted((a, b) => b.common - a.common);
  if (best === undefined) return undefined;
  const { right, common } = best;
  const step = ({ tokens, turns }: Chain) => ({
    tokens: asTokenIds(tokens.slice(turns[common]?.start, turns[common]?.end)),
  });
  const before = right.tokens.subarray(0, right.turns[common]?.start);
  return { prompt: asTokenIds([...prompt, ...before]), chosen: step(right), rejected: step(wrong) };
}

/** The pairs of one problem, one for each wrong chain, without those that come twice. */
function pairsOf(
  { id, prompt, samples }: StoredTrajectories,
  speech: Speech,
  { pairing, pairs_per_problem: most }: ChainPairOptions,
): PreferencePair[] {
  const { tokenizer } = speech;
  const answer = (tokens: TokenIds, rows: PairAnswer['rows'], reward: number): PairAnswer => ({
    text: tokenizer.decode(tokens),
    tokens,
    reward,
    ...(rows === undefined ? {} : { rows }),
  });
  const chains = samples
    .filter(({ rows }) => rows.length > 0)
    .map((trajectory): Chain => ({ ...trajectory, turns: turnsOf(trajectory, speech) }));
  const rights = chains.filter(({ correct }) => correct);
  const wrongs = chains.filter(({ correct }) => !correct);
  const pairs = new Map<string, PreferencePair>();
  for (const [i, rejected] of wrongs.entries()) {
    const chosen = rights[i % Math.max(1, rights.length)];
    if (chosen === undefined || pairs.size === most) break;
    const fork =
      pairing === 'whole' ? { prompt, chosen, rejected } : firstDifference(prompt, rights, rejected);
    if (fork === undefined) continue;
    const key = `${fork.prompt.join()}|${fork.rejected.tokens.join()}`;
    if (pairs.has(key)) continue;
    pairs.set(key, {
      id,
      prompt: tokenizer.decode(fork.prompt),
      promptIds: fork.prompt,
      chosen: answer(fork.chosen.tokens, fork.chosen.rows, 1),
      rejected: answer(fork.rejected.tokens, fork.rejected.rows, 0),
    });
  }
  return [...pairs.values()];
}

interface ChainPairOptions {
  readonly pairing: (typeof CHAIN_PAIRINGS)[number];
  readonly pairs_per_problem: number;
}

/**
 * Pairs of every problem that has both right and wrong chains; `dropped` counts problems with right chains only, with
 * wrong ones only, and whose wrong chains never differ from a right one.
 */
export function chooseChainPairs(
  problems: readonly StoredTrajectories[],
  speech: Speech,
  options: ChainPairOptions,
) {
  const dropped = { right: 0, wrong: 0, same: 0 };
  const pairs = problems.flatMap((problem) => {
    const found = pairsOf(problem, speech, options);
    if (found.length > 0) return found;
    const right = problem.samples.some(({ correct }) => correct);
    const wrong = problem.samples.some(({ correct }) => !correct);
    dropped[right && wrong ? 'same' : right ? 'right' : 'wrong'] += 1;
    return [];
  });
  return { pairs, dropped };
}
