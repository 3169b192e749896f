/**
 * TRL and transformers: GRPO by TRL's GRPOTrainer; CKD, the other top-k losses and SFT by ckd_trainer.py, a Trainer of
 * our own, since none of TRL's takes a teacher's stored distributions. Both run on the CPU as well.
 */
import type { StageOf } from '../../../../src/stages/index.ts';
import { promptLines, writeSequences } from '../data.ts';
import { type Around, type Engine, type Handing } from '../engine.ts';
import {
  done,
  type EngineValues,
  type HandedKind,
  lacking,
  type Mapped,
  type Mapping,
  nested,
  to,
} from '../options.ts';
import { yamlText } from '../yaml.ts';
import { adapters, batches, identity, inData, NO_TREES, optimizer, precision, THOUGHTS } from './training.ts';

/** Rows of logits that are in memory at once. */
const CHUNK_ROWS = 1024;
const TRAINING = 'training.';

/** The mapping with the options of TrainingArguments under `training`; names with a dot stay. */
function inTraining<M extends Readonly<Record<string, Mapping>>>(mapped: M): M {
  const moved = Object.entries(mapped).map(([path, mapping]) => {
    if (mapping.is !== 'options') return [path, mapping] as const;
    const options = Object.entries(mapping.options).map(([name, value]) => [
      name.includes('.') ? name.replace(/^\./, '') : `${TRAINING}${name}`,
      value,
    ]);
    return [path, { ...mapping, options: Object.fromEntries(options) as EngineValues }] as const;
  });
  return Object.fromEntries(moved) as M;
}

const LORA = { rank: 'lora.r', alpha: 'lora.lora_alpha', targets: 'lora.target_modules' };

/** The schedule as tinystar has it, to the step. */
const ownSchedule = (
  stage: StageOf<HandedKind>,
): Record<'lr_scheduler' | 'warmup_ratio' | 'min_lr_ratio', Mapping> => ({
  lr_scheduler: to({ 'schedule.lr_scheduler': stage.lr_scheduler }),
  warmup_ratio: to({ 'schedule.warmup_ratio': stage.warmup_ratio }),
  min_lr_ratio: to({ 'schedule.min_lr_ratio': stage.min_lr_ratio }),
});

/** Options that all kinds of stages have. */
const trained = (stage: StageOf<HandedKind>, around: Around) =>
  ({
    ...identity(stage),
    model: to({ '.model': around.model }),
    lr: to({ learning_rate: stage.lr }),
    ...ownSchedule(stage),
    ...optimizer(stage),
    ...batches(stage, around),
    gradient_checkpointing: to({ gradient_checkpointing: stage.gradient_checkpointing }),
    compute_dtype: precision(stage),
    ...adapters(stage, LORA),
    tree_size: NO_TREES,
  }) as const;

type Sequences = StageOf<'distill' | 'sft'>;

/** Options that both kinds of supervised stages have. */
function supervised(stage: Sequences, around: Around) {
  return {
    ...trained(stage, around),
    save_steps: to({ save_steps: stage.save_steps }),
    ...inData(stage, around),
    data: to({ '.data': 'data/train.parquet' }),
    max_epochs: to({ num_train_epochs: stage.max_epochs }),
  } as const;
}

const mapDistill = (stage: StageOf<'distill'>, around: Around): Mapped<'distill'> =>
  inTraining({
    ...supervised(stage, around),
    kd_kl_type: to({ 'loss.kd_kl_type': stage.kd_kl_type }),
    skew_lambda: to({ 'loss.skew_lambda': stage.skew_lambda }),
    kd_topk: to({ '.kd_topk': stage.kd_topk }),
    kd_student_topm: to({ 'loss.kd_student_topm': stage.kd_student_topm }),
    kd_kl_l1_coef: to({ 'loss.kd_kl_l1_coef': stage.kd_kl_l1_coef }),
    kd_ratio: to({ 'loss.kd_ratio': stage.kd_ratio }),
    ref_mask_type: done('tokens that do not count have no label in the data'),
  });

const mapSft = (stage: StageOf<'sft'>, around: Around): Mapped<'sft'> =>
  inTraining({ ...supervised(stage, around), thoughts: THOUGHTS });

const trainer = ({ seed }: Around): EngineValues => ({
  'training.seed': seed,
  'training.output_dir': 'checkpoints',
  'training.logging_steps': 1,
  'training.report_to': 'none',
  'training.save_total_limit': 2,
});

const config = (options: EngineValues): string => yamlText(nested(options));

const accelerate = (more: EngineValues, processes: number): string =>
  yamlText({
    compute_environment: 'LOCAL_MACHINE',
    machine_rank: 0,
    num_machines: 1,
    num_processes: processes,
    main_training_function: 'main',
    mixed_precision: 'no',
    rdzv_backend: 'static',
    same_network: true,
    ...more,
  });

/** Launch configurations: GPUs with whole copies, GPUs that divide weights among them, and processes of a CPU over gloo. */
const launches = ({ processes }: Around): Readonly<Record<string, string>> => ({
  'accelerate/ddp.yaml': accelerate({ distributed_type: processes > 1 ? 'MULTI_GPU' : 'NO' }, processes),
  'accelerate/fsdp.yaml': accelerate(
    {
      distributed_type: 'FSDP',
      fsdp_config: {
        fsdp_version: 2,
        fsdp_auto_wrap_policy: 'TRANSFORMER_BASED_WRAP',
        fsdp_reshard_after_forward: true,
        fsdp_state_dict_type: 'FULL_STATE_DICT',
        fsdp_cpu_ram_efficient_loading: false,
      },
    },
    processes,
  ),
  // The launcher of several GPUs starts several processes of a CPU as well, which then speak over gloo.
  'accelerate/cpu.yaml': accelerate(
    { distributed_type: processes > 1 ? 'MULTI_GPU' : 'NO', use_cpu: true },
    processes,
  ),
});

