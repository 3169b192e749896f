/** A run on a device that lacks operations: they are named once, and what is made is the same. */
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { runAll, scratchFolder, smoke, traceOf } from '../helpers/runs.ts';

const { folder, remove } = scratchFolder();
afterAll(remove);
afterEach(() => {
  vi.unstubAllEnvs();
});

test('is told which before the first step', async () => {
  // A graph that the CPU divides has all of its products by ggml.
  vi.stubEnv('TINYSTAR_BLAS', 'off');
  const recipe = smoke('threads=1');
  await runAll(recipe, join(folder, 'whole'));
  // Here the CPU itself stands in for what it is taken to lack, so that every bit is the same.
  vi.stubEnv('TINYSTAR_FALLBACK', 'SOFT_MAX,ROPE_BACK');
  const events = await runAll(recipe, join(folder, 'lacking'));
  const told = events.filter((event) => event.type === 'warning').map(({ text }) => text);
  const notices = told.filter((text) => text.startsWith('the device CPU lacks'));
  expect(
    notices
      .join()
      .match(/SOFT_MAX|ROPE_BACK/g)
      ?.toSorted(),
  ).toEqual(['ROPE_BACK', 'SOFT_MAX']);
  expect(notices).toHaveLength(1);
  expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['stage', 'warning']);
  expect(traceOf(join(folder, 'lacking', recipe.name))).toEqual(traceOf(join(folder, 'whole', recipe.name)));
}, 120_000);
