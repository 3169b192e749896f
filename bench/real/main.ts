/**
 * `npm run bench -- --real`: one CKD step, one Sim-RL step and generation, of a model of Qwen3-0.6B's shape (or `--model smollm2`) with random
 * weights, on STAR-shaped batches. Each candidate has a process of its own, one after another, as two would not fit into a laptop;
 * with `--together` they take their steps in turn.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Rng } from '../../src/base/rng.ts';
import { Device } from '../../src/ggml/device.ts';
import { initialiseWeights, saveCheckpoint } from '../../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs } from '../../src/model/arch/config.ts';
import { publishedConfig } from '../../src/model/arch/index.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import type { Ratio } from '../compare.ts';
import { pythonWith } from '../peers/pytorch.ts';
import { generationCandidates } from './generation.ts';
import { type Candidate, inTurn, report } from './measure.ts';
import type { TrainExample } from '../../src/train/examples.ts';
import {
  ckdTrees,
  CLIP,
  COMPLETION_TOKENS,
  flat,
  FLAT_ROWS,
  GENERATION,
  type Job,
  KL,
  LR,
  MODELS,
  PROMPT_TOKENS,
  SAMPLES,
  STUDENT_TOP_M,
  TAIL,
} from './shapes.ts';

/** Runs the benchmark; `args` are those of the command line after `--real`. Returns how many times as fast the first candidates are. */
export async function real(args: readonly string[]): Promise<Ratio[]> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string', default: 'qwen3' },
      layers: { type: 'string' },
      prompts: { type: 'string', default: '1' },
      repetitions: { type: 'string', default: '2' },
      threads: { type: 'string', default: String(availableParallelism()) },
      only: { type: 'string', default: 'ckd,simrl,generation' },
      // Only those of these names, or whose names have one of these texts in them.
      candidates: { type: 'string', default: '' },
      // Samples a prompt in generation.
      samples: { type: 'string', default: String(GENERATION.samples) },
      together: { type: 'boolean', default: false },
    },
  });
  const [prompts, repetitions, threads] = [
    Number(values.prompts),
    Number(values.repetitions),
    Number(values.threads),
  ];
  const model = MODELS[values.model] ?? '';
  const whole = publishedConfig(model);
  if (whole === undefined)
    throw new Error(`--model is ${values.model} and must be one of ${Object.keys(MODELS).join(', ')}`);
  const layers = Number(values.layers ?? whole.layers);
  const config = { ...whole, layers };
  const scratch = mkdtempSync(join(tmpdir(), 'tinystar-real-'));
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
  const checkpoint = join(scratch, 'model');
  let title: string;
  let blas: boolean;
  {
    using device = Device.open('cpu', threads);
    [title, blas] = [device.title, device.hasBlas];
    using parameters = new ParameterSet(device, parameterSpecs(config), 'weights');
    initialiseWeights(config, parameters, Rng.seeded(1));
    saveCheckpoint(checkpoint, config, parameters);
  }
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, Node.js ${process.versions.node}, ${title}`,
  );
  console.log(
    `${model}'s shape with ${layers} of ${whole.layers} layers, random weights, f32, AdamW; ${prompts} prompts of ${PROMPT_TOKENS.least} to ${PROMPT_TOKENS.most} tokens x ${SAMPLES} completions of ${COMPLETION_TOKENS.least} to ${COMPLETION_TOKENS.most}; median of ${repetitions} steps after one`,
  );
  const worker = (
    name: string,
    job: Pick<Job, 'method' | 'layout'> & Partial<Pick<Job, 'dtype'>>,
    env?: Record<string, string>,
  ): Candidate => ({
    name,
    program: process.execPath,
    args: [
      ...process.execArgv,
      join(import.meta.dirname, 'worker.ts'),
      JSON.stringify({ dtype: 'f32', ...job, prompts, threads, checkpoint } satisfies Job),
    ],
    ...(env === undefined ? {} : { env }),
  });
  const trees = ckdTrees(prompts, config.vocabSize);
  const drawn = trees
    .flatMap(({ completions }) => completions)
    .reduce((n, { tokens }) => n + tokens.length, 0);
  const noBlas = { TINYSTAR_BLAS: 'off' };
  const only = new Set(values.only.split(','));
  const ratios: Ratio[] = [];
  const measure = async (title: string, candidates: readonly Candidate[], work: number): Promise<void> => {
    const names = new Set(candidates.map(({ name }) => name));
    const wanted = ({ name }: Candidate): boolean =>
      values.candidates.split(',').some((text) => (names.has(text) ? name === text : name.includes(text)));
    const measured = await inTurn(candidates.filter(wanted), repetitions, values.together);
    ratios.push(...report(title, measured, work));
  };
  if (only.has('ckd')) {
    const candidates = [
      worker('prompt tree', { method: 'ckd', layout: 'tree' }),
      ...(blas ? [worker('prompt tree, without BLAS', { method: 'ckd', layout: 'tree' }, noBlas)] : []),
      worker('prompt tree, bf16, without BLAS', { method: 'ckd', layout: 'tree', dtype: 'bf16' }, noBlas),
      worker('flat: a copy of the prompt each', { method: 'ckd', layout: 'flat' }),
      ...pytorch('ckd_step.py', ckdBatch(trees), { checkpoint, scratch, threads }),
    ];
    await measure('One CKD step', candidates, drawn);
  }
  if (only.has('simrl')) {
    const candidates = [
      worker('prompt tree', { method: 'simrl', layout: 'tree' }),
      ...(blas ? [worker('prompt tree, without BLAS', { method: 'simrl', layout: 'tree' }, noBlas)] : []),
      worker('prompt tree, bf16, without BLAS', { method: 'simrl', layout: 'tree', dtype: 'bf16' }, noBlas),
      worker('flat: a copy of the prompt each', { method: 'simrl', layout: 'flat' }),
      ...pytorch('simrl_step.py', simrlBatch(trees), { checkpoint, scratch, threads }),
    ];
    const work = prompts * SAMPLES * COMPLETION_TOKENS.most;
    await measure('One Sim-RL step, rollout included', candidates, work);
  }
  if (only.has('generation')) {
    const samples = Number(values.samples);
    const place = { checkpoint, scratch, threads, blas };
    // One token of each sample is what the prompts take; what more of them take is decoding.
    for (const [length, what] of [
      [GENERATION.length, 'prefill included'],
      [1, 'which is prefill alone'],
    ] as const) {
      const candidates = generationCandidates(config, place, { ...GENERATION, samples, length });
      const title = `Generation, ${GENERATION.prompts} prompts x ${samples} samples of ${length} tokens, ${what}`;
      await measure(title, candidates, GENERATION.prompts * samples * length);
    }
  }
  return ratios;
}