const start = (script: string): readonly string[] => [
  '# ACCELERATE: ddp, fsdp (divides the weights among GPUs) or cpu; found by itself if it is not set.',
  "found=$(python -c \"import torch; print('ddp' if torch.cuda.is_available() else 'cpu')\")",
  `exec accelerate launch --config_file "accelerate/\${ACCELERATE:-$found}.yaml" ${script} config.yaml`,
];

const sequenceHanding = {
  fixed: (_: unknown, around: Around): EngineValues => ({
    ...trainer(around),
    output: 'output',
    chunk_rows: CHUNK_ROWS,
    'training.remove_unused_columns': false,
    'training.ddp_find_unused_parameters': false,
  }),
  data: writeSequences,
  files: (options: EngineValues, around: Around) => ({ 'config.yaml': config(options), ...launches(around) }),
  python: ['ckd_trainer.py', 'star_loss.py', 'star_schedule.py', 'tinystar_events.py'],
  run: () => start('ckd_trainer.py'),
  needsReward: false,
  notes: ['Logits are made for tokens that count alone, 1,024 at a time.'],
} as const;

function mapSimrl(stage: StageOf<'simrl'>, around: Around): Mapped<'simrl'> {
  const { n_samples_per_prompt: n, rollout_batch_size: prompts, train_batch_size: update, steps } = stage;
  // Within a group of n, no advantage is further from 0 than this.
  const largest = (n - 1) / Math.sqrt(n);
  const [low, high] = stage.reward_clip_range;
  const clips = stage.advantage_estimator === 'group_norm' && (low > -largest || high < largest);
  return inTraining({
    prompts: done('further prompts are not in the data'),
    num_episodes: to({ num_train_epochs: stage.num_episodes }),
    steps: to(
      { max_steps: Math.ceil(((steps ?? 1) * prompts * n) / update) * stage.max_epochs },
      'in optimiser steps',
    ),
    rollout_batch_size: to({ generation_batch_size: prompts * n }, 'counted in answers'),
    n_samples_per_prompt: to({ num_generations: n }),
    max_epochs: to({ num_iterations: stage.max_epochs }),
    advantage_estimator: to(
      { scale_rewards: stage.advantage_estimator === 'group_norm' ? 'group' : 'none' },
      'adds 1e-4 to the standard deviation, where tinystar adds 1e-9',
    ),
    reward_clip_range: lacking(
      clips
        ? `advantages are not clipped, and ${stage.advantage_estimator} with ${n} answers reaches ${largest.toFixed(2)}`
        : `advantages are not clipped; with ${n} answers a group none is beyond ${largest.toFixed(2)}`,
      clips,
    ),
    dynamic_filtering: lacking(
      'groups whose answers all earn alike have an advantage of 0, and stay in the batch: fewer groups teach in a step',
    ),
    dynamic_filtering_range: lacking('belongs to dynamic_filtering'),
    dynamic_filtering_min_diff: lacking('belongs to dynamic_filtering'),
    temperature: to({ temperature: stage.temperature }),
    top_p: to({ top_p: stage.top_p }),
    top_k: to({ top_k: stage.top_k === -1 ? 0 : stage.top_k }, '0 is all of them'),
    eps_clip: to({ epsilon: stage.eps_clip }),
    kl_estimator:
      stage.kl_estimator === 'k3'
        ? done("TRL's only estimator")
        : lacking(
            `k3 in place of ${stage.kl_estimator}: the same to second order where the policy is near its reference`,
          ),
    init_kl_coef: to({ beta: stage.init_kl_coef }),
    entropy_coef: to({ entropy_coef: stage.entropy_coef }),
    ...trained(stage, around),
    save_steps: to(
      { save_steps: stage.save_steps },
      "in optimiser steps, where tinystar's are rollout batches",
    ),
    token_budget: lacking('how long answers will be is not known; set steps in its place', true),
    prompt_max_len: done('longer prompts are not in the data'),
    generate_max_len: to({ max_completion_length: stage.generate_max_len }),
    reward: to(
      { '.reward_url': around.rewardUrl },
      'asked of tinystar serve-rewards; REWARD_URL in the environment',
    ),
  });
}

const simrl: Handing<'simrl'> = {
  map: mapSimrl,
  fixed: (_, around) => ({
    ...trainer(around),
    output: 'output',
    data: 'data/train.jsonl',
    // The mean over all tokens of a step, as tinystar has it.
    'training.loss_type': 'dapo',
    'training.use_vllm': false,
  }),
  data: promptLines(({ id, prompt, label, tools }) => ({ id, prompt, label, tools })),
  files: (options, around) => ({ 'config.yaml': config(options), ...launches(around) }),
  python: [
    'grpo.py',
    'star_reward.py',
    'ckd_trainer.py',
    'star_loss.py',
    'star_schedule.py',
    'tinystar_events.py',
  ],
  run: () => start('grpo.py'),
  needsReward: true,
  notes: [
    'Where vLLM is installed, `use_vllm: true` and `vllm_mode: colocate` in config.yaml draw the answers many times as fast.',
  ],
};

export const trl: Engine = {
  name: 'trl',
  title: 'TRL 1.16',
  requirements: [
    'torch==2.15.0',
    'transformers==5.24.0',
    'trl==1.16.0',
    'accelerate==1.15.0',
    'datasets==5.2.0',
    'peft==0.21.2',
  ],
  kinds: {
    distill: { ...sequenceHanding, map: mapDistill },
    sft: { ...sequenceHanding, map: mapSft },
    simrl,
  },
};
