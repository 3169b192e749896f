/** The policy-gradient loss of GRPO with each KL estimator, DPO and IPO, against their formulas. */
import { afterAll, describe, expect, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { policyGradient, preference } from '../../src/losses/all.ts';
import * as reference from '../helpers/reference-losses.ts';
import { type Row, randomRows } from '../helpers/reference-losses.ts';
import { runObjective } from '../helpers/run-objective.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const device = Device.open('cpu', 1);
afterAll(() => device.close());

const CLIP = 0.2;
const rows = randomRows(2, { rows: 12, vocabulary: 20, k: 3, pairs: 3 });

/** A row whose target has the log-probability ln(1/2), which log-ratios are given against. */
function half(advantage: number, logRatio: number, refLogRatio = 0): Row {
  const logprob = Math.log(0.5);
  return {
    ...rows[0]!,
    logits: [0, 0],
    target: 0,
    weight: 1,
    advantage,
    oldLogprob: logprob - logRatio,
    refLogprob: logprob - refLogRatio,
  };
}

describe('GRPO', () => {
  for (const klEstimator of ['k1', 'k2', 'k3'] as const) {
    for (const klCoefficient of [0, 0.5]) {
      it(`loss, parts and gradient with ${klCoefficient} x ${klEstimator}`, async () => {
        const objective = policyGradient({
          eps_clip: CLIP,
          init_kl_coef: klCoefficient,
          kl_estimator: klEstimator,
        });
        const got = await runObjective(device, objective, rows);
        const value = (row: Row): number =>
          reference.policy(row, CLIP) + klCoefficient * reference.kl(row, klEstimator);
        const loss = (all: readonly Row[]): number => reference.weighted(all, value);
        expectClose([got.loss], [loss(rows)], TOLERANCES.objective, 'loss');
        const parts: Record<string, (row: Row) => number> = {
          policy_loss: (row) => reference.policy(row, CLIP),
          kl: (row) => reference.kl(row, klEstimator),
          entropy: reference.entropy,
          clip_fraction: (row) =>
            Math.abs(Math.exp(reference.logSoftmax(row.logits)[row.target]! - row.oldLogprob) - 1) > CLIP
              ? 1
              : 0,
        };
        expect(Object.keys(got.parts).toSorted()).toEqual(Object.keys(parts).toSorted());
        for (const [name, part] of Object.entries(parts))
          expectClose([got.parts[name]!], [reference.weighted(rows, part)], TOLERANCES.objective, name);
        expectNormClose(
          got.gradient,
          reference.gradient(rows, loss),
          TOLERANCES.objectiveGradient,
          'gradient',
        );
      });
    }
  }

  it('the entropy bonus is subtracted, with its gradient', async () => {
    for (const entropyCoefficient of [0.001, 0.7]) {
      const options = {
        eps_clip: CLIP,
        init_kl_coef: 0.001,
        kl_estimator: 'k3',
        entropy_coef: entropyCoefficient,
      } as const;
      const got = await runObjective(device, policyGradient(options), rows);
      const value = (row: Row): number =>
        reference.policy(row, CLIP) +
        0.001 * reference.kl(row, 'k3') -
        entropyCoefficient * reference.entropy(row);
      const loss = (all: readonly Row[]): number => reference.weighted(all, value);
      expectClose([got.loss], [loss(rows)], TOLERANCES.objective, 'loss');
      expectClose(
        [got.parts['entropy']!],
        [reference.weighted(rows, reference.entropy)],
        TOLERANCES.objective,
      );
      expectNormClose(got.gradient, reference.gradient(rows, loss), TOLERANCES.objectiveGradient);
    }
  });

  // Effect of PPO's clip in each of its six cases: [advantage, ratio, loss, whether there is a gradient].
  const cases: [string, number, number, number, boolean][] = [
    ['a good action that became likelier than the range allows', 2, 1.5, -2.4, false],
    ['a good action within the range', 2, 1.1, -2.2, true],
    ['a good action that became unlikely: pulled back', 2, 0.5, -1, true],
    ['a bad action that became likelier: pushed down', -2, 1.5, 3, true],
    ['a bad action within the range', -2, 0.9, 1.8, true],
    ['a bad action that is unlikely enough', -2, 0.5, 1.6, false],
  ];
  for (const [name, advantage, ratio, want, moves] of cases) {
    it(name, async () => {
      const objective = policyGradient({ eps_clip: CLIP, init_kl_coef: 0, kl_estimator: 'k2' });
      const got = await runObjective(device, objective, [half(advantage, Math.log(ratio))]);
      expectClose([got.loss], [want], TOLERANCES.objective);
      // d ratio / dz = ratio (1 - p) for the taken token, with p = 1/2.
      const slope = moves ? -advantage * ratio * 0.5 : 0;
      expectClose(got.gradient, [slope, -slope], TOLERANCES.objective);
      expect(got.parts['clip_fraction']).toBe(Math.abs(ratio - 1) > CLIP ? 1 : 0);
    });
  }

  it('ratios without bounds: a good action stays clipped, and nothing is not-a-number', async () => {
    const objective = policyGradient({ eps_clip: CLIP, init_kl_coef: 0, kl_estimator: 'k2' });
    for (const far of [20, 50, 100, 1000]) {
      const good = await runObjective(device, objective, [half(2, far)]);
      expectClose([good.loss], [-2.4], TOLERANCES.objective, `ratio e^${far}`);
      expect(good.gradient.every((x) => x + 0 === 0)).toBe(true);
      const bad = await runObjective(device, objective, [half(-2, far)]);
      expect(bad.loss).toBeGreaterThan(1e8);
      expect(bad.gradient.every(Number.isFinite)).toBe(true);
    }
  });

  it('the KL estimators by hand, at a log-ratio of ln 2', async () => {
    const want: Record<'k1' | 'k2' | 'k3', number> = {
      k1: Math.log(2),
      k2: 0.5 * Math.log(2) ** 2,
      k3: 0.5 - 1 + Math.log(2),
    };
    for (const klEstimator of ['k1', 'k2', 'k3'] as const) {
      const objective = policyGradient({ eps_clip: CLIP, init_kl_coef: 1, kl_estimator: klEstimator });
      const got = await runObjective(device, objective, [half(0, 0, Math.log(2))]);
      expectClose([got.loss], [want[klEstimator]], TOLERANCES.objective, klEstimator);
    }
  });

  it('a KL estimate beyond 10 is 10 and has no gradient, however far beyond', async () => {
    for (const klEstimator of ['k1', 'k2', 'k3'] as const) {
      for (const far of [-12, 12, -60, -200, 200]) {
        const objective = policyGradient({ eps_clip: CLIP, init_kl_coef: 1, kl_estimator: klEstimator });
        const got = await runObjective(device, objective, [half(0, 0, far)]);
        const raw = { k1: far, k2: 0.5 * far * far, k3: Math.exp(-far) - 1 + far }[klEstimator];
        expectClose(
          [got.loss],
          [Math.min(Math.max(raw, -10), 10)],
          TOLERANCES.objective,
          `${klEstimator} ${far}`,
        );
        expect(
          [...got.gradient].map((x) => x + 0),
          `${klEstimator} ${far}`,
        ).toEqual([0, 0]);
      }
    }
  });

  it('weights of zero give 0 and no NaN', async () => {
    const objective = policyGradient({ eps_clip: CLIP, init_kl_coef: 1, kl_estimator: 'k3' });
    // As padded rows are: every input zero.
    const padded = rows.map((row) => ({ ...row, weight: 0, advantage: 0, oldLogprob: 0, refLogprob: 0 }));
    const got = await runObjective(device, objective, padded);
    expect(got.loss + 0).toBe(0);
    expect(got.gradient.every((x) => x + 0 === 0)).toBe(true);
  });
});

const PAIRS = 3;
const DPO = { loss_type: 'dpo', beta: 0.1, label_smoothing: 0, nll_loss_coef: 0 } as const;
const VARIANTS: Record<
  string,
  { loss_type: 'dpo' | 'ipo'; beta: number; label_smoothing: number; nll_loss_coef: number }
> = {
  DPO,
  'DPO with a larger beta': { ...DPO, beta: 0.7 },
  'DPO with label smoothing': { ...DPO, label_smoothing: 0.2 },
  'DPO with the SFT term of RPO': { ...DPO, nll_loss_coef: 0.5 },
  IPO: { ...DPO, loss_type: 'ipo' },
  'IPO with a larger beta and the SFT term': { ...DPO, loss_type: 'ipo', beta: 0.9, nll_loss_coef: 2 },
};
/** As a step of three trees gives them. */
const paired = rows.map((row) => ({ ...row, weight: 1 / PAIRS }));

describe.each(Object.entries(VARIANTS))('%s', (_, options) => {
  const { beta, label_smoothing, nll_loss_coef } = options;
  const nll = (chosen: readonly Row[]): number => -reference.logLikelihood(chosen) / chosen.length;
  const contrast = (margin: number): number =>
    options.loss_type === 'dpo' ? reference.dpo(margin, beta, label_smoothing) : reference.ipo(margin, beta);
  const loss = (all: readonly Row[]): number =>
    reference.overPairs(all, ({ margin, chosen }) => contrast(margin) + nll_loss_coef * nll(chosen));

  it('loss, parts and gradient of three pairs', async () => {
    const got = await runObjective(device, preference(options), paired);
    expectClose([got.loss], [loss(paired)], TOLERANCES.objective, 'loss');
    const parts: Record<string, (pair: ReturnType<typeof reference.pair>) => number> = {
      ce: ({ chosen }) => nll(chosen),
      chosen_reward: ({ chosen }) => beta * reference.logRatio(chosen),
      rejected_reward: ({ rejected }) => beta * reference.logRatio(rejected),
      reward_margin: ({ margin }) => beta * margin,
      preference_accuracy: ({ margin }) => (margin > 0 ? 1 : 0),
      chosen_logprob: ({ chosen }) => reference.logLikelihood(chosen),
      rejected_logprob: ({ rejected }) => reference.logLikelihood(rejected),
    };
    expect(Object.keys(got.parts).toSorted()).toEqual(Object.keys(parts).toSorted());
    for (const [name, part] of Object.entries(parts))
      expectClose([got.parts[name]!], [reference.overPairs(paired, part)], TOLERANCES.objective, name);
    expectNormClose(got.gradient, reference.gradient(paired, loss), TOLERANCES.objectiveGradient, 'gradient');
  });

  it('trees of a batch that have no pair add nothing', async () => {
    const padded = paired.map((row) => ({ ...row, pairSigns: [0, ...row.pairSigns, 0] }));
    const [got, want] = [
      await runObjective(device, preference(options), padded),
      await runObjective(device, preference(options), paired),
    ];
    expectClose([got.loss], [want.loss], TOLERANCES.regrouped);
    expectNormClose(got.gradient, want.gradient, TOLERANCES.regroupedGradient);
  });

  it('a batch without any pair gives 0 and no NaN', async () => {
    const none = paired.map((row) => ({ ...row, weight: 0, refLogprob: 0, pairSigns: [0, 0, 0] }));
    const got = await runObjective(device, preference(options), none);
    for (const value of [got.loss, ...Object.values(got.parts), ...got.gradient]) expect(value + 0).toBe(0);
  });
});

describe('preferences by hand', () => {
  /** Policy and reference agree. */
  const same = paired.map((row) => ({
    ...row,
    refLogprob: reference.logSoftmax(row.logits)[row.target]!,
  }));

  it('where policy and reference are one, DPO is ln 2 and IPO a quarter of 1 / beta squared', async () => {
    const dpo = await runObjective(device, preference({ ...DPO, beta: 5 }), same);
    expectClose([dpo.loss], [Math.LN2], TOLERANCES.objective);
    const ipo = await runObjective(device, preference({ ...DPO, loss_type: 'ipo', beta: 0.1 }), same);
    expectClose([ipo.loss], [25], TOLERANCES.objective);
  });

  it('DPO saturates without overflow', async () => {
    const options = { ...DPO, beta: 1 };
    const sure = paired.map((row) => ({ ...row, refLogprob: row.pairSigns.includes(1) ? -500 : 0 }));
    const got = await runObjective(device, preference(options), sure);
    expect(got.loss).toBeLessThan(1e-6);
    const wrong = paired.map((row) => ({ ...row, refLogprob: row.pairSigns.includes(1) ? 0 : -500 }));
    const high = await runObjective(device, preference(options), wrong);
    expect(high.loss).toBeGreaterThan(500);
    expect(high.gradient.every(Number.isFinite)).toBe(true);
  });
});
