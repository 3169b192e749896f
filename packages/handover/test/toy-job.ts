/** A job folder of a toy model whose training is a copy with other numbers. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTinyStudent } from '../../../test/helpers/tiny-student.ts';
import type { RunEvent } from '../../../src/train/events.ts';
import type { Pace } from '../src/follow.ts';
import { submitJob, type SubmitOptions } from '../src/submit.ts';
import { outputLine } from './scripted-ray.ts';

export interface ToyJob {
  readonly folder: string;
  readonly recipe: string;
  readonly runs: string;
  readonly run: string;
  readonly student: string;
}

export function makeToyJob(root: string, job: object = {}): ToyJob {
  const { checkpoint: student } = makeTinyStudent(root);
  const [folder, recipe, runs] = [join(root, 'job'), join(root, 'toy.yaml'), join(root, 'runs')];
  writeFileSync(
    recipe,
    `name: toy
threads: 1
data: { source: assistant, train: 8, test: 4 }
models: { student: student }
stages:
  - { name: star, kind: sft, model: student, lr: 1e-3 }
  - { name: eval, kind: eval, models: { star: star }, generate_max_len: 4 }
export: { model: star, gguf: star.gguf }
`,
  );
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'run.sh'), 'python train.py\n');
  writeFileSync(join(folder, 'data', 'train.jsonl'), '{"prompt": "p"}\n');
  writeFileSync(join(folder, 'requirements.txt'), '# pinned\ntrl==1.16.0\n');
  const run = join(runs, 'toy');
  const description = {
    version: 1,
    engine: 'trl',
    recipe,
    runDir: run,
    stage: 'star',
    entrypoint: 'bash run.sh',
    env: { SEED: '1' },
    output: 'output',
    requirements: 'requirements.txt',
    needsReward: false,
    ...job,
  };
  writeFileSync(join(folder, 'job.json'), JSON.stringify(description));
  return { folder, recipe, runs, run, student };
}

/** Checkpoint of the toy model, changed by `change`, as an engine would leave it in `folder`; returns the line that tells of it. */
export function leaveCheckpoint(
  student: string,
  folder: string,
  change: (weights: Float32Array) => void = (weights) => (weights[0] = 0.25),
): string {
  cpSync(student, folder, { recursive: true });
  const path = join(folder, 'model.safetensors');
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const weights = new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
  change(weights);
  writeFileSync(path, Buffer.concat([bytes.subarray(0, start), Buffer.from(weights.buffer)]));
  const files = readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .map((name) => {
      const content = readFileSync(join(folder, name));
      return { name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
    });
  return outputLine(folder, files);
}

const QUICK: Pace = { every: 2, patience: 150 };

/** Events of a submission, to its end. */
export async function submitted(folder: string, options: Partial<SubmitOptions>): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const signal = new AbortController().signal;
  for await (const event of submitJob(folder, {
    signal,
    now: () => performance.now(),
    pace: QUICK,
    ...options,
  }))
    events.push(event);
  return events;
}
