/** Checkpoints and logs of a stopped run that are damaged: what is whole is gone on from, and nothing is made of what is not. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Journal } from '../../src/run/journal.ts';
import { restoreNewest } from '../../src/train/checkpoints.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-damaged-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const stateSchema = z.object({ trained: z.int() });

/** Outcome of two checkpoints of which the newer one has this as its stage.json. */
function restored(newest: string): unknown {
  const folder = mkdtempSync(join(scratch, 'checkpoints-'));
  for (const [name, text] of [
    ['step-000001', '{"step": 1, "state": {"trained": 10}}'],
    ['step-000002', newest],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'stage.json'), text);
  }
  let trained = 0;
  const result = restoreNewest(folder, {
    trainer: { restore: () => undefined },
    restore: (state) => {
      ({ trained } = stateSchema.parse(state));
    },
  });
  return { step: result?.step, trained, warnings: result?.warnings.map((text) => text.replace(folder, '')) };
}

test('a checkpoint that is whole is restored', () => {
  expect(restored('{"step": 2, "state": {"trained": 20}}')).toEqual({ step: 2, trained: 20, warnings: [] });
});

test.each([
  ['is no JSON', '{"step": 2, '],
  ['is of another form', '[]'],
  ['has no step', '{"state": {"trained": 20}}'],
  [
    'says another step than its folder, at which the stage would be done',
    '{"step": 1000000, "state": {"trained": 20}}',
  ],
  ["lacks the stage's own state", '{"step": 2}'],
  ['has a state of another form', '{"step": 2, "state": {"trained": "20"}}'],
])('one that %s is passed over, and said to be', (_, newest) => {
  expect(restored(newest)).toEqual({
    step: 1,
    trained: 10,
    warnings: [
      'the checkpoint /step-000002 is damaged and was passed over (its step or state is not what was written)',
    ],
  });
});

test('a log keeps the lines of others as they are, however deep, and loses what is no line of a log', () => {
  const folder = mkdtempSync(join(scratch, 'log-'));
  const deep = `{"stage": "a", "step": 9, "x": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  const kept = ['{"stage": "a",  "step": 1}', deep, '{"stage":"b","step":1}', '{"other": 1e400}'];
  const path = join(folder, 'log.jsonl');
  writeFileSync(
    path,
    [
      ...kept,
      'null',
      '5',
      '{"stage": "b"',
      '{"stage": "b", "step": 2}',
      '{"stage": "b", "step": {"toString": 1}}',
      '',
    ].join('\n'),
  );
  new Journal(folder).record({ type: 'stage', stage: 'b', kind: 'sft', total: 3, done: 1 });
  expect(readFileSync(path, 'utf8').split('\n')).toEqual([...kept, '']);
});
