/**
 * verl: GRPO with rewards over HTTP, and distillation of what the student writes itself, with our loss registered as
 * star_ckd. Its configuration is a file that goes on from verl's own ppo_trainer.
 */
import { UserError } from '../../../../src/base/errors.ts';
import type { StageOf } from '../../../../src/stages/index.ts';
import { writeVerlPrompts, writeVerlRollouts } from '../data.ts';
import { type Around, batchOf, COPIED_MODEL, type Engine, type Handing } from '../engine.ts';
import {
  done,
  type EngineValues,
  lacking,
  type Mapped,
  type Mapping,
  nested,
  type OptionPath,
  to,
} from '../options.ts';
import { yamlText } from '../yaml.ts';
import { NO_TREES } from './training.ts';

const ACTOR = 'actor_rollout_ref.actor';
const ROLLOUT = 'actor_rollout_ref.rollout';
const MODEL = 'actor_rollout_ref.model';
const LOSS = 'distillation.distillation_loss';
/** Variables that Ray's workers get, whose environment is that of the cluster. */
const VARIABLES = 'ray_kwargs.ray_init.runtime_env.env_vars';

/** Path in the job folder, which run.sh names: workers may be at work in another one. */
const inJob = (path: string): string => `\${oc.env:JOB_DIR}/${path}`;

type Trained = StageOf<'simrl' | 'distill'>;
/** Options that both kinds of stages have, and that are mapped alike. */
type Shared = Exclude<
  OptionPath<'simrl'> & OptionPath<'distill'>,
  'max_epochs' | 'train_batch_size' | 'token_budget'
>;

const NO_LORA = lacking('leaves an adapter and no whole checkpoint; TRL merges it: --engine trl', true);

function shared(stage: Trained, around: Around): Readonly<Record<Shared, Mapping>> {
  const { micro } = batchOf(stage, around.processes);
  const optim = (values: EngineValues, note?: string): Mapping =>
    to(
      Object.fromEntries(Object.entries(values).map(([name, value]) => [`${ACTOR}.optim.${name}`, value])),
      note,
    );
  const half = stage.compute_dtype === 'f16' ? 'float16' : 'bfloat16';
  return {
    name: to({ 'trainer.experiment_name': stage.name }),
    seed: to({ 'data.seed': stage.seed ?? 0 }, "orders are the engine's own"),
    model: to({ [`${MODEL}.path`]: around.model === COPIED_MODEL ? inJob(COPIED_MODEL) : around.model }),
    lr: optim({ lr: stage.lr }),
    lr_scheduler: optim({
      lr_scheduler_type: stage.lr_scheduler === 'constant' ? 'constant' : 'cosine',
    }),
    warmup_ratio: optim({ lr_warmup_steps_ratio: stage.warmup_ratio }),
    min_lr_ratio: optim({ min_lr_ratio: stage.min_lr_ratio }),
    optimizer:
      stage.optimizer === 'muon'
        ? lacking('no Muon; AdamW in its place learns at another rate: set optimizer and lr anew', true)
        : optim(
            { optimizer: 'AdamW' },
            stage.optimizer === 'adamw'
              ? undefined
              : 'moments of 32 bits on the GPU: more memory, with the same result',
          ),
    muon_momentum:
      stage.optimizer === 'muon' ? lacking('belongs to Muon') : done('not used: the optimiser is no Muon'),
    weight_decay: optim({ weight_decay: stage.weight_decay }),
    adam_beta1: optim({ betas: [stage.adam_beta1, stage.adam_beta2] }),
    adam_beta2: done('see adam_beta1'),
    adam_eps: optim({ 'override_optimizer_config.eps': stage.adam_eps }),
    max_norm: optim({ clip_grad: stage.max_norm }),
    micro_train_batch_size: to({
      [`${ACTOR}.ppo_micro_batch_size_per_gpu`]: micro,
      [`${ROLLOUT}.log_prob_micro_batch_size_per_gpu`]: micro,
      'actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu': micro,
    }),
    gradient_checkpointing: to({ [`${MODEL}.enable_gradient_checkpointing`]: stage.gradient_checkpointing }),
    compute_dtype: to(
      { [`${ACTOR}.fsdp_config.dtype`]: half, [`${ROLLOUT}.dtype`]: half },
      stage.compute_dtype === 'f32'
        ? 'verl computes in 16 bits; weights that are trained stay f32'
        : undefined,
    ),
    'lora.rank': NO_LORA,
    'lora.alpha': NO_LORA,
    'lora.target_modules': NO_LORA,
    tree_size: NO_TREES,
    save_steps: to({ 'trainer.save_freq': stage.save_steps }),
    prompt_max_len: to({ 'data.max_prompt_length': stage.prompt_max_len }),
    generate_max_len: to({ 'data.max_response_length': stage.generate_max_len }),
  };
}

