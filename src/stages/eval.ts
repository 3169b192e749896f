/** Exact-match accuracy of several models on the held-out split. */
import { accuracyOf, judgedSchema, judgeHeldOut } from '../eval/held-out.ts';
import { measure, measuringOptions, noModels } from './measuring.ts';
import { count, defineStage } from './stage.ts';
import { engineOption } from './teacher.ts';

export const evaluation = defineStage({
  about: 'exact-match accuracy of several models on the held-out split',
  options: {
    ...measuringOptions,
    engine: engineOption,
    limit: count.exactOptional().describe('use at most this many test dialogues'),
    rollout_batch_size: count.default(32).describe('prompts that are answered at once'),
  },
  makes: 'evaluation',
  watch: ['exact_match'],
  reads: () => 'test',
  storesVerdicts: true,
  check: ({ models }) => noModels(models),
  run(context, given) {
    const dialogues = context.dialogues('test');
    return measure(context, {
      options: given,
      count: Math.min(given.limit ?? Infinity, dialogues.length),
      batch: given.rollout_batch_size,
      what: 'prompts',
      verdict: judgedSchema,
      verdicts: (answering, first) =>
        judgeHeldOut(
          {
            ...answering,
            dialogues: dialogues.slice(0, given.limit),
            sampling: { temperature: given.temperature, generate_max_len: given.generate_max_len },
            batch: given.rollout_batch_size,
            seed: context.seed,
            signal: context.signal,
          },
          first,
        ),
      isUnasked: ({ tokens }) => tokens === 0,
      metrics: (judged) => ({ exact_match: judged.filter(({ correct }) => correct).length / judged.length }),
      row: (label, ref, all, index) => ({ label, ref, ...accuracyOf(all[index] ?? []) }),
    });
  },
});
