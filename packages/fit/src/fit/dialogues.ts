/** Cases as dialogues that recipes read, one a line; their functions stand in a file of their own, once for all. */
import { writeAtomic } from '../../../../src/base/files.ts';
import { Rng } from '../../../../src/base/rng.ts';
import type { Message, Tool } from '../../../../src/chat/messages.ts';
import { inOrder } from '../../../../src/chat/tools.ts';
import type { Case, CaseKind, Example } from '../types.ts';
import type { SomeFunctions } from './some.ts';

/** Answer in words where a case asks for words and does not say which. */
export const DEFAULT_REPLY = "I can't do that.";

/** Right answer to a case. */
export const answerOf = ({ calls, reply }: Pick<Case, 'calls' | 'reply'>): Message => ({
  role: 'assistant',
  content: calls.length > 0 || reply !== '' ? reply : DEFAULT_REPLY,
  ...(calls.length > 0 ? { toolCalls: calls } : {}),
});

/** A case as a line of a recipe's data; `shown` are functions of its own. */
function dialogueLine(one: Case, functions: readonly Tool[], shown?: readonly Tool[]): string {
  const { content, toolCalls: calls = [] } = answerOf(one);
  const toolCalls = calls.map((call) => inOrder(call, functions));
  const answer = {
    role: 'assistant',
    content,
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
  };
  const messages = [{ role: 'user', content: one.request }, answer];
  return JSON.stringify({
    id: one.id,
    category: one.kind,
    ...(shown === undefined ? {} : { tools: shown }),
    messages,
  });
}

/** Writes cases as dialogues, in an order that the seed gives: neighbours are learned from in one step. */
export function writeDialogues(
  path: string,
  cases: readonly Case[],
  functions: readonly Tool[],
  seed: number,
): void {
  const lines = Rng.seeded(seed, 'order')
    .shuffled(cases)
    .map((one) => `${dialogueLine(one, functions)}\n`);
  writeAtomic(path, lines.join(''));
}

/** Writes cases with some of the functions each: see withSomeFunctions. */
export function writeSome(path: string, groups: readonly SomeFunctions[]): void {
  const lines = groups.flatMap(({ functions, cases }) =>
    cases.map((one) => `${dialogueLine(one, functions, functions)}\n`),
  );
  writeAtomic(path, lines.join(''));
}

/** Kind of a request that a person wrote: what is missing is asked back for. */
export function kindOfExample({ calls, reply }: Pick<Example, 'calls' | 'reply'>): CaseKind {
  if (calls.length > 0) return calls.length > 1 ? 'several' : 'single';
  return reply.trim().endsWith('?') ? 'missing' : 'irrelevant';
}

/** Examples of a person as cases, each a wording of its own. */
export const casesOf = (examples: readonly Example[]): Case[] =>
  examples.map(({ line, ...example }) => ({
    ...example,
    id: `line-${line}`,
    kind: kindOfExample(example),
    wording: example.request.toLowerCase().trim(),
    made: 'example',
  }));
