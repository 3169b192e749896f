/**
 * On-policy distillation (GKD: Agarwal et al., arXiv 2306.13649; TRL's GKDTrainer): in a share `lmbda` of the steps the
 * student answers the prompts itself, and the teacher is asked for its distribution after each token that it wrote; in
 * the others the data's answers stand: gold ones, or the teacher's own of a rollout stage, which is TRL's `seq_kd`. No
 * gradient flows through the drawing, and its temperature does not change the loss, as in TRL. A step's answers depend on
 * its number, the seed and the weights alone.
 */
import { z } from 'zod';
import { required, UserError } from '../base/errors.ts';
import { hashString, Rng } from '../base/rng.ts';
import { asTokenIds } from '../base/token-ids.ts';
import { generalizedJsd } from '../losses/all.ts';
import { paddedVocabulary } from '../chat/tokenizer.ts';
import { samplingOptions } from '../model/generate/sampler.ts';
import { Scorer } from '../model/tree/scoring.ts';
import { Local } from '../sampling/local.ts';
import { sampleAll, samplingOf } from '../sampling/sampler.ts';
import { teacherSchema } from '../sampling/served/options.ts';
import { pickedRows } from '../topk/format.ts';
import { rowsFrom, type TrainExample, treeOf } from '../train/examples.ts';
import { promptLimit } from '../train/prompts.ts';
import { overEpochs } from './lessons.ts';
import { goldProblems, sft, sftLessons } from './sft.ts';
import { fraction, type OptionsOf, refersTo, type StageContext } from './stage.ts';
import { defineTraining, type Opening } from './training.ts';

const options = {
  ...sft.options,
  data: refersTo('train', 'rollouts')
    .default('train')
    .describe('"train", the gold answers; or a rollout stage, for its answers'),
  teacher: z
    .union([refersTo('model'), teacherSchema])
    .describe("the model that says how likely each token is, with the student's tokenizer"),
  lmbda: fraction.default(0.5).describe('share of the steps whose answers the student writes itself'),
  ...generalizedJsd.options,
  ...samplingOptions,
  temperature: samplingOptions.temperature.default(0.9),
  lr: sft.options.lr.default(3e-6),
};
type Options = OptionsOf<typeof options>;

const NO_SERVER =
  'is a server, and none is asked for the probabilities of what it did not write; name a model of the recipe, or distil the answers of a rollout stage.';

/** Opens the teacher; throws a UserError where the student cannot learn from its distributions. */
function openTeacher(context: StageContext, given: Options, { model, held }: Opening): Scorer {
  const { teacher: reference, compute_dtype: dtype, kd_topk } = given;
  const fault = (code: string, text: string): UserError =>
    new UserError(code, `Stage ${context.name}: ${text}`);
  if (typeof reference !== 'string') throw fault('TEACHER', `its teacher ${NO_SERVER}`);
  const { config, parameters, tokenizer, template } = held.add(
    context.openModel(reference, { trainable: false, dtype }),
  );
  const [own, other] = [model.tokenizer.fingerprint(), tokenizer.fingerprint()];
  if (own !== other)
    throw fault(
      'VOCABULARY',
      `its teacher ${reference} has another vocabulary (${other}) than the student (${own}); use one with the student's tokenizer.`,
    );
  if (template.promptTools !== model.template.promptTools)
    throw fault(
      'CHAT_TEMPLATE',
      `its teacher ${reference} reads ${template.promptTools} of the functions (prompt_tools) and the student ${model.template.promptTools}, and both get the same prompts here; distil stored answers with a stage of kind distill.`,
    );
  // Ids that both have, without what tables are filled up with beyond the tokenizer's.
  const ids = Math.min(paddedVocabulary(tokenizer), config.vocabSize, model.config.vocabSize);
  if (kd_topk > ids)
    throw fault('TOP_K', `kd_topk is ${kd_topk}, and the vocabulary has ${ids} ids; lower it.`);
  return held.add(new Scorer(context.device, config, parameters, ids));
}

/** Examples whose completions end with what the student writes, in place of the answers. */
async function ownAnswers(
  student: Local,
  examples: readonly TrainExample[],
  given: Options,
  drawing: { readonly seed: number; readonly signal: AbortSignal },
): Promise<TrainExample[]> {
  const begun = examples.map(({ prompt, completions }) => {
    // Tokens before the first that counts are the rest of the prompt.
    const rests = completions.map(({ tokens, rows: [first = tokens.length] }) => tokens.subarray(0, first));
    return { prompt, rests };
  });
  const prompts = begun.flatMap(({ prompt, rests }) =>
    rests.map((rest) => ({ ids: asTokenIds([...prompt, ...rest]) })),
  );
  const drawn = await sampleAll(student, prompts, {
    ...samplingOf({ ...given, n_samples_per_prompt: 1 }),
    ...drawing,
  });
  const answers = drawn.map(([answer]) => required(answer, 'an answer of the student').tokens).values();
  return begun.map(({ prompt, rests }) => ({
    prompt,
    completions: rests.map((rest) => {
      const tokens = asTokenIds([...rest, ...required(answers.next().value, 'an answer')]);
      return { tokens, rows: rowsFrom(tokens, rest.length), inputs: {} };
    }),
  }));
}

/** Examples with the teacher's distributions at the tokens that count. */
async function taught(
  teacher: Scorer,
  examples: readonly TrainExample[],
  topK: number,
  signal: AbortSignal,
): Promise<TrainExample[]> {
  const scored = await teacher.score(examples.map(treeOf), { topK, signal });
  return examples.map(({ prompt, completions }, e) => ({
    prompt,
    completions: completions.map(({ tokens, rows }, c) => {
      const { topIds, topLogprobs } = required(scored[e]?.[c], 'the scores of an answer');
      const { ids, logprobs } = pickedRows({ ids: topIds, logprobs: topLogprobs }, topK, rows, topK);
      return { tokens, rows, inputs: { teacher_ids: ids, teacher_logprobs: logprobs } };
    }),
  }));
}

export const gkd = defineTraining({
  about: "on-policy distillation (GKD): a teacher's distributions over what the student writes itself",
  options,
  watch: ['loss'],
  reads: ({ data }) => (data === 'train' ? 'train' : undefined),
  *check(given) {
    if (typeof given.teacher !== 'string') yield ['teacher', NO_SERVER];
    yield* goldProblems(given);
  },
  loss: generalizedJsd,
  async open(context, given, opening) {
    const { model, held } = opening;
    const teacher = openTeacher(context, given, opening);
    const policy = { ...model, weights: model.training ?? model.parameters, name: given.model };
    const student = held.add(new Local(context.device, policy));
    const { seed } = context;
    const isOwn = (step: number): boolean => Rng.seeded(seed, `gkd:${step}`).uniform() < given.lmbda;
    const limits = { ...given, prompt_max_len: promptLimit(context.name, given, model.config) };
    const stage = overEpochs(
      context,
      given,
      opening,
      {
        ...(await sftLessons(context, limits, model)),
        async arrange(examples, step, signal) {
          const drawing = { seed: hashString(`${seed}:${step}`), signal };
          const answered = isOwn(step) ? await ownAnswers(student, examples, given, drawing) : examples;
          return taught(teacher, answered, given.kd_topk, signal);
        },
      },
      // Both models answer on the device that the student is trained on.
      true,
    );
    return {
      ...stage,
      async step(index, signal) {
        const report = await stage.step(index, signal);
        return { ...report, metrics: { ...report.metrics, on_policy: isOwn(index) ? 1 : 0 } };
      },
    };
  },
});
