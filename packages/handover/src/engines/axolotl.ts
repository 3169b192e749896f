/** Axolotl: its KD plugin reads a teacher's stored top-k; star_tail, a plugin of ours, puts our loss in the place of its own. */
import type { StageOf } from '../../../../src/stages/index.ts';
import { writeShifted } from '../data.ts';
import { type Around, batchOf, type Engine, type Handing } from '../engine.ts';
import { done, type EngineValues, type Mapped, to } from '../options.ts';
import { yamlText } from '../yaml.ts';
import { adapters, inData, NO_TREES, THOUGHTS } from './training.ts';

const OPTIMIZERS = {
  adamw: 'adamw_torch',
  adamw_8bit: 'adamw_bnb_8bit',
  adamw_offloaded: 'adamw_torch',
  muon: 'muon',
} as const;

function shared(stage: StageOf<'distill' | 'sft'>, around: Around) {
  const { micro, accumulate } = batchOf(stage, around.processes);
  const isKd = 'kd_topk' in stage;
  const { processes } = around;
  return {
    name: done('the folder has its name'),
    seed: to({ seed: stage.seed ?? 0 }, "orders are the engine's own"),
    model: to({ base_model: around.model }),
    lr: to({ learning_rate: stage.lr }),
    lr_scheduler: to({ lr_scheduler: stage.lr_scheduler === 'constant' ? 'constant_with_warmup' : 'cosine' }),
    warmup_ratio: to({ warmup_ratio: stage.warmup_ratio }, 'from 0'),
    min_lr_ratio:
      stage.lr_scheduler === 'constant'
        ? done('a constant rate has no floor')
        : to({ cosine_min_lr_ratio: stage.min_lr_ratio }),
    optimizer: to(
      { optimizer: OPTIMIZERS[stage.optimizer] },
      stage.optimizer === 'muon'
        ? "an update's scale is Axolotl's: look at the learning rate again"
        : undefined,
    ),
    muon_momentum: done(
      stage.optimizer === 'muon' ? "Axolotl's own, 0.95" : 'not used: the optimiser is no Muon',
    ),
    weight_decay: to({ weight_decay: stage.weight_decay }),
    adam_beta1: to({ adam_beta1: stage.adam_beta1 }),
    adam_beta2: to({ adam_beta2: stage.adam_beta2 }),
    adam_eps: to({ adam_epsilon: stage.adam_eps }),
    max_norm:
      isKd && processes > 1
        ? to(
            { max_grad_norm: stage.max_norm / processes },
            `gradients of the KD trainer are 1/${processes} of their size`,
          )
        : to({ max_grad_norm: stage.max_norm }),
    micro_train_batch_size: to(
      { micro_batch_size: micro },
      'sequences, where tinystar counts prompts with all of their answers',
    ),
    gradient_checkpointing: to({ gradient_checkpointing: stage.gradient_checkpointing }),
    train_batch_size: to(
      { gradient_accumulation_steps: accumulate },
      `${micro} x ${accumulate} x ${processes} processes = ${stage.train_batch_size} sequences`,
    ),
    compute_dtype: to({ bf16: stage.compute_dtype === 'bf16', fp16: stage.compute_dtype === 'f16' }),
    ...adapters(stage, { rank: 'lora_r', alpha: 'lora_alpha', targets: 'lora_target_modules' }),
    tree_size: NO_TREES,
    save_steps: to({ save_steps: stage.save_steps }),
    ...inData(stage, around),
    prompt_max_len: to({ sequence_len: stage.prompt_max_len + stage.generate_max_len }, 'prompt and answer'),
    data: done('the rows of data/train.parquet are tokens already, and are passed on as they are'),
    max_epochs: to({ num_epochs: stage.max_epochs }),
  } as const;
}

const mapDistill = (stage: StageOf<'distill'>, around: Around): Mapped<'distill'> => ({
  ...shared(stage, around),
  kd_kl_type: to({ 'loss.kd_kl_type': stage.kd_kl_type }),
  skew_lambda: to({ 'loss.skew_lambda': stage.skew_lambda }),
  kd_topk: done('entries of every position in the data'),
  kd_student_topm: to({ 'loss.kd_student_topm': stage.kd_student_topm }),
  kd_kl_l1_coef: to({ 'loss.kd_kl_l1_coef': stage.kd_kl_l1_coef }),
  kd_ratio: to({ kd_alpha: stage.kd_ratio, kd_ce_alpha: 1 - stage.kd_ratio }),
  ref_mask_type: done('tokens that do not count have no label in the data'),
});

const mapSft = (stage: StageOf<'sft'>, around: Around): Mapped<'sft'> => ({
  ...shared(stage, around),
  thoughts: THOUGHTS,
});

const fixed = ({ lora }: StageOf<'distill' | 'sft'>, { seed }: Around): EngineValues => ({
  seed,
  skip_prepare_dataset: true,
  sample_packing: false,
  output_dir: lora === undefined ? 'output' : 'checkpoints',
  save_total_limit: 2,
  logging_steps: 1,
  auto_resume_from_checkpoints: true,
  ...(lora === undefined ? {} : { adapter: 'lora' }),
});

function files(options: EngineValues): Record<string, string> {
  const own = Object.entries(options).filter(([name]) => name.startsWith('loss.'));
  const rest = Object.fromEntries(Object.entries(options).filter(([name]) => !name.startsWith('loss.')));
  // Axolotl has a switch of its own where one matrix has many names.
  const { lora_target_modules: targets, ...others } = rest;
  const lora =
    targets === undefined
      ? {}
      : targets === 'all-linear'
        ? { lora_target_linear: true }
        : { lora_target_modules: targets };
  const loss = Object.fromEntries(own.map(([name, value]) => [name.slice('loss.'.length), value]));
  const datasets = [{ path: 'data', ds_type: 'parquet', split: 'train', type: 'chat_template' }];
  return {
    'config.yaml': yamlText({ ...others, ...lora, datasets }),
    ...(own.length > 0 ? { 'star_loss.json': `${JSON.stringify(loss, null, 2)}\n` } : {}),
  };
}

const run = (options: EngineValues, { processes }: Around): string[] => [
  'export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"',
  `axolotl train config.yaml --launcher torchrun -- --nproc_per_node=${processes}`,
  ...(options['adapter'] === 'lora'
    ? ['axolotl merge-lora config.yaml', 'rm -rf output && mv checkpoints/merged output']
    : []),
];

const distill: Handing<'distill'> = {
  map: mapDistill,
  fixed: (stage, around) => ({
    ...fixed(stage, around),
    plugins: ['axolotl.integrations.kd.KDPlugin', 'star_tail.StarTailPlugin'],
    kd_trainer: true,
    kd_temperature: 1,
    kd_beta: 0,
    kd_normalize_topk: false,
  }),
  data: writeShifted,
  files,
  python: ['star_tail.py', 'star_loss.py'],
  run,
  needsReward: false,
  notes: [
    "The KD trainer reads the vocabulary's matrix outside of the forward pass: whole copies on each GPU (DDP, DeepSpeed up to ZeRO 2), no FSDP.",
  ],
};

const sft: Handing<'sft'> = {
  map: mapSft,
  fixed,
  data: writeShifted,
  files,
  python: [],
  run,
  needsReward: false,
};

export const axolotl: Engine = {
  name: 'axolotl',
  title: 'Axolotl 0.21',
  requirements: ['axolotl==0.21.0'],
  kinds: {
    distill,
    sft,
    simrl:
      "Stages of simrl are not handed over to Axolotl, whose RL is TRL's; use --engine trl, openrlhf or verl.",
  },
};
