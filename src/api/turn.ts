/** Completions read as a chat would show them: thought, words, calls. Rewards have stricter rules of their own. */
import { hermes } from '../chat/formats/hermes.ts';
import { afterThink, shownParts } from '../chat/generation.ts';
import type { Message } from '../chat/messages.ts';
import { callsOfTurn, type TurnContext } from '../environment/turn.ts';

/** A completion taken apart. */
export interface Turn {
  /** To be appended to the conversation's messages. */
  readonly message: Message & { readonly role: 'assistant' };
  /** Faults of calls that cannot be made, one sentence each. */
  readonly faults: readonly string[];
}

/**
 * Takes apart what a model wrote in its turn: in Hermes's format unless the context of the turn says another.
 *
 * @example
 * readTurn('<think>\nTea.\n</think>\n\n<tool_call>\n{"name": "set_timer", "arguments": {"minutes": 3}}\n</tool_call>')
 * // { message: { role: 'assistant', content: '', reasoning: 'Tea.', toolCalls: [{ name: 'set_timer', … }] }, faults: [] }
 */
export function readTurn(
  text: string,
  { format = hermes, prompt = '', tools = [] }: Partial<TurnContext> = {},
): Turn {
  const [thought] = shownParts(text, format);
  const reasoning = thought.trim();
  const calls = callsOfTurn(text, { format, prompt, tools });
  const toolCalls = calls.flatMap((call) =>
    call.kind === 'call' ? [{ name: call.name, arguments: call.given }] : [],
  );
  return {
    message: {
      role: 'assistant',
      content: format.outsideOfCalls(afterThink(text, format)).trim(),
      ...(reasoning === '' ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
    },
    faults: calls.flatMap((call) => (call.kind === 'broken' ? [call.message] : [])),
  };
}
