/**
 * Tinker: distillation by a custom loss, which is a graph of torch functions as plain data that the service runs. It sees
 * the student's log-probabilities at the teacher's ids alone, so the tail is the whole rest of the student's mass.
 */
import { UserError } from '../../../../src/base/errors.ts';
import type { StageOf } from '../../../../src/stages/index.ts';
import { writeSequences } from '../data.ts';
import { type Around, COPIED_MODEL, type Engine, type Handing } from '../engine.ts';
import { done, type EngineValues, lacking, type Mapped, nested, to } from '../options.ts';
import { lossGraph } from '../tinker-graph.ts';
import { inData, THOUGHTS } from './training.ts';

/** Rank of the adapter where the recipe asks for none. */
const RANK = 32;

function shared(stage: StageOf<'distill' | 'sft'>, around: Around) {
  if (around.model === COPIED_MODEL)
    throw new UserError(
      'CHECKPOINT',
      'Tinker trains models that its service has, and takes no checkpoint; name one by --model-path, such as Qwen/Qwen3-8B.',
    );
  return {
    name: to({ name: stage.name }),
    seed: to({ seed: stage.seed ?? 0 }),
    model: to({ base_model: around.model }, 'the name by which the service knows it: --model-path'),
    lr: to({ 'adam.learning_rate': stage.lr }),
    lr_scheduler: to({ 'schedule.lr_scheduler': stage.lr_scheduler }),
    warmup_ratio: to({ 'schedule.warmup_ratio': stage.warmup_ratio }),
    min_lr_ratio: to({ 'schedule.min_lr_ratio': stage.min_lr_ratio }),
    optimizer:
      stage.optimizer === 'muon'
        ? lacking('no Muon; Adam in its place learns at another rate: set optimizer and lr anew', true)
        : done("the service's AdamW"),
    muon_momentum:
      stage.optimizer === 'muon' ? lacking('belongs to Muon') : done('not used: the optimiser is no Muon'),
    weight_decay: to({ 'adam.weight_decay': stage.weight_decay }),
    adam_beta1: to({ 'adam.beta1': stage.adam_beta1 }),
    adam_beta2: to({ 'adam.beta2': stage.adam_beta2 }),
    adam_eps: to({ 'adam.eps': stage.adam_eps }),
    max_norm: to({ 'adam.grad_clip_norm': stage.max_norm }),
    micro_train_batch_size: lacking('the service divides a step itself, with the same result'),
    gradient_checkpointing: lacking("the service's own matter, with the same result"),
    train_batch_size: to({ batch_size: stage.train_batch_size }),
    compute_dtype: lacking("the service's own matter"),
    'lora.rank': to({ lora_rank: stage.lora?.rank ?? RANK }),
    'lora.alpha': lacking("the service's own"),
    'lora.target_modules': lacking('all matrices are adapted'),
    tree_size: lacking("the service's own matter, with the same result"),
    save_steps: to({ save_steps: stage.save_steps }),
    ...inData(stage, around),
    data: to({ data: 'data/train.parquet' }),
    max_epochs: to({ max_epochs: stage.max_epochs }),
  } as const;
}

const mapDistill = (stage: StageOf<'distill'>, around: Around): Mapped<'distill'> => ({
  ...shared(stage, around),
  kd_kl_type: to({ 'loss.kd_kl_type': stage.kd_kl_type }),
  skew_lambda: to({ 'loss.skew_lambda': stage.skew_lambda }),
  kd_topk: to({ kd_topk: stage.kd_topk }),
  kd_student_topm:
    stage.kd_kl_l1_coef === 0
      ? done('not used: there is no tail')
      : lacking(
          "the tail is all of the student's mass outside the teacher's top-k, in place of its own top-m: it differs by what is in neither",
        ),
  kd_kl_l1_coef: to({ 'loss.kd_kl_l1_coef': stage.kd_kl_l1_coef }),
  kd_ratio:
    stage.kd_ratio === 1
      ? done('distillation alone')
      : lacking("the loss sees the teacher's ids alone, and not the token that was drawn", true),
  ref_mask_type: done('tokens that do not count have no label in the data'),
});

const fixed = ({ lora }: StageOf<'distill' | 'sft'>, { seed }: Around): EngineValues => ({
  seed,
  output: 'output',
  ...(lora === undefined ? { lora_rank: RANK } : {}),
});

const config = (options: EngineValues): string => `${JSON.stringify(nested(options), null, 2)}\n`;

const NOTES = [
  'TINKER_API_KEY is the key; TINKER_BASE_URL another server than the hosted one (VeRL-Tinker trains whole weights).',
  'The hosted service trains adapters on its own base models: good for a teacher, and for students of 4B and more.',
  'Adapters are merged into the base model for `output`: MERGE_BASE is its folder or its name.',
];

const handing = {
  fixed,
  data: writeSequences,
  python: ['tinker_driver.py', 'tinker_graph.py', 'star_schedule.py', 'merge_adapter.py'],
  run: (_: unknown, { model }: Around) => [
    'python tinker_driver.py config.json',
    'rm -rf downloaded output',
    'tinker checkpoint download "$(cat trained.txt)" --output downloaded',
    `exec python merge_adapter.py downloaded output "\${MERGE_BASE:-${model}}"`,
  ],
  needsReward: false,
  notes: NOTES,
};

const distill: Handing<'distill'> = {
  ...handing,
  map: mapDistill,
  files: (options) => {
    const { loss, ...rest } = nested(options);
    const { kd_kl_type: type, kd_kl_l1_coef: tail, skew_lambda: skew } = loss as EngineValues;
    const graph = lossGraph(type as StageOf<'distill'>['kd_kl_type'], Number(tail), Number(skew));
    return { 'config.json': config(rest), 'loss.json': `${JSON.stringify(graph, null, 1)}\n` };
  },
};

const sft: Handing<'sft'> = {
  ...handing,
  map: (stage, around): Mapped<'sft'> => ({ ...shared(stage, around), thoughts: THOUGHTS }),
  files: (options) => ({ 'config.json': config(options) }),
};

export const tinker: Engine = {
  name: 'tinker',
  title: 'Tinker 0.38',
  requirements: [
    'tinker==0.38.0',
    'torch==2.15.0',
    'datasets==5.2.0',
    'transformers==5.24.0',
    'peft==0.21.2',
  ],
  kinds: {
    distill,
    sft,
    simrl: 'Stages of simrl are not handed over to Tinker; use --engine trl, openrlhf or verl.',
  },
};
