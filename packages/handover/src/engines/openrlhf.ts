/** OpenRLHF: GRPO with its dotted flags; rewards come from tinystar serve-rewards by URL, so that no Python is needed. */
import type { StageOf } from '../../../../src/stages/index.ts';
import { promptLines } from '../data.ts';
import { type Around, batchOf, type Engine, type Handing } from '../engine.ts';
import {
  done,
  type EngineValue,
  type EngineValues,
  lacking,
  type Mapped,
  type Mapping,
  to,
} from '../options.ts';

const DTYPES = { bf16: 'bf16', f16: 'fp16', f32: 'fp32' } as const;

function optimizer({ optimizer: name, lr, muon_momentum: momentum }: StageOf<'simrl'>): Mapping {
  if (name === 'muon')
    return to(
      { '--actor.optim': 'muon', '--actor.muon.lr': lr, '--actor.muon.momentum': momentum },
      "an update's scale is DeepSpeed's: look at the learning rate again",
    );
  if (name === 'adamw_offloaded') return to({ '--actor.optim': 'adam', '--ds.adam_offload': true });
  return to(
    { '--actor.optim': 'adam' },
    name === 'adamw_8bit' ? 'moments of 32 bits: more memory, with the same result' : undefined,
  );
}

/** Why adapters are refused. */
const NO_LORA = lacking('leaves an adapter and no whole checkpoint; TRL merges it: --engine trl', true);

function map(stage: StageOf<'simrl'>, around: Around): Mapped<'simrl'> {
  const cosine = stage.lr_scheduler === 'cosine_with_min_lr';
  const { micro } = batchOf(stage, around.processes);
  return {
    name: to({ '--logger.wandb.run_name': stage.name }),
    seed: to({ '--train.seed': stage.seed ?? 0 }, "orders are the engine's own"),
    prompts: done('further prompts are not in the data'),
    num_episodes: to({ '--train.num_episodes': stage.num_episodes }),
    steps: lacking('has no limit of steps; set prompts and num_episodes in its place', true),
    rollout_batch_size: to({ '--rollout.batch_size': stage.rollout_batch_size }),
    n_samples_per_prompt: to({ '--rollout.n_samples_per_prompt': stage.n_samples_per_prompt }),
    max_epochs: to({ '--train.max_epochs': stage.max_epochs }),
    advantage_estimator: to({ '--algo.advantage.estimator': stage.advantage_estimator }),
    reward_clip_range: to({ '--reward.clip_range': stage.reward_clip_range }),
    dynamic_filtering: to({ '--algo.dynamic_filtering_enable': stage.dynamic_filtering }),
    dynamic_filtering_range: to({ '--algo.dynamic_filtering_range': stage.dynamic_filtering_range }),
    dynamic_filtering_min_diff: lacking(
      'groups are kept by their mean score alone',
      stage.dynamic_filtering && stage.dynamic_filtering_min_diff > 0,
    ),
    temperature: to({ '--rollout.temperature': stage.temperature }),
    top_p: to({ '--rollout.top_p': stage.top_p }),
    top_k:
      stage.top_k === -1
        ? done('all of them, as everywhere in OpenRLHF')
        : lacking('draws from all tokens', true),
    eps_clip: to({ '--actor.eps_clip': stage.eps_clip }),
    kl_estimator: to({ '--algo.kl.estimator': stage.kl_estimator }),
    init_kl_coef: to({
      '--algo.kl.init_coef': stage.init_kl_coef,
      '--algo.kl.use_loss': stage.init_kl_coef > 0,
    }),
    entropy_coef: to({ '--actor.entropy_coef': stage.entropy_coef }),
    model: to({ '--actor.model_name_or_path': around.model }),
    lr: to({ '--actor.adam.lr': stage.lr }),
    lr_scheduler: to({ '--actor.lr_scheduler': cosine ? 'cosine_with_min_lr' : 'constant_with_warmup' }),
    warmup_ratio: to({ '--actor.lr_warmup_ratio': stage.warmup_ratio }, 'from 0'),
    min_lr_ratio: to({ '--actor.min_lr_ratio': stage.min_lr_ratio }),
    optimizer: optimizer(stage),
    muon_momentum: done(stage.optimizer === 'muon' ? 'see optimizer' : 'not used: the optimiser is no Muon'),
    weight_decay: to({ '--actor.adam.weight_decay': stage.weight_decay }),
    adam_beta1: to({ '--actor.adam.betas': [stage.adam_beta1, stage.adam_beta2] }),
    adam_beta2: done('see adam_beta1'),
    adam_eps: to({ '--actor.adam.eps': stage.adam_eps }),
    max_norm: to({ '--actor.max_norm': stage.max_norm }),
    micro_train_batch_size: to({ '--train.micro_batch_size': micro, '--rollout.micro_batch_size': micro }),
    gradient_checkpointing: to({ '--actor.gradient_checkpointing_enable': stage.gradient_checkpointing }),
    train_batch_size: to({ '--train.batch_size': stage.train_batch_size }),
    compute_dtype: to(
      { '--ds.param_dtype': DTYPES[stage.compute_dtype] },
      'master weights stay f32; flash attention needs bf16 or fp16',
    ),
    'lora.rank': NO_LORA,
    'lora.alpha': NO_LORA,
    'lora.target_modules': NO_LORA,
    tree_size: lacking(
      'a shared prompt is computed anew for each of its answers: slower, with the same result',
    ),
    save_steps: to({ '--ckpt.save_steps': stage.save_steps }),
    token_budget: lacking('how long answers will be is not known; set prompts in its place', true),
    prompt_max_len: to(
      { '--data.max_len': stage.prompt_max_len + stage.generate_max_len },
      'prompt and answer',
    ),
    generate_max_len: to({ '--rollout.max_new_tokens': stage.generate_max_len }),
    reward: to({ '--reward.remote_url': around.rewardUrl }, 'asked of tinystar serve-rewards'),
  };
}

