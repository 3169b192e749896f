/** A run that rests before its end, as another engine is to train what comes next. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runRecipe } from '../../src/run/runner.ts';
import { scratchFolder, smoke } from '../helpers/runs.ts';

async function doneUntil(runsDir: string, until: string): Promise<string[]> {
  const done: string[] = [];
  const signal = new AbortController().signal;
  for await (const event of runRecipe(smoke(), { runsDir, until, signal }))
    if (event.type === 'done') done.push(event.stage);
  return done;
}

test('a run rests after a stage, and goes on from there; a stage that is none is told before anything is made', async () => {
  const { folder, remove } = scratchFolder();
  onTestFinished(remove);
  await expect(doneUntil(folder, 'nothing')).rejects.toThrow(
    /The recipe has no stage nothing; it has base, teacher/,
  );
  expect(existsSync(join(folder, 'smoke'))).toBe(false);
  expect(await doneUntil(folder, 'base')).toEqual(['base']);
  expect(await doneUntil(folder, 'teacher')).toEqual(['base', 'teacher']);
});
