/** LUFFY's loss, and the policy gradient with distillation beside it: against PyTorch, formulas and hand arithmetic. */
import { afterAll, describe, expect, it } from 'vitest';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { joint, luffy, policyGradient } from '../../src/losses/all.ts';
import { together } from '../../src/stages/joint.ts';
import { byLength } from '../../src/stages/luffy.ts';
import { groupAdvantages } from '../../src/train/advantages.ts';
import { rowCount, rowsFrom, type TrainCompletion, type TrainExample } from '../../src/train/examples.ts';
import { goldenText } from '../helpers/golden-files.ts';
import * as reference from '../helpers/reference-losses.ts';
import { type Row, randomRows } from '../helpers/reference-losses.ts';
import { runObjective } from '../helpers/run-objective.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const device = Device.open('cpu', 1);
afterAll(() => device.close());

/** An answer as PyTorch was given it, with the gradient that it found; numbers a token. */
interface Given {
  readonly logits: readonly (readonly number[])[];
  readonly targets: readonly number[];
  readonly old: readonly number[];
  readonly ref: readonly number[];
  readonly gradient: readonly (readonly number[])[];
}
type Member = Given & { readonly reward: number; readonly off_policy: boolean };
type Drawn = Given & { readonly advantage: number };
type Taught = Given & {
  readonly teacher_ids: readonly (readonly number[])[];
  readonly teacher_logprobs: readonly (readonly number[])[];
};

const golden = JSON.parse(goldenText('mixed-losses.json')) as {
  readonly luffy: {
    readonly length: number;
    readonly options: object;
    readonly loss: number;
    readonly groups: readonly (readonly Member[])[];
  };
  readonly joint: {
    readonly options: object;
    readonly loss: number;
    readonly drawn: readonly Drawn[];
    readonly taught: readonly Taught[];
  };
};

const [blank] = randomRows(1, { rows: 1, vocabulary: 2, k: 1 });

const completion = ({ targets }: Given, inputs: TrainCompletion['inputs']): TrainCompletion => {
  const tokens = asTokenIds(Int32Array.from(targets));
  return { tokens, rows: rowsFrom(tokens), inputs };
};
const example = (...completions: TrainCompletion[]): TrainExample => ({
  prompt: asTokenIds(Int32Array.of(1)),
  completions,
});
const each = (one: Given, value: number): Float32Array => new Float32Array(one.targets.length).fill(value);

/** Rows of examples as a batch has them; what a completion lacks is as in padded rows. */
function rowsOf(examples: readonly TrainExample[], given: readonly Given[], k: number): Row[] {
  const count = examples.reduce((n, one) => n + rowCount(one), 0);
  return examples
    .flatMap(({ completions }) => completions)
    .flatMap(({ inputs, rows }, a) =>
      rows.map((row): Row => {
        const at = (name: string): number => inputs[name]?.[row] ?? 0;
        const top = (name: string, none: readonly number[]): number[] => [
          ...(inputs[name]?.slice(row * k, row * k + k) ?? none),
        ];
        return {
          ...blank!,
          logits: given[a]!.logits[row]!,
          target: given[a]!.targets[row]!,
          weight: 1 / count,
          advantage: at('advantages'),
          oldLogprob: at('old_logprobs'),
          refLogprob: at('ref_logprobs'),
          offPolicy: at('off_policy'),
          policyShare: at('policy_share'),
          kdShare: at('kd_share'),
          teacherIds: top('teacher_ids', [...Array.from({ length: k }).keys()]),
          teacherLogprobs: top(
            'teacher_logprobs',
            Array.from({ length: k }, () => -1),
          ),
        };
      }),
    );
}

const gradients = (given: readonly Given[]): number[] => given.flatMap(({ gradient }) => gradient.flat());

