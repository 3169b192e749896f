/** A run whose stages save memory: adapters, half precision, 8-bit averages, averages in a file, recomputed layers. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../helpers/load-checkpoint.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { filesOf, runAll, scratchFolder, smoke } from '../helpers/runs.ts';

const { folder: scratch, remove } = scratchFolder();
const recipe = smoke(
  'stages.teacher.optimizer=adamw_8bit',
  'stages.teacher.compute_dtype=bf16',
  'stages.rollouts.compute_dtype=f16',
  'stages.ckd.lora={rank: 4, target_modules: [q_proj, v_proj]}',
  'stages.ckd.lr=0.05',
  'stages.dpo.optimizer=adamw_offloaded',
  'stages.star.lora={rank: 2}',
  'stages.star.gradient_checkpointing=true',
  'stages.star.compute_dtype=f16',
  'stages.evaluation.compute_dtype=f16',
);
let events: readonly RunEvent[] = [];

beforeAll(async () => {
  events = await runAll(recipe, scratch);
}, 240_000);
afterAll(remove);

const weightsOf = (stage: string): ReadonlyMap<string, Float32Array> =>
  new Map(loadCheckpoint(join(scratch, 'smoke', 'stages', stage, 'model')).weights);

describe('a run that saves memory', () => {
  it('comes to its end, stage by stage', () => {
    const done = events.filter((event) => event.type === 'done').map(({ stage }) => stage);
    expect(done).toEqual([...recipe.stages.map(({ name }) => name), 'export']);
  });

  it('saves plain checkpoints: adapters are merged into their targets, and nothing else has changed', () => {
    const [before, after] = [weightsOf('base'), weightsOf('ckd')];
    expect([...after.keys()]).toEqual([...before.keys()]);
    const changed = [...before.keys()].filter(
      (name) => !Buffer.from(before.get(name)!.buffer).equals(Buffer.from(after.get(name)!.buffer)),
    );
    expect(changed).toEqual([...before.keys()].filter((name) => /\.(q|v)_proj\.weight$/.test(name)));
  });

  it('trains every weight where there is no adapter', () => {
    const [before, after] = [weightsOf('base'), weightsOf('teacher')];
    for (const [name, values] of before) expect(after.get(name), name).not.toEqual(values);
  });

  it('leaves nothing of its adapters and of its averages behind', () => {
    expect(filesOf(join(scratch, 'smoke')).filter((file) => /lora|adam/.test(file))).toEqual([]);
  });
});
