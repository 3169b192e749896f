/** Cross-entropy and every distillation loss against the formulas of STAR (arXiv 2602.03022, equations 3 to 5). */
import { afterAll, describe, expect, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { crossEntropy, distillation, generalizedJsd } from '../../src/losses/all.ts';
import { adaptiveHead } from '../../src/losses/distillation.ts';
import * as reference from '../helpers/reference-losses.ts';
import { type Row, randomRows } from '../helpers/reference-losses.ts';
import { runObjective } from '../helpers/run-objective.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const device = Device.open('cpu', 1);
afterAll(() => device.close());

const rows = randomRows(1, { rows: 7, vocabulary: 30, k: 6 });
const OFF = { kd_kl_type: 'fkl', kd_topk: 6, kd_student_topm: 8, kd_kl_l1_coef: 0, kd_ratio: 1 } as const;

async function expectFormula(
  objective: ReturnType<typeof crossEntropy>,
  given: readonly Row[],
  value: (row: Row) => number,
  parts: Readonly<Record<string, (row: Row) => number>>,
): Promise<void> {
  const got = await runObjective(device, objective, given);
  const loss = (all: readonly Row[]): number => reference.weighted(all, value);
  expectClose([got.loss], [loss(given)], TOLERANCES.objective, 'loss');
  expect(Object.keys(got.parts).toSorted()).toEqual(Object.keys(parts).toSorted());
  for (const [name, part] of Object.entries(parts))
    expectClose([got.parts[name]!], [reference.weighted(given, part)], TOLERANCES.objective, name);
  expectNormClose(got.gradient, reference.gradient(given, loss), TOLERANCES.objectiveGradient, 'gradient');
}

const mass = (row: Row): number => row.teacherLogprobs.reduce((total, l) => total + Math.exp(l), 0);
const common = { teacher_mass: mass, entropy: reference.entropy, fkl: reference.forwardKl };

describe('losses, parts and gradients equal the reference on random rows of', () => {
  it('cross-entropy', () =>
    expectFormula(crossEntropy(), rows, reference.crossEntropy, {
      ce: reference.crossEntropy,
      entropy: reference.entropy,
    }));

  it('fkl: teacher probabilities are not renormalised over the k ids', () =>
    expectFormula(distillation(OFF), rows, reference.forwardKl, common));

  it('rkl: on the ids of the teacher', () =>
    expectFormula(distillation({ ...OFF, kd_kl_type: 'rkl' }), rows, reference.reverseKl, {
      ...common,
      rkl: reference.reverseKl,
    }));

  it('akl: the gates have gradients too', () =>
    expectFormula(distillation({ ...OFF, kd_kl_type: 'akl' }), rows, reference.adaptiveKl, {
      ...common,
      rkl: reference.reverseKl,
    }));

  for (const beta of [0, 0.3, 1])
    it(`the generalised Jensen-Shannon divergence of beta ${beta}`, () =>
      expectFormula(generalizedJsd({ kd_topk: 6, beta }), rows, (row) => reference.jsd(row, beta), {
        ...common,
        rkl: reference.reverseKl,
      }));

  for (const kd_kl_type of ['sfkl', 'srkl'] as const)
    for (const skew_lambda of [0.1, 0.4])
      it(`${kd_kl_type}: each term is mixed by ${skew_lambda}, over the ids of the teacher`, () => {
        const skewed = (row: Row): number => reference[kd_kl_type](row, skew_lambda);
        const parts = { ...common, [kd_kl_type]: skewed };
        return expectFormula(distillation({ ...OFF, kd_kl_type, skew_lambda }), rows, skewed, parts);
      });

  for (const divergence of ['fkl', 'rkl', 'akl'] as const) {
    it(`the tail penalty is added to ${divergence}`, () => {
      const base = { fkl: reference.forwardKl, rkl: reference.reverseKl, akl: reference.adaptiveKl }[
        divergence
      ];
      const parts = divergence === 'fkl' ? common : { ...common, rkl: reference.reverseKl };
      return expectFormula(
        distillation({ ...OFF, kd_kl_type: divergence, kd_kl_l1_coef: 10 }),
        rows,
        (row) => base(row) + 10 * reference.tail(row, 8),
        { ...parts, tail: (row) => reference.tail(row, 8) },
      );
    });
  }

  for (const ratio of [0, 0.3]) {
    it(`kd_ratio ${ratio} mixes with cross-entropy, the tail included`, () =>
      expectFormula(
        distillation({ ...OFF, kd_kl_l1_coef: 10, kd_ratio: ratio }),
        rows,
        (row) =>
          ratio * (reference.forwardKl(row) + 10 * reference.tail(row, 8)) +
          (1 - ratio) * reference.crossEntropy(row),
        { ...common, tail: (row) => reference.tail(row, 8), ce: reference.crossEntropy },
      ));
  }

  it('m smaller and larger than k, and the whole vocabulary', async () => {
    for (const m of [1, 3, 30]) {
      await expectFormula(
        distillation({ ...OFF, kd_student_topm: m, kd_kl_l1_coef: 2 }),
        rows,
        (row) => reference.forwardKl(row) + 2 * reference.tail(row, m),
        { ...common, tail: (row) => reference.tail(row, m) },
      );
    }
  });

  it('is named after what it computes', () => {
    expect(distillation({ ...OFF, kd_kl_l1_coef: 10 }).name).toBe('ckd');
    expect(distillation(OFF).name).toBe('fkl');
    expect(distillation({ ...OFF, kd_kl_type: 'akl' }).name).toBe('akl');
  });
});

describe('by hand', () => {
  it('a truncated forward KL may be negative', async () => {
    // Teacher and student agree that id 0 has 1/2 and 3/4: 1/2 ln(1/2 : 3/4) = -0.2027.
    const row: Row = {
      ...rows[0]!,
      logits: [Math.log(6), 0, 0],
      weight: 1,
      teacherIds: [0],
      teacherLogprobs: [Math.log(0.5)],
    };
    const { loss } = await runObjective(device, distillation({ ...OFF, kd_topk: 1, kd_student_topm: 1 }), [
      row,
    ]);
    expectClose([loss], [-0.5 * Math.log(1.5)], TOLERANCES.objective);
  });

  it('the gradient of CKD, as STAR derives it', async () => {
    // S = teacher mass, Q = student mass on J = V_m \ V_k:
    // in I_k: q (S - lambda Q) - p; in J: q (S + lambda (1 - Q)); elsewhere: q (S - lambda Q).
    const lambda = 10;
    const [row] = randomRows(5, { rows: 1, vocabulary: 12, k: 3 });
    const { gradient } = await runObjective(
      device,
      distillation({ ...OFF, kd_topk: 3, kd_student_topm: 5, kd_kl_l1_coef: lambda }),
      [{ ...row!, weight: 1 }],
    );
    const q = reference.logSoftmax(row!.logits).map(Math.exp);
    const outside = reference.topIds(row!.logits, 5).filter((id) => !row!.teacherIds.includes(id));
    const [S, Q] = [mass(row!), reference.tail(row!, 5)];
    const want = q.map((qj, j) => {
      const at = row!.teacherIds.indexOf(j);
      if (at >= 0) return qj * (S - lambda * Q) - Math.exp(row!.teacherLogprobs[at]!);
      return outside.includes(j) ? qj * (S + lambda * (1 - Q)) : qj * (S - lambda * Q);
    });
    expect(outside.length).toBeGreaterThan(0);
    expectNormClose(gradient, want, TOLERANCES.objectiveGradient);
  });

  const head = (...probabilities: number[]): number[] => [
    ...adaptiveHead(Float32Array.from(probabilities, Math.log)),
  ];
  it("AKL's head is the smallest prefix that reaches a half, with what crosses it", () => {
    expect(head(0.6, 0.2, 0.1)).toEqual([1, 0, 0]);
    expect(head(0.3, 0.3, 0.2)).toEqual([1, 1, 0]);
    expect(head(0.3, 0.15, 0.1, 0.05)).toEqual([1, 1, 1, 0]);
    expect(head(0.2, 0.1, 0.05)).toEqual([1, 1, 1]);
    expect(head(1)).toEqual([1]);
  });

  it('AKL of a student that equals its teacher: no gap, no loss, no division by zero', async () => {
    const logits = [1, 0.5, 0, -1].map(Math.fround);
    const teacher = reference.logSoftmax(logits).map(Math.fround);
    const row: Row = {
      ...rows[0]!,
      logits,
      teacherIds: [0, 1, 2, 3],
      teacherLogprobs: teacher,
      weight: 1,
      target: 0,
    };
    const got = await runObjective(
      device,
      distillation({ ...OFF, kd_kl_type: 'akl', kd_topk: 4, kd_student_topm: 4 }),
      [row],
    );
    expect(Math.abs(got.loss)).toBeLessThan(1e-6);
    expect(got.gradient.every(Number.isFinite)).toBe(true);
  });
});

describe('rows that do not count', () => {
  const all = [
    crossEntropy(),
    ...(['fkl', 'rkl', 'akl', 'sfkl', 'srkl'] as const).map((divergence) =>
      distillation({ ...OFF, kd_kl_type: divergence, kd_kl_l1_coef: 10 }),
    ),
    generalizedJsd({ kd_topk: 6 }),
    distillation({ ...OFF, kd_kl_l1_coef: 10, kd_ratio: 0.5 }),
  ];
  for (const objective of all) {
    it(`${objective.name} with ${Object.keys(objective.inputs).length} inputs: weights of zero give 0 and no NaN`, async () => {
      const masked = rows.map((row) => ({ ...row, weight: 0, logits: row.logits.map((z) => 40 * z) }));
      const got = await runObjective(device, objective, masked);
      expect(got.loss + 0).toBe(0);
      for (const [name, part] of Object.entries(got.parts)) expect(part + 0, name).toBe(0);
      expect(got.gradient.every((x) => x + 0 === 0)).toBe(true);
    });

    it(`${objective.name} with ${Object.keys(objective.inputs).length} inputs: a row of weight zero changes nothing`, async () => {
      const without = await runObjective(device, objective, rows.slice(0, 4));
      const within = await runObjective(device, objective, [...rows.slice(0, 4), { ...rows[4]!, weight: 0 }]);
      expectClose([within.loss], [without.loss], TOLERANCES.regrouped);
      expectNormClose(within.gradient.slice(0, 120), without.gradient, TOLERANCES.regrouped);
    });
  }
});
