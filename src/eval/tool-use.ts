/** Measures of models that solve problems with functions: accuracy by split, and which functions they use. */
import { z } from 'zod';
import type { Conversation } from '../../packages/environments/src/conversation.ts';
import { type EnvironmentHost, type Problem, SPLITS } from '../../packages/environments/src/environment.ts';
import type { RolloutMode } from '../../packages/environments/src/rollout-mode.ts';
import type { Speech } from '../../packages/environments/src/speech.ts';
import { lastBoxed } from '../rewards/math-answer.ts';
import { answersRightly } from '../rewards/mentor.ts';
import { judgedSchema, type Measured } from './held-out.ts';

/**
 * Why a conversation is not right: its prompt was too long to be asked, it came to the end of its tokens, it still made
 * calls in its last turn, it gave no answer in \boxed{}, or another one. Empty where it is right.
 */
const errorSchema = z.enum(['too_long', 'cut', 'no_turns_left', 'no_answer', 'wrong_answer', '']);

export const toolVerdictSchema = judgedSchema.extend({
  split: z.enum(SPLITS),
  error: errorSchema,
  /** Names of the functions that exist and were called, in order. */
  tools: z.array(z.string()),
  invented: z.int(),
});

export type ToolVerdict = z.output<typeof toolVerdictSchema>;

export type SplitProblem = Problem & Pick<ToolVerdict, 'split'>;

export interface ToolUseOptions extends Pick<Measured, 'sampler' | 'maxPromptTokens' | 'sampling'> {
  readonly speech: Speech;
  readonly host: EnvironmentHost;
  readonly rolloutMode: RolloutMode;
  readonly max_turns: number;
}

function errorOf({ answer }: Problem, { response, end }: Conversation): ToolVerdict['error'] {
  if (answersRightly(answer, response)) return '';
  if (end === 'length') return 'cut';
  if (end === 'turns') return 'no_turns_left';
  return (lastBoxed(response.text)?.trim() ?? '') === '' ? 'no_answer' : 'wrong_answer';
}

function judge(
  problem: SplitProblem,
  conversation: Conversation | undefined,
  { speech, host }: ToolUseOptions,
) {
  const names = new Set(host.tools.map(({ name }) => name));
  const called = conversation?.response.calls ?? [];
  const tools = called.flatMap(({ name }) => (typeof name === 'string' && names.has(name) ? [name] : []));
  const error = conversation === undefined ? 'too_long' : errorOf(problem, conversation);
  return {
    id: problem.id,
    split: problem.split,
    category: problem.category,
    request: problem.question,
    gold: problem.answer,
    output: conversation === undefined ? '' : speech.tokenizer.decode(conversation.tokens),
    correct: error === '',
    error,
    tokens: conversation?.tokens.length ?? 0,
    tools,
    invented: called.length - tools.length,
  };
}

/** Lets a model solve problems, and judges each in order. */
export async function judgeToolUse(
  problems: readonly SplitProblem[],
  options: ToolUseOptions,
): Promise<ToolVerdict[]> {
  const { speech, host, rolloutMode, sampling, max_turns, maxPromptTokens } = options;
  const asked = problems.map((problem) => ({
    problem,
    ...rolloutMode.prompt(speech, problem.question, host),
  }));
  const fitting = asked.filter(({ ids }) => ids.length <= maxPromptTokens);
  const drawn = await rolloutMode.converse(
    fitting.map(({ problem: { setting }, ...prompt }) => ({ ...prompt, setting })),
    options,
    { ...sampling, max_turns },
  );
  const solved = new Map(fitting.map(({ problem }, i) => [problem, drawn[i]?.[0]]));
  return problems.map((problem) => judge(problem, solved.get(problem), options));
}

export type ToolCounts = Readonly<Record<string, number>>;

export function toolCounts(verdicts: readonly ToolVerdict[]): ToolCounts {
  const counts: Record<string, number> = {};
  for (const name of verdicts.flatMap(({ tools }) => tools)) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/**
 * Jensen-Shannon distance between two uses of functions: the square root of the divergence in bits, 0 for equal
 * shares and 1 for no function in common. Undefined when one of them called nothing: there are no shares then.
 */
export function toolDivergence(a: ToolCounts, b: ToolCounts): number | undefined {
  const [totalA, totalB] = [a, b].map((counts) => Object.values(counts).reduce((sum, n) => sum + n, 0));
  if (totalA === undefined || totalB === undefined || totalA === 0 || totalB === 0) return undefined;
  let divergence = 0;
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [p, q] = [(a[name] ?? 0) / totalA, (b[name] ?? 0) / totalB];
    const middle = (p + q) / 2;
    if (p > 0) divergence += (p / 2) * Math.log2(p / middle);
    if (q > 0) divergence += (q / 2) * Math.log2(q / middle);
  }
  // Rounding may leave a little less than nothing.
  return Math.sqrt(Math.max(0, divergence));
}
