/** Exact-match accuracy of several models on the held-out split. */
import { accuracyOf, judgedSchema, judgeHeldOut } from '../eval/held-out.ts';
import { promptLimit } from '../train/prompts.ts';
import { measure, measuringOptions, noModels, openJudge } from './measuring.ts';
import { count, defineStage } from './stage.ts';

export const evaluation = defineStage({
  about: 'exact-match accuracy of several models on the held-out split',
  options: {
    ...measuringOptions,
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
      models: given.models,
      count: Math.min(given.limit ?? Infinity, dialogues.length),
      batch: given.rollout_batch_size,
      what: 'prompts',
      verdict: judgedSchema,
      open: (reference) =>
        openJudge(context, reference, given.compute_dtype, (model, sampler, first) =>
          judgeHeldOut(
            {
              dialogues: dialogues.slice(0, given.limit),
              sampler,
              tokenizer: model.tokenizer,
              template: model.template,
              sampling: { temperature: given.temperature, generate_max_len: given.generate_max_len },
              maxPromptTokens: promptLimit(context.name, given, model.config),
              batch: given.rollout_batch_size,
              seed: context.seed,
              signal: context.signal,
            },
            first,
          ),
        ),
      isUnasked: ({ tokens }) => tokens === 0,
      metrics: (judged) => ({ exact_match: judged.filter(({ correct }) => correct).length / judged.length }),
      row: (label, ref, all, index) => ({ label, ref, ...accuracyOf(all[index] ?? []) }),
    });
  },
});
