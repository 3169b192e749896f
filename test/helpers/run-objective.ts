/** Runs an objective on rows of logits that are given, without a model. */
import type { Device } from '../../src/ggml/device.ts';
import { adaptiveHead } from '../../src/losses/distillation.ts';
import { COMMON_INPUTS, type Objective, type RowInputSpec } from '../../src/losses/objective.ts';
import { Graph, readF32, write } from '../../src/tensor/graph.ts';
import { add, full, logProbabilitiesAt, scale, vocabularyRows } from '../../src/tensor/ops/index.ts';
import type { Row } from './reference-losses.ts';

export interface ObjectiveRun {
  readonly loss: number;
  readonly parts: Readonly<Record<string, number>>;
  /** With respect to the logits, row after row. */
  readonly gradient: Float32Array;
}

/** Every input that an objective may ask for, from rows. */
function columns(rows: readonly Row[]): Record<string, number[]> {
  return {
    targets: rows.map((row) => row.target),
    weights: rows.map((row) => row.weight),
    teacher_ids: rows.flatMap((row) => row.teacherIds),
    teacher_logprobs: rows.flatMap((row) => row.teacherLogprobs),
    teacher_head: rows.flatMap((row) => [...adaptiveHead(Float32Array.from(row.teacherLogprobs))]),
    advantages: rows.map((row) => row.advantage),
    old_logprobs: rows.map((row) => row.oldLogprob),
    ref_logprobs: rows.map((row) => row.refLogprob),
    off_policy: rows.map(({ offPolicy = 0 }) => offPolicy),
    policy_share: rows.map(({ policyShare = 0 }) => policyShare),
    kd_share: rows.map(({ kdShare = 0 }) => kdShare),
    pair_signs: rows.flatMap((row) => row.pairSigns),
  };
}

export async function runObjective(
  device: Device,
  objective: Objective,
  rows: readonly Row[],
): Promise<ObjectiveRun> {
  using g = new Graph(device, 1024);
  const logits = { ...g.input('f32', [rows[0]!.logits.length, rows.length]), differentiable: true };
  const specs = Object.entries<RowInputSpec>({ ...COMMON_INPUTS, ...objective.inputs });
  const pairs = rows[0]!.pairSigns.length;
  const inputs = Object.fromEntries(
    specs.map(([name, { dtype, width }]) => [
      name,
      g.input(dtype, [width === 'groups' ? pairs : width, rows.length]),
    ]),
  );
  const vocabulary = vocabularyRows(g, logits);
  const { loss, parts } = objective.rowwise
    ? objective.build(g, vocabulary, inputs)
    : objective.build(g, logProbabilitiesAt(g, vocabulary, inputs['targets']!), inputs);
  const [grad] = g.tape.backward([[loss, full(g, [1], 1)]], [logits], (a, b) => add(g, a, b));
  const outputs = Object.entries({ ...parts, loss }).map(([name, t]) => [name, g.output(t)] as const);
  const gradient = g.output(scale(g, grad!, 1));
  g.allocate();
  write(device, logits, Float32Array.from(rows.flatMap((row) => row.logits)));
  const given = columns(rows);
  for (const [name, tensor] of Object.entries(inputs)) {
    write(
      device,
      tensor,
      tensor.dtype === 'i32' ? Int32Array.from(given[name]!) : Float32Array.from(given[name]!),
    );
  }
  await g.compute();
  const { loss: value, ...rest } = Object.fromEntries(
    outputs.map(([name, t]) => [name, readF32(device, t)[0]!]),
  );
  return { loss: value!, parts: rest, gradient: readF32(device, gradient) };
}