/** verl's names of estimators of the KL. */
const KL = { k1: 'kl', k2: 'mse', k3: 'low_var_kl' } as const;

const mapSimrl = (stage: StageOf<'simrl'>, around: Around): Mapped<'simrl'> => ({
  ...shared(stage, around),
  prompts: done('further prompts are not in the data'),
  num_episodes: to({ 'trainer.total_epochs': stage.num_episodes }),
  steps: to({ 'trainer.total_training_steps': stage.steps ?? null }),
  rollout_batch_size: to({ 'data.train_batch_size': stage.rollout_batch_size }),
  n_samples_per_prompt: to({ [`${ROLLOUT}.n`]: stage.n_samples_per_prompt }),
  max_epochs: to({ [`${ACTOR}.ppo_epochs`]: stage.max_epochs }),
  train_batch_size: to(
    { [`${ACTOR}.ppo_mini_batch_size`]: stage.train_batch_size / stage.n_samples_per_prompt },
    'counted in prompts',
  ),
  advantage_estimator: to({
    'algorithm.adv_estimator': 'grpo',
    'algorithm.norm_adv_by_std_in_grpo': stage.advantage_estimator === 'group_norm',
  }),
  reward_clip_range: lacking('advantages are not clipped'),
  dynamic_filtering: lacking(
    'groups whose answers all earn alike have an advantage of 0, and stay in the batch: fewer groups teach in a step',
  ),
  dynamic_filtering_range: lacking('belongs to dynamic_filtering'),
  dynamic_filtering_min_diff: lacking('belongs to dynamic_filtering'),
  temperature: to({ [`${ROLLOUT}.temperature`]: stage.temperature }),
  top_p: to({ [`${ROLLOUT}.top_p`]: stage.top_p }),
  top_k: to({ [`${ROLLOUT}.top_k`]: stage.top_k }),
  eps_clip: to({
    [`${ACTOR}.clip_ratio`]: stage.eps_clip,
    [`${ACTOR}.clip_ratio_low`]: stage.eps_clip,
    [`${ACTOR}.clip_ratio_high`]: stage.eps_clip,
  }),
  kl_estimator: to({ [`${ACTOR}.kl_loss_type`]: KL[stage.kl_estimator] }),
  init_kl_coef: to({
    [`${ACTOR}.use_kl_loss`]: stage.init_kl_coef > 0,
    [`${ACTOR}.kl_loss_coef`]: stage.init_kl_coef,
  }),
  entropy_coef: to({ [`${ACTOR}.entropy_coeff`]: stage.entropy_coef }),
  token_budget: lacking('how long answers will be is not known; set steps in its place', true),
  reward: to(
    { 'reward.custom_reward_function.path': inJob('star_reward.py') },
    `asked of tinystar serve-rewards at ${around.rewardUrl}`,
  ),
});

function mapDistill(stage: StageOf<'distill'>, around: Around): Mapped<'distill'> {
  if (around.teacher === undefined)
    throw new UserError(
      'TEACHER',
      `verl distils what the student writes and needs the checkpoint of a teacher, and the answers of ${stage.data} came from elsewhere; use --engine trl, axolotl or tinker.`,
    );
  return {
    ...shared(stage, around),
    data: lacking(
      'draws answers of the student anew and has the teacher score them; of the stored ones, the prompts alone are used',
      true,
    ),
    kd_kl_type: to({ 'loss.kd_kl_type': stage.kd_kl_type }),
    skew_lambda: to({ 'loss.skew_lambda': stage.skew_lambda }),
    kd_topk: to({ [`${LOSS}.topk`]: stage.kd_topk }),
    kd_student_topm: to({ 'loss.kd_student_topm': stage.kd_student_topm }),
    kd_kl_l1_coef: to({ 'loss.kd_kl_l1_coef': stage.kd_kl_l1_coef }),
    kd_ratio:
      stage.kd_ratio === 1
        ? done('distillation alone')
        : lacking('no cross-entropy on answers that it drew itself', true),
    ref_mask_type:
      stage.ref_mask_type === 'all' ? done('all tokens count') : lacking('all tokens count', true),
    reward_threshold: lacking('belongs to the stored answers'),
    max_epochs: to({ 'trainer.total_epochs': stage.max_epochs }),
    max_samples: lacking('belongs to the stored answers'),
    train_batch_size: to({
      'data.train_batch_size': stage.train_batch_size,
      [`${ACTOR}.ppo_mini_batch_size`]: stage.train_batch_size,
    }),
    token_budget: lacking('how long answers will be is not known; set max_epochs in its place', true),
  };
}

