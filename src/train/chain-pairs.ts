/**
 * Pairs from several chains of calls about one problem, right ones and wrong ones: over whole chains, or at the first
 * step at which a wrong chain leaves a right one. In a step the calls are compared and not the words around them.
 */
import { isDeepStrictEqual } from 'node:util';
import { asTokenIds } from '../base/token-ids.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { Speech } from '../environment/speech.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { PairAnswer, PreferencePair } from './pairs.ts';
import { spansOf, type StoredTrajectories, type Trajectory } from './trajectory-store.ts';

export const CHAIN_PAIRINGS = ['first_difference', 'whole'] as const;
/** first_difference: two versions of one step, after the steps that the chains have in common; whole: two chains. */
export type ChainPairing = (typeof CHAIN_PAIRINGS)[number];

export interface ChainPairRule {
  readonly pairing: ChainPairing;
  /** Pairs a problem at most. */
  readonly most: number;
}

export interface ChainPairs {
  readonly pairs: readonly PreferencePair[];
  /** Problems with right chains only, with wrong ones only, and whose wrong chains never differ from a right one. */
  readonly dropped: { readonly right: number; readonly wrong: number; readonly same: number };
}

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

interface Chain {
  readonly trajectory: Trajectory;
  readonly turns: readonly Turn[];
}

/** Tells whether two turns do the same and come to the same; where a chain was cut, nobody knows what it came to. */
function sameTurn(a: Turn | undefined, b: Turn | undefined): boolean {
  if (a === undefined || b === undefined || !isDeepStrictEqual(a.said, b.said)) return false;
  return a.results === b.results || a.results === '' || b.results === '';
}

/** Number of steps that two chains begin with in common. */
function commonTurns(a: Chain, b: Chain): number {
  let common = 0;
  while (sameTurn(a.turns[common], b.turns[common])) common += 1;
  return common;
}

/** The pair at the first step at which `wrong` leaves the right chain that it follows for longest. */
function firstDifference(
  { id, prompt }: StoredTrajectories,
  rights: readonly Chain[],
  wrong: Chain,
  tokenizer: Tokenizer,
): PreferencePair | undefined {
  const ranked = rights.map((right) => ({ right, common: commonTurns(right, wrong) }));
  // A chain that was cut, and did nothing wrong before that, has no step to be learned from.
  const usable = ranked.filter(
    ({ right, common }) => common < Math.min(right.turns.length, wrong.turns.length),
  );
  const [first, ...others] = usable;
  if (first === undefined) return undefined;
  const { right, common } = others.reduce((best, next) => (next.common > best.common ? next : best), first);
  const step = ({ trajectory, turns }: Chain, reward: number): PairAnswer => {
    const { start = 0, end = 0 } = turns[common] ?? {};
    const tokens = asTokenIds(trajectory.tokens.slice(start, end));
    return { text: tokenizer.decode(tokens), tokens, reward };
  };
  const before = right.trajectory.tokens.subarray(0, right.turns[common]?.start ?? 0);
  const promptIds = asTokenIds([...prompt, ...before]);
  return {
    id,
    prompt: tokenizer.decode(promptIds),
    promptIds,
    chosen: step(right, 1),
    rejected: step(wrong, 0),
  };
}

function whole(
  { id, prompt }: StoredTrajectories,
  right: Chain,
  wrong: Chain,
  tokenizer: Tokenizer,
): PreferencePair {
  const answer = ({ trajectory: { tokens, rows } }: Chain, reward: number): PairAnswer => ({
    text: tokenizer.decode(tokens),
    tokens,
    rows,
    reward,
  });
  return {
    id,
    prompt: tokenizer.decode(prompt),
    promptIds: prompt,
    chosen: answer(right, 1),
    rejected: answer(wrong, 0),
  };
}

/** The pairs of one problem, one for each wrong chain, without those that come twice. */
function pairsOf(
  problem: StoredTrajectories,
  speech: Speech,
  { pairing, most }: ChainPairRule,
): PreferencePair[] {
  const { tokenizer } = speech;
  const chains = problem.samples
    .filter(({ rows }) => rows.length > 0)
    .map((trajectory) => ({ trajectory, turns: turnsOf(trajectory, speech) }));
  const rights = chains.filter(({ trajectory: { correct } }) => correct);
  const wrongs = chains.filter(({ trajectory: { correct } }) => !correct);
  const pairs = new Map<string, PreferencePair>();
  for (const [i, wrong] of wrongs.entries()) {
    const right = rights[i % Math.max(1, rights.length)];
    if (right === undefined || pairs.size === most) break;
    const pair =
      pairing === 'whole'
        ? whole(problem, right, wrong, tokenizer)
        : firstDifference(problem, rights, wrong, tokenizer);
    if (pair === undefined) continue;
    const key = `${pair.promptIds.join()}|${pair.rejected.tokens.join()}`;
    if (!pairs.has(key)) pairs.set(key, pair);
  }
  return [...pairs.values()];
}

/** Pairs of every problem that has both right and wrong chains. */
export function chooseChainPairs(
  problems: readonly StoredTrajectories[],
  { tokenizer, template }: { readonly tokenizer: Tokenizer; readonly template: ChatTemplate },
  rule: ChainPairRule,
): ChainPairs {
  const speech = new Speech(tokenizer, template);
  const dropped = { right: 0, wrong: 0, same: 0 };
  const pairs = problems.flatMap((problem) => {
    const found = pairsOf(problem, speech, rule);
    if (found.length > 0) return found;
    const right = problem.samples.some(({ correct }) => correct);
    const wrong = problem.samples.some(({ correct }) => !correct);
    dropped[right && wrong ? 'same' : right ? 'right' : 'wrong'] += 1;
    return [];
  });
  return { pairs, dropped };
}