/** A CKD step as the peer reads it. */
function ckdBatch(trees: readonly TrainExample[]): object {
  const rows = flat(trees).flatMap(({ prompt, completions }) =>
    completions.map(({ tokens, inputs }) => ({
      prompt: [...prompt],
      completion: [...tokens],
      teacher_ids: [...(inputs['teacher_ids'] ?? [])],
      teacher_logprobs: [...(inputs['teacher_logprobs'] ?? [])],
    })),
  );
  return { rows, lr: LR, micro_batch: FLAT_ROWS, top_m: STUDENT_TOP_M, tail: TAIL };
}

/** A Sim-RL step as the peer reads it. */
function simrlBatch(trees: readonly TrainExample[]): object {
  const prompts = trees.map(({ prompt }) => [...prompt]);
  const length = COMPLETION_TOKENS.most;
  return { prompts, samples: SAMPLES, length, lr: LR, micro_batch: FLAT_ROWS, clip: CLIP, kl: KL };
}

/** The same step in PyTorch and transformers, if this machine has both. */
function pytorch(
  script: string,
  batch: object,
  { checkpoint, scratch, threads }: { checkpoint: string; scratch: string; threads: number },
): Candidate[] {
  const python = pythonWith('torch, transformers');
  if (python === undefined) {
    console.log('no Python with PyTorch and transformers here (set PYTHON): it is left out');
    return [];
  }
  const file = join(scratch, `${script}.json`);
  writeFileSync(file, JSON.stringify(batch));
  return [
    {
      name: 'PyTorch, flat',
      program: python,
      args: [join(import.meta.dirname, '..', 'peers', script), checkpoint, file, String(threads)],
      env: { OMP_NUM_THREADS: String(threads), HF_HUB_OFFLINE: '1' },
    },
  ];
}
