/** Worked solutions as the agent would have walked them: right chains to begin learning from. */
import { UserError } from '../base/errors.ts';
import { asTokenIds } from '../base/token-ids.ts';
import type { ToolCall } from '../chat/messages.ts';
import { renderTarget } from '../chat/template.ts';
import { type Chain, type ChainStep, STOP } from './agent.ts';
import type { EnvironmentHost, Problem } from './environment.ts';
import type { Speech } from './speech.ts';

/** Makes the calls of a problem's solution, one a step; throws a UserError when it has none, or one that fails. */
export async function workedChain(problem: Problem, host: EnvironmentHost, speech: Speech): Promise<Chain> {
  const { id, solution, setting, answer } = problem;
  const fault = (text: string): UserError =>
    new UserError('NO_SOLUTION', `The problem ${id} of the environment ${host.name} ${text}`);
  if (solution === undefined)
    throw fault(
      'has no solution to learn from; give its problems solutions, or let a model walk the chains.',
    );
  const steps: ChainStep[] = [];
  const say = (thought: string, call: ToolCall, result: string, last = false): void => {
    const text = renderTarget({ role: 'assistant', content: '', reasoning: thought, toolCalls: [call] });
    steps.push({
      text,
      tokens: speech.tokenizer.encode(text),
      name: call.name,
      given: call.arguments,
      result,
      reply: last ? asTokenIds([]) : speech.results([result]),
    });
  };
  const session = host.open(setting);
  for (const { thought, calls } of solution) {
    for (const call of calls) {
      const { ok, text } = await session.call(call.name, call.arguments);
      if (!ok) throw fault(`has a solution that fails at ${call.name}: ${text}`);
      say(thought, call, text);
    }
  }
  session.close();
  say('Done.', { name: STOP.name, arguments: { answer } }, '', true);
  return { steps, end: 'stopped', answer, failures: 0 };
}