describe('PyTorch finds the same loss and gradient of', () => {
  it('LUFFY, from the rewards of groups with answers of a teacher', async () => {
    const { groups, length, loss, options } = golden.luffy;
    const examples = groups.map((group) => {
      const advantages = groupAdvantages(
        group.map(({ reward }) => reward),
        'dr_grpo',
        [-10, 10],
      );
      return example(
        ...group.map((one, i) =>
          completion(one, {
            advantages: each(one, advantages[i]!),
            old_logprobs: one.off_policy ? each(one, 0) : Float32Array.from(one.old),
            ...(one.off_policy ? { off_policy: each(one, 1) } : {}),
          }),
        ),
      );
    });
    const rows = rowsOf(byLength(examples, length), groups.flat(), 1);
    const got = await runObjective(device, luffy(options), rows);
    expectClose([got.loss], [loss], TOLERANCES.objective);
    expectNormClose(got.gradient, gradients(groups.flat()), TOLERANCES.objectiveGradient);
  });

  it('GRPO on drawn answers with CKD on stored ones, each a mean over its own tokens', async () => {
    const { drawn, taught, loss, options } = golden.joint;
    const examples = together(
      drawn.map((one) =>
        example(
          completion(one, {
            advantages: each(one, one.advantage),
            old_logprobs: Float32Array.from(one.old),
            ref_logprobs: Float32Array.from(one.ref),
          }),
        ),
      ),
      taught.map((one) =>
        example(
          completion(one, {
            teacher_ids: Int32Array.from(one.teacher_ids.flat()),
            teacher_logprobs: Float32Array.from(one.teacher_logprobs.flat()),
          }),
        ),
      ),
    );
    const rows = rowsOf(examples, [...drawn, ...taught], 4);
    const got = await runObjective(device, joint(options), rows);
    expectClose([got.loss], [loss], TOLERANCES.objective);
    expectNormClose(got.gradient, gradients([...drawn, ...taught]), TOLERANCES.objectiveGradient);
  });
});

const mixed = randomRows(3, { rows: 8, vocabulary: 15, k: 3 }).map((row, i) => ({
  ...row,
  offPolicy: i % 3 === 0 ? 8 / 3 : 0,
}));

describe('LUFFY by its formula', () => {
  for (const gamma of [0.1, 0.5]) {
    it(`loss, parts and finite differences, gamma ${gamma}`, async () => {
      const got = await runObjective(device, luffy({ off_policy_gamma: gamma, entropy_coef: 0.2 }), mixed);
      const value = (row: Row): number => reference.luffy(row, gamma);
      const loss = (all: readonly Row[]): number =>
        reference.weighted(all, (row) => value(row) - 0.2 * reference.entropy(row));
      const p = (row: Row): number => Math.exp(reference.logSoftmax(row.logits)[row.target]!);
      const parts: Record<string, (row: Row) => number> = {
        policy_loss: value,
        off_policy_loss: (row) => (row.offPolicy ? value(row) : 0),
        off_policy_prob: (row) => p(row) * row.offPolicy!,
        off_policy_tokens: (row) => (row.offPolicy ? 1 : 0),
        entropy: reference.entropy,
      };
      expectClose([got.loss], [loss(mixed)], TOLERANCES.objective);
      expect(Object.keys(got.parts).toSorted()).toEqual(Object.keys(parts).toSorted());
      for (const [name, part] of Object.entries(parts))
        expectClose([got.parts[name]!], [reference.weighted(mixed, part)], TOLERANCES.objective, name);
      expectNormClose(got.gradient, reference.gradient(mixed, loss), TOLERANCES.objectiveGradient);
    });
  }

  /** A token of which the model has the probability 1/2. */
  const half = (offPolicy: number, logRatio: number): Row => ({
    ...blank!,
    logits: [0, 0],
    target: 0,
    weight: 1,
    advantage: 0.75,
    oldLogprob: Math.log(0.5) - logRatio,
    offPolicy,
  });

  it("a teacher's token, by hand: f(1/2) = 5/6, and its slope by the logit is g p (1 - p) / (p + g)^2", async () => {
    const got = await runObjective(device, luffy({ entropy_coef: 0 }), [half(1, 3)]);
    expectClose([got.loss], [(-0.75 * 5) / 6], TOLERANCES.objective);
    const slope = (0.1 * 0.25) / 0.36;
    expectClose(got.gradient, [-0.75 * slope, 0.75 * slope], TOLERANCES.objective);
  });

  it('an own token that became five times as likely is not clipped', async () => {
    const got = await runObjective(device, luffy({ entropy_coef: 0 }), [half(0, Math.log(5))]);
    expectClose([got.loss], [-0.75 * 5], TOLERANCES.objective);
    expectClose(got.gradient, [-0.75 * 2.5, 0.75 * 2.5], TOLERANCES.objective);
  });

  it('weights of zero give 0 and no NaN', async () => {
    const got = await runObjective(
      device,
      luffy(),
      mixed.map((row) => ({ ...row, weight: 0, advantage: 0, oldLogprob: 0, offPolicy: 0 })),
    );
    for (const value of [got.loss, ...Object.values(got.parts), ...got.gradient]) expect(value + 0).toBe(0);
  });

  it('advantages by hand: three wrong answers and the right one of the teacher, of 3 and 1 tokens, over a length of 8', () => {
    const advantages = groupAdvantages([0, 0, 0, 1], 'dr_grpo', [-10, 10]);
    expect(advantages).toEqual([-0.25, -0.25, -0.25, 0.75]);
    const answer = (tokens: number, advantage: number, offPolicy: boolean): TrainCompletion => {
      const one = { ...golden.luffy.groups[0]![0]!, targets: Array.from({ length: tokens }, () => 1) };
      return completion(one, {
        advantages: each(one, advantage),
        ...(offPolicy ? { off_policy: each(one, 1) } : {}),
      });
    };
    const [scaled] = byLength(
      [
        example(
          answer(3, -0.25, false),
          answer(3, -0.25, false),
          answer(3, -0.25, false),
          answer(1, 0.75, true),
        ),
      ],
      8,
    );
    // The mean over 10 tokens of A x 10 / (4 x 8) is the sum over tokens of A / 8, a mean over 4 answers.
    const [own, , , teachers] = scaled!.completions;
    expect([...own!.inputs['advantages']!]).toEqual([-0.078125, -0.078125, -0.078125]);
    expect([...teachers!.inputs['advantages']!]).toEqual([0.234375]);
    expect([...teachers!.inputs['off_policy']!]).toEqual([10]);
    expect(own!.inputs['off_policy']).toBeUndefined();
  });
});

