/** Worked solutions as the agent would have walked them: right chains to begin learning from. */
import type { ToolCall } from '../chat/messages.ts';
import { UserError } from '../base/errors.ts';
import { asTokenIds } from '../base/token-ids.ts';
import { STOP } from './agent.ts';
import type { EnvironmentHost, Problem } from './environment.ts';
import type { WorkedSolution } from './solution.ts';
import type { Speech } from './speech.ts';

/** Makes the calls of a problem's solution, one a step; throws a UserError when it has none, or one that fails. */
export async function workedChain(
  { id, solution, setting, answer }: Problem,
  host: EnvironmentHost,
  speech: Speech,
): Promise<WorkedSolution> {
  const fault = (text: string): UserError =>
    new UserError('NO_SOLUTION', `The problem ${id} of the environment ${host.name} ${text}`);
  if (solution === undefined)
    throw fault('has no solution to learn from; give its problems solutions, or leave them to a teacher.');
  const tokens: number[] = [];
  const drawn: number[] = [];
  const add = (ids: Iterable<number>, own: 0 | 1): void => {
    for (const one of ids) {
      tokens.push(one);
      drawn.push(own);
    }
  };
  const say = (reasoning: string, call: ToolCall): void => {
    add(speech.turn({ content: '', reasoning, toolCalls: [call] }), 1);
  };
  const session = host.open(setting);
  for (const { thought, calls } of solution) {
    for (const call of calls) {
      const { ok, text } = await session.call(call.name, call.arguments);
      if (!ok) throw fault(`has a solution that fails at ${call.name}: ${text}`);
      say(thought, call);
      add(speech.results([text]), 0);
    }
  }
  session.close();
  say('Done.', { name: STOP.name, arguments: { answer } });
  return { tokens: asTokenIds(tokens), drawn: Uint8Array.from(drawn) };
}
