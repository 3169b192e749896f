/** BFCL v3's multi-turn categories: simulated APIs, what drives a model through their turns, and the checker. */
export { callText } from './call-text.ts';
export { checkMultiTurn, type DecodedTurns, type MultiTurnVerdict } from './checker.ts';
export { isLongContext, readMultiTurnEntry, type MultiTurnEntry } from './entry.ts';
export { LongContext } from './long-context.ts';
export { Shared } from './shared.ts';
export { Simulation } from './simulation.ts';
