/** Accuracy in an environment's domain and on transfer, and the use of tools, of several models. */
import { Speech } from '../../packages/environments/src/speech.ts';
import { accuracyOf } from '../eval/held-out.ts';
import {
  judgeToolUse,
  type SplitProblem,
  toolCounts,
  toolDivergence,
  type ToolVerdict,
  toolVerdictSchema,
} from '../eval/tool-use.ts';
import type { Metrics } from '../train/events.ts';
import { measure, measuringOptions, noModels } from './measuring.ts';
import { count, defineStage, someText, toolOptions } from './stage.ts';

const SPLITS = ['test', 'transfer'] as const;

const ofSplit = (judged: readonly ToolVerdict[], split: (typeof SPLITS)[number]): ToolVerdict[] =>
  judged.filter((verdict) => verdict.split === split);

const shareOf = (verdicts: readonly ToolVerdict[]): number =>
  verdicts.filter(({ correct }) => correct).length / verdicts.length;

/** Accuracy by split, as far as problems of it were judged. */
function metricsOf(judged: readonly ToolVerdict[]): Metrics {
  const [test, transfer] = [ofSplit(judged, 'test'), ofSplit(judged, 'transfer')];
  return {
    ...(test.length === 0 ? {} : { accuracy: shareOf(test) }),
    ...(transfer.length === 0 ? {} : { transfer_accuracy: shareOf(transfer) }),
    calls: judged.reduce((n, { tools, invented }) => n + tools.length + invented, 0) / judged.length,
  };
}

const categoryOf = ({ split, category }: ToolVerdict): string => `${split} ${category}`;

/** A row in the form of every evaluation: the accuracy in the domain, with transfer and tools beside it. */
function rowOf(judged: readonly ToolVerdict[], reference: readonly ToolVerdict[] | undefined) {
  const named = judged.map((verdict) => ({ ...verdict, category: categoryOf(verdict) }));
  const { total, correct, errors } = accuracyOf(ofSplit(named, 'test'));
  const transfer = accuracyOf(ofSplit(named, 'transfer'));
  const tools = toolCounts(judged);
  return {
    ...accuracyOf(named),
    total,
    correct,
    errors,
    transfer: { total: transfer.total, correct: transfer.correct },
    tools,
    toolDivergence:
      (reference === undefined ? undefined : toolDivergence(tools, toolCounts(reference))) ?? null,
  };
}

export const toolEvaluation = defineStage({
  about: 'accuracy with functions, in the domain and on transfer, and the use of tools, of several models',
  options: {
    environment: toolOptions.environment,
    ...measuringOptions,
    teacher: someText.exactOptional().describe("the label whose use of tools the others' is compared with"),
    limit: count.exactOptional().describe('use at most this many problems of each split'),
    max_turns: toolOptions.max_turns,
    rollout_batch_size: count.default(64).describe('problems that are solved at once'),
  },
  makes: 'evaluation',
  watch: ['accuracy'],
  storesVerdicts: true,
  *check({ models, teacher }) {
    yield* noModels(models);
    if (teacher !== undefined && !(teacher in models))
      yield [
        'teacher',
        `is ${teacher}, which is no label of its models; name one of ${Object.keys(models).join(', ')}.`,
      ];
  },
  async *run(context, given) {
    using environment = await context.openEnvironment(given.environment);
    const { host, rolloutMode } = environment;
    const problems: SplitProblem[] = [];
    for (const split of SPLITS)
      for (const problem of (await environment.problems(split)).slice(0, given.limit))
        problems.push({ ...problem, split });
    const labels = Object.keys(given.models);
    return yield* measure(context, {
      options: given,
      tasks: problems,
      what: 'problems',
      verdict: toolVerdictSchema,
      judge(tasks, { tokenizer, template, ...asked }) {
        const speech = new Speech(tokenizer, template);
        return judgeToolUse(tasks, { ...asked, speech, host, rolloutMode, max_turns: given.max_turns });
      },
      isUnasked: ({ error }) => error === 'too_long',
      metrics: metricsOf,
      row: (judged, all) => rowOf(judged, all[labels.findIndex((label) => label === given.teacher)]),
      category: categoryOf,
    });
  },
});
