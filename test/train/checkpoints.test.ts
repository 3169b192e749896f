/** Checkpoints: whole or absent, the newest that can be read, and no more than are needed. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { restoreNewest, saveCheckpointStep } from '../../src/train/checkpoints.ts';
import { Diverged } from '../../src/train/trainer.ts';
import { FakeTrainer } from '../helpers/fake-trainer.ts';
import { filesOf, scratchFolder } from '../helpers/runs.ts';

let scratch = scratchFolder();
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

/** Saves the checkpoint of a step, in which the trainer has learned that number. */
function save(step: number, state: unknown = { step }): string {
  const fake = new FakeTrainer();
  fake.value = step;
  return saveCheckpointStep(scratch.folder, step, fake.trainer, state);
}

/** The restored state: the step, the state, the trainer's number, the warnings. */
function restored(): unknown[] {
  const fake = new FakeTrainer();
  let state: unknown;
  const restore = (saved: unknown): void => {
    state = saved;
  };
  const found = restoreNewest(scratch.folder, { trainer: fake.trainer, restore });
  return [found.step, state, fake.value, found.warnings.length];
}

test('what was saved is restored, with the state as it was', () => {
  expect(restored()).toEqual([0, undefined, 0, 0]);
  const path = save(3, { position: 7, list: [1, null], nothing: null });
  expect(path).toBe(join(scratch.folder, 'step-000003'));
  expect(restored()).toEqual([3, { position: 7, list: [1, null], nothing: null }, 3, 0]);
});

test('the newest two are kept, by number and not by name', () => {
  for (const step of [999_998, 999_999, 1_000_000, 1_000_001]) save(step);
  expect(readdirSync(scratch.folder).toSorted()).toEqual(['step-1000000', 'step-1000001']);
  expect(restored()?.[0]).toBe(1_000_001);
  save(2_000_000);
  expect(restored()?.[0]).toBe(2_000_000);
});

test('saving a step again replaces it, and other things in the folder stay', () => {
  writeFileSync(join(scratch.folder, 'note.txt'), 'mine');
  mkdirSync(join(scratch.folder, 'step-abc'));
  save(1, 'old');
  save(1, 'new');
  expect(restored()).toEqual([1, 'new', 1, 0]);
  expect(readdirSync(scratch.folder).toSorted()).toEqual(['note.txt', 'step-000001', 'step-abc']);
});

test('a save that fails leaves the folder as it was', () => {
  save(1);
  const before = filesOf(scratch.folder);
  const broken = new FakeTrainer();
  broken.broken = true;
  expect(() => saveCheckpointStep(scratch.folder, 2, broken.trainer, {})).toThrow(Diverged);
  expect(filesOf(scratch.folder)).toEqual(before);
  expect(restored()?.[0]).toBe(1);
});

describe('of a damaged checkpoint', () => {
  const newest = (): string => join(scratch.folder, 'step-000002');
  beforeEach(() => {
    save(1);
    save(2);
  });

  test.each<[string, () => void]>([
    ['whose weights are gone', () => rmSync(join(newest(), 'value.json'))],
    ['whose weights are cut off', () => writeFileSync(join(newest(), 'value.json'), '')],
    ['whose step is gone', () => rmSync(join(newest(), 'stage.json'))],
    ['whose step is cut off', () => writeFileSync(join(newest(), 'stage.json'), '{"step": 2, "sta')],
    ['whose step is no number', () => writeFileSync(join(newest(), 'stage.json'), '{"step": "two"}')],
    ['that is empty', () => rmSync(newest(), { recursive: true }) ?? mkdirSync(newest())],
  ])('%s, the one before is restored, with a warning that names it', (_how, damage) => {
    damage();
    const fake = new FakeTrainer();
    const restore = vi.fn<(state: unknown) => void>();
    const found = restoreNewest(scratch.folder, { trainer: fake.trainer, restore });
    expect([found?.step, fake.value]).toEqual([1, 1]);
    expect(restore.mock.calls).toEqual([[{ step: 1 }]]);
    expect(found?.warnings).toHaveLength(1);
    expect(found?.warnings[0]).toContain(`${newest()} is damaged`);
  });

  test('all of them being damaged is an error that says what to do, and nothing is removed', () => {
    for (const name of readdirSync(scratch.folder))
      writeFileSync(join(scratch.folder, name, 'stage.json'), '');
    const before = filesOf(scratch.folder);
    expect(() => restored()).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT',
        message: expect.stringMatching(/^No checkpoint in .* can be read .*; remove that folder/) as string,
      }),
    );
    expect(filesOf(scratch.folder)).toEqual(before);
  });

  test('a bug while restoring is no damage', () => {
    const fake = new FakeTrainer();
    fake.restore = () => {
      throw new TypeError('a bug');
    };
    expect(() => restoreNewest(scratch.folder, { trainer: fake.trainer, restore: () => undefined })).toThrow(
      TypeError,
    );
  });
});

test('a checkpoint that a killed process left half-written is not taken for one', () => {
  save(1);
  const half = join(scratch.folder, `.step-000002.${process.pid}.tmp`);
  mkdirSync(half);
  writeFileSync(join(half, 'stage.json'), readFileSync(join(scratch.folder, 'step-000001', 'stage.json')));
  expect(restored()).toEqual([1, { step: 1 }, 1, 0]);
});
