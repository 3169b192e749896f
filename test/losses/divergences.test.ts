/** Skewed and Jensen-Shannon divergences against PyTorch and TRL, whose numbers test/golden/make-divergences.py keeps. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { distillation, generalizedJsd } from '../../src/losses/all.ts';
import { logSoftmax, type Row, topIds } from '../helpers/reference-losses.ts';
import { runObjective } from '../helpers/run-objective.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

interface Golden {
  readonly student: readonly (readonly number[])[];
  readonly teacher: readonly (readonly number[])[];
  readonly cases: readonly {
    readonly kind: 'jsd' | 'sfkl' | 'srkl';
    readonly share: number;
    readonly k: number;
    readonly loss: number;
    readonly gradient: readonly number[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/divergences.json', import.meta.url), 'utf8'),
) as Golden;
const device = Device.open('cpu', 1);
afterAll(() => device.close());

const rowsWith = (k: number): Row[] =>
  golden.student.map((logits, i) => {
    const teacher = logSoftmax(golden.teacher[i]!);
    const teacherIds = topIds(teacher, k);
    return {
      logits,
      teacherIds,
      teacherLogprobs: teacherIds.map((id) => teacher[id]!),
      weight: 1 / golden.student.length,
      target: 0,
      advantage: 0,
      oldLogprob: 0,
      refLogprob: 0,
      pairSigns: [0],
    };
  });

test.each(golden.cases)(
  '$kind with $share over $k ids: loss and gradient are the reference',
  async (given) => {
    const { kind, share, k: kd_topk } = given;
    const objective =
      kind === 'jsd'
        ? generalizedJsd({ beta: share, kd_topk })
        : distillation({ kd_kl_type: kind, skew_lambda: share, kd_topk, kd_kl_l1_coef: 0 });
    const got = await runObjective(device, objective, rowsWith(kd_topk));
    expectClose([got.loss], [given.loss], TOLERANCES.objective, 'loss');
    expectNormClose(got.gradient, [...given.gradient], TOLERANCES.objectiveGradient, 'gradient');
  },
);

test('a student that equals its teacher has no divergence of any kind, and no gradient', async () => {
  const rows = rowsWith(golden.student[0]!.length).slice(-1);
  for (const beta of [0, 0.5, 1]) {
    const { loss, gradient } = await runObjective(device, generalizedJsd({ beta, kd_topk: 24 }), rows);
    expect(Math.abs(loss)).toBeLessThan(1e-6);
    expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-6);
  }
});

test('an id that either finds impossible gives no infinity', async () => {
  const [row] = rowsWith(24);
  const apart = { ...row!, logits: row!.logits.map((_, i) => (i === 0 ? 200 : 0)) };
  for (const objective of [
    generalizedJsd({ kd_topk: 24 }),
    distillation({ kd_kl_type: 'sfkl', kd_topk: 24, kd_kl_l1_coef: 0 }),
    distillation({ kd_kl_type: 'srkl', kd_topk: 24, kd_kl_l1_coef: 0 }),
  ]) {
    const { loss, gradient } = await runObjective(device, objective, [apart]);
    expect(Number.isFinite(loss)).toBe(true);
    expect(gradient.every(Number.isFinite)).toBe(true);
  }
});