describe('the joint objective', () => {
  const options = { kd_topk: 3, kd_student_topm: 4, kd_kl_l1_coef: 10, init_kl_coef: 0.1 };
  const rows = randomRows(4, { rows: 6, vocabulary: 12, k: 3 });
  const both = rows.map((row, i) => ({ ...row, ...(i < 4 ? { policyShare: 1.5 } : { kdShare: 3 }) }));

  it('loss and finite differences', async () => {
    const got = await runObjective(device, joint({ ...options, kd_kl_coef: 0.7 }), both);
    const value = (row: Row): number =>
      (row.policyShare ?? 0) * (reference.policy(row, 0.2) + 0.1 * reference.kl(row, 'k2')) +
      0.7 * (row.kdShare ?? 0) * (reference.forwardKl(row) + 10 * reference.tail(row, 4));
    const loss = (all: readonly Row[]): number => reference.weighted(all, value);
    expectClose([got.loss], [loss(both)], TOLERANCES.objective);
    expectNormClose(got.gradient, reference.gradient(both, loss), TOLERANCES.objectiveGradient);
  });

  it('without distillation is the policy gradient of the drawn tokens, and nothing moves for the others', async () => {
    const got = await runObjective(device, joint({ ...options, kd_kl_coef: 0 }), both);
    const drawn = rows.slice(0, 4).map((row) => ({ ...row, weight: 1.5 * row.weight }));
    const want = await runObjective(device, policyGradient(options), drawn);
    expectClose([got.loss], [want.loss], TOLERANCES.regrouped);
    expectNormClose(got.gradient.slice(0, 48), want.gradient, TOLERANCES.regroupedGradient);
    expect(got.gradient.slice(48).every((x) => x + 0 === 0)).toBe(true);
    for (const [name, value] of Object.entries(want.parts))
      expectClose([got.parts[name]!], [value], TOLERANCES.regrouped, name);
  });
});
