/** Completions read as a chat would show them: thought, words, calls. Rewards have stricter rules of their own. */
import { type FormatName, formats } from '../../../src/chat/formats/index.ts';
import { afterThink, shownParts } from '../../../src/chat/generation.ts';
import type { Message, Tool } from '../../../src/chat/messages.ts';
import { callsOfTurn, type TurnContext } from '../../environments/src/turn.ts';

export interface Turn {
  /** To be appended to the conversation's messages. */
  readonly message: Message & { readonly role: 'assistant' };
  /** Faults of calls that cannot be made, one sentence each. */
  readonly faults: readonly string[];
}

/** Form of a turn (Hermes's, unless told), the prompt that it follows, and the tools that it may call. */
export interface TurnOptions {
  readonly format?: FormatName;
  /** Tells whether the turn begins in a thought. */
  readonly prompt?: string;
  /** Types of arguments, where the format leaves them open. */
  readonly tools?: readonly Tool[];
}

/**
 * Takes apart what a model wrote in its turn.
 *
 * @example
 * readTurn('<think>\nTea.\n</think>\n\n<tool_call>\n{"name": "set_timer", "arguments": {"minutes": 3}}\n</tool_call>')
 * // { message: { role: 'assistant', content: '', reasoning: 'Tea.', toolCalls: [{ name: 'set_timer', … }] }, faults: [] }
 */
export function readTurn(
  text: string,
  { format = 'hermes', prompt = '', tools = [] }: TurnOptions = {},
): Turn {
  return turnIn(text, { format: formats[format], prompt, tools });
}

/** Takes apart a turn in the format of its model. */
export function turnIn(text: string, context: TurnContext): Turn {
  const { format } = context;
  const [thought] = shownParts(text, format);
  const reasoning = thought.trim();
  const calls = callsOfTurn(text, context);
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
