/** Stages in which models call functions: which tokens count, and what is logged. */
import type { Conversation } from '../environment/conversation.ts';
import type { Metrics } from './events.ts';

/** Indices of a conversation's own tokens: what functions returned is read, and not learned. */
export function rowsOf({ drawn }: Pick<Conversation, 'drawn'>): number[] {
  const rows: number[] = [];
  drawn.forEach((own, i) => {
    if (own === 1) rows.push(i);
  });
  return rows;
}

/** Metrics of a conversation, whatever it is for. */
export function conversationParts({ calls, turns, end }: Conversation): Metrics {
  return {
    calls: calls.length,
    failed_calls: calls.length === 0 ? 0 : calls.filter(({ result }) => !result.ok).length / calls.length,
    turns: turns.length,
    truncated: end === 'length' ? 1 : 0,
  };
}
