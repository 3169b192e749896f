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
    return measure(context, {
      options: given,
      tasks: context.dialogues('test').slice(0, given.limit),
      what: 'prompts',
      verdict: judgedSchema,
      judge: judgeHeldOut,
      isUnasked: ({ tokens }) => tokens === 0,
      metrics: (judged) => ({ exact_match: judged.filter(({ correct }) => correct).length / judged.length }),
      row: accuracyOf,
    });
  },
});