const common = ({ processes, seed }: Around): EngineValues => ({
  'data.seed': seed,
  'data.train_files': inJob('data/train.parquet'),
  'data.val_files': inJob('data/train.parquet'),
  'data.truncation': 'error',
  // A prompt is rendered already: its one message is passed on as it is.
  [`${MODEL}.custom_chat_template`]: "{{ messages[0]['content'] }}",
  [`${ACTOR}.loss_agg_mode`]: 'token-mean',
  [`${ACTOR}.checkpoint.save_contents`]: ['model', 'optimizer', 'extra', 'hf_model'],
  [`${ROLLOUT}.name`]: 'vllm',
  [`${ROLLOUT}.tensor_model_parallel_size`]: 1,
  'trainer.n_gpus_per_node': processes,
  'trainer.nnodes': 1,
  'trainer.logger': ['console'],
  'trainer.val_before_train': false,
  'trainer.test_freq': -1,
  'trainer.default_local_dir': inJob('checkpoints'),
});

/** The job's configuration, which goes on from verl's, and our loss's in a file of its own. */
function files(options: EngineValues): Record<string, string> {
  const own = Object.entries(options).filter(([name]) => name.startsWith('loss.'));
  const rest = Object.entries(options).filter(([name]) => !name.startsWith('loss.'));
  const config = {
    defaults: ['ppo_trainer', '_self_'],
    hydra: { searchpath: ['pkg://verl.trainer.config'] },
    ...nested(Object.fromEntries(rest)),
  };
  const loss = Object.fromEntries(own.map(([name, value]) => [name.slice('loss.'.length), value]));
  return {
    'star.yaml': yamlText(config),
    ...(own.length > 0 ? { 'star_loss.json': `${JSON.stringify(loss, null, 2)}\n` } : {}),
  };
}

const run = [
  'export JOB_DIR="$PWD"',
  'export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"',
  'python -m verl.trainer.main_ppo --config-path "$PWD" --config-name star "$@"',
  'last=$(ls -d checkpoints/global_step_*/actor/huggingface | sort -V | tail -n 1)',
  'rm -rf output && cp -r "$last" output',
  'for name in tokenizer.json tokenizer_config.json vocab.json merges.txt chat_template.jinja; do',
  '  if [ -e "model/$name" ]; then cp "model/$name" output/; fi',
  'done',
] as const;

const simrl: Handing<'simrl'> = {
  map: mapSimrl,
  fixed: (_, around) => ({
    ...common(around),
    'reward.custom_reward_function.name': 'compute_score',
    [`${VARIABLES}.REWARD_URL`]: '${oc.env:REWARD_URL}',
  }),
  data: writeVerlPrompts,
  files,
  python: ['star_reward.py'],
  run: () => run,
  needsReward: true,
  notes: [
    'Needs GPUs: answers are drawn by vLLM.',
    '`bash run.sh --cfg job` prints the whole configuration, and trains nothing.',
  ],
};

const distill: Handing<'distill'> = {
  map: mapDistill,
  fixed: (_, around) => ({
    ...common(around),
    [`${ROLLOUT}.n`]: 1,
    [`${VARIABLES}.PYTHONPATH`]: '${oc.env:JOB_DIR}',
    [`${VARIABLES}.VERL_USE_EXTERNAL_MODULES`]: 'star_ckd',
    'distillation.enabled': true,
    'distillation.nnodes': 1,
    'distillation.n_gpus_per_node': 1,
    'distillation.teacher_models.teacher_model.model_path': `\${oc.env:TEACHER_MODEL,${around.teacher ?? ''}}`,
    'distillation.teacher_models.teacher_model.num_replicas': 1,
    'distillation.teacher_models.teacher_model.inference.tensor_model_parallel_size': 1,
    [`${LOSS}.loss_mode`]: 'star_ckd',
    [`${LOSS}.use_task_rewards`]: false,
    [`${LOSS}.use_policy_gradient`]: false,
    [`${LOSS}.loss_max_clamp`]: null,
    [`${LOSS}.log_prob_min_clamp`]: null,
  }),
  data: writeVerlRollouts,
  files,
  python: ['star_ckd.py', 'star_loss.py'],
  run: () => ['export VERL_USE_EXTERNAL_MODULES=star_ckd', ...run],
  needsReward: false,
  notes: [
    'Needs GPUs: answers are drawn by vLLM, and the teacher scores them on a GPU of its own.',
    "TEACHER_MODEL is the teacher's checkpoint as the cluster reaches it.",
  ],
};

export const verl: Engine = {
  name: 'verl',
  title: 'verl 0.9',
  requirements: ['verl[vllm]==0.9.1'],
  kinds: {
    simrl,
    distill,
    sft: 'Stages of SFT are not handed over to verl; use --engine trl or axolotl.',
  },
};
