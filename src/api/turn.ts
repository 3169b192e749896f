/** Completions read as a chat would show them: thought, words, calls. Rewards have stricter rules of their own. */
import { FORMAT } from '../chat/formats/index.ts';
import { afterThink, outsideOfCalls, shownParts } from '../chat/generation.ts';
import type { Message } from '../chat/messages.ts';
import { callsOfTurn } from '../environment/turn.ts';

/** A completion taken apart. */
export interface Turn {
  /** To be appended to the conversation's messages. */
  readonly message: Message & { readonly role: 'assistant' };
  /** Faults of calls that cannot be made, one sentence each. */
  readonly faults: readonly string[];
}

/**
 * Takes apart what a model wrote in its turn.
 *
 * @example
 * readTurn('<think>\nTea.\n</think>\n\n<tool_call>\n{"name": "set_timer", "arguments": {"minutes": 3}}\n</tool_call>')
 * // { message: { role: 'assistant', content: '', reasoning: 'Tea.', toolCalls: [{ name: 'set_timer', … }] }, faults: [] }
 */
export function readTurn(text: string): Turn {
  const [thought, said] = shownParts(text);
  const reasoning = thought.trim();
  const calls = callsOfTurn(FORMAT.think.close + said);
  const toolCalls = calls.flatMap((call) =>
    call.kind === 'call' ? [{ name: call.name, arguments: call.given }] : [],
  );
  return {
    message: {
      role: 'assistant',
      content: outsideOfCalls(afterThink(text)).trim(),
      ...(reasoning === '' ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
    },
    faults: calls.flatMap((call) => (call.kind === 'broken' ? [call.message] : [])),
  };
}