/** A flag as a shell reads it: a switch that is off is left out. */
function flag([name, value]: readonly [string, EngineValue]): string[] {
  if (value === false || value === null) return [];
  if (value === true) return [name];
  if (name === '--reward.remote_url') return [`${name} "$REWARD_URL"`];
  if (name === '--actor.model_name_or_path') return [`${name} ${JSON.stringify(value)}`];
  return [
    `${name} ${Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : JSON.stringify(value)}`,
  ];
}

const simrl: Handing<'simrl'> = {
  map,
  fixed: (stage, { processes, seed }): EngineValues => ({
    '--train.seed': seed,
    '--data.prompt_dataset': 'data/train.jsonl',
    '--data.input_key': 'inputs',
    '--data.label_key': 'targets',
    '--algo.advantage.gamma': 1,
    '--actor.loss_agg_mode': 'token-mean',
    '--ds.zero_stage': 1,
    '--ds.packing_samples': stage.compute_dtype !== 'f32',
    '--ds.attn_implementation': stage.compute_dtype === 'f32' ? 'eager' : 'flash_attention_2',
    '--train.colocate_all': true,
    '--actor.num_nodes': 1,
    '--actor.num_gpus_per_node': processes,
    '--ref.num_nodes': 1,
    '--ref.num_gpus_per_node': processes,
    '--vllm.num_engines': processes,
    '--vllm.tensor_parallel_size': 1,
    '--vllm.gpu_memory_utilization': 0.7,
    '--vllm.sync_backend': 'nccl',
    '--vllm.enable_prefix_caching': true,
    '--vllm.enforce_eager': true,
    '--vllm.enable_sleep': true,
    '--ckpt.output_dir': 'output',
    '--ckpt.path': 'checkpoints',
    '--ckpt.save_hf': true,
    '--ckpt.load_enable': true,
    '--logger.tensorboard_dir': 'logs',
  }),
  data: promptLines(({ prompt, label }) => ({ inputs: prompt, targets: label })),
  files: () => ({}),
  python: [],
  run: (options) => [
    'exec python -m openrlhf.cli.train_ppo_ray \\',
    Object.entries(options)
      .flatMap(flag)
      .map((line) => `  ${line}`)
      .join(' \\\n'),
  ],
  needsReward: true,
  notes: [
    'One answer a request is asked for, many at a time; several addresses in REWARD_URL share them.',
    'Needs GPUs: answers are drawn by vLLM.',
  ],
};

export const openrlhf: Engine = {
  name: 'openrlhf',
  title: 'OpenRLHF 0.11',
  requirements: ['openrlhf[vllm]==0.11.2'],
  kinds: {
    simrl,
    distill: 'OpenRLHF has had no distillation since March 2026; use --engine trl, axolotl or tinker.',
    sft: 'Stages of SFT are not handed over to OpenRLHF; use --engine trl or axolotl.',
  },
};
