/** Worked solutions as conversations: what a model of this environment should write, with what it would be told. */
import { UserError } from '../base/errors.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import type { Message } from '../chat/messages.ts';
import type { EnvironmentHost, Problem } from './environment.ts';
import type { Speech } from './speech.ts';

/** A conversation in tokens after its prompt. */
export interface WorkedSolution {
  readonly tokens: TokenIds;
  /** 1 for the assistant's tokens, 0 for results. */
  readonly drawn: Uint8Array;
}

function append(parts: { tokens: number[]; drawn: number[] }, ids: TokenIds, drawn: 0 | 1): void {
  for (const id of ids) {
    parts.tokens.push(id);
    parts.drawn.push(drawn);
  }
}

/** Makes the calls of a problem's solution; throws a UserError when it has none, or one that fails. */
export async function workedSolution(
  problem: Problem,
  host: EnvironmentHost,
  speech: Speech,
): Promise<WorkedSolution> {
  const { id, solution, setting, answer } = problem;
  if (solution === undefined)
    throw new UserError(
      'NO_SOLUTION',
      `The problem ${id} of the environment ${host.name} has no solution to learn from; give its problems solutions, or leave them to a teacher.`,
    );
  const parts = { tokens: [] as number[], drawn: [] as number[] };
  const say = (message: Omit<Message, 'role'>): void => append(parts, speech.turn(message), 1);
  const session = host.open(setting);
  for (const { thought, calls } of solution) {
    say({ content: '', reasoning: thought, toolCalls: calls });
    const texts: string[] = [];
    for (const { name, arguments: given } of calls) {
      const { ok, text } = await session.call(name, given);
      if (!ok)
        throw new UserError(
          'NO_SOLUTION',
          `The solution of the problem ${id} of the environment ${host.name} fails at ${name}: ${text}`,
        );
      texts.push(text);
    }
    append(parts, speech.results(texts), 0);
  }
  session.close();
  say({ content: `\\boxed{${answer}}`, reasoning: 'Done.' });
  return { tokens: asTokenIds(parts.tokens), drawn: Uint8Array.from(parts.drawn) };
}
