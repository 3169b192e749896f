/**
 * One loss, the same number in every engine: a fixed batch through tinystar's losses and through the code that job folders
 * hand to TRL, verl, Axolotl and Tinker. Needs a Python with the packages of docs/handover.md:
 *
 *     PYTHON=.venv/bin/python AXOLOTL=unpacked-wheel npx tsx scripts/one-loss.ts
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { lossGraph } from '../packages/handover/src/tinker-graph.ts';
import { Device } from '../src/ggml/device.ts';
import { distillation } from '../src/losses/all.ts';
import type { Row } from '../test/helpers/reference-losses.ts';
import { runObjective } from '../test/helpers/run-objective.ts';

type Options = Required<NonNullable<Parameters<typeof distillation>[0]>>;

const root = resolve(import.meta.dirname, '..');
const rows = JSON.parse(
  readFileSync(join(root, 'packages/handover/test/fixtures/one-loss.json'), 'utf8'),
) as Row[];
const vocabulary = rows[0]?.logits.length ?? 0;
const k = rows[0]?.teacherIds.length ?? 0;

/** A case; `whole` has a top-m of the whole vocabulary, so that the tail is all that is outside of the teacher's top-k. */
const caseOf = (name: string, own: Partial<Options>, isGraph = true) => {
  const options = {
    kd_kl_type: 'fkl',
    skew_lambda: 0.1,
    kd_student_topm: vocabulary,
    kd_kl_l1_coef: 0,
    kd_ratio: 1,
    ...own,
  } as const;
  const graph = isGraph
    ? { graph: lossGraph(options.kd_kl_type, options.kd_kl_l1_coef, options.skew_lambda) }
    : {};
  return { name, options, ...graph };
};
const cases = [
  caseOf('fkl', {}),
  caseOf('rkl', { kd_kl_type: 'rkl' }),
  caseOf('akl', { kd_kl_type: 'akl' }),
  caseOf('sfkl', { kd_kl_type: 'sfkl' }),
  caseOf('srkl', { kd_kl_type: 'srkl', skew_lambda: 0.3 }),
  caseOf('CKD, whole tail', { kd_kl_l1_coef: 10 }),
  caseOf('CKD, top-m tail', { kd_kl_l1_coef: 10, kd_student_topm: 8 }, false),
  caseOf('CKD + cross-entropy', { kd_kl_l1_coef: 10, kd_student_topm: 8, kd_ratio: 0.3 }, false),
];

interface Line {
  readonly engine: string;
  readonly case: string;
  readonly loss?: number;
  readonly gradient?: readonly number[];
  readonly why?: string;
}

function fromPython(): Line[] {
  const folder = mkdtempSync(join(tmpdir(), 'one-loss-'));
  try {
    const batch = join(folder, 'batch.json');
    writeFileSync(batch, JSON.stringify({ rows, cases }));
    const python = process.env['PYTHON'] ?? 'python3';
    const { stdout, status, stderr } = spawnSync(python, [join(root, 'scripts/one-loss.py'), batch], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (status !== 0) throw new Error(`${python} scripts/one-loss.py: ${stderr}`);
    const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line) as Line);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

using device = Device.open('cpu', 1);
const ours = new Map<string, { readonly loss: number; readonly gradient: Float32Array }>();
for (const { name, options } of cases)
  ours.set(name, await runObjective(device, distillation({ ...options, kd_topk: k }), rows));

const out = (line: string): void => void process.stdout.write(`${line}\n`);
out('| engine | loss | tinystar | engine | difference | gradient, largest difference |');
out('|---|---|---|---|---|---|');
let worst = 0;
for (const { engine, case: name, loss, gradient, why } of fromPython()) {
  const own = ours.get(name);
  if (own === undefined || loss === undefined || gradient === undefined) {
    out(`| ${engine} | ${name} | ${own?.loss.toFixed(6) ?? ''} | not run: ${why} | | |`);
    continue;
  }
  const off = Math.abs(loss - own.loss);
  const apart = Math.max(...gradient.map((value, i) => Math.abs(value - (own.gradient[i] ?? NaN))));
  worst = Math.max(worst, off, apart);
  out(
    `| ${engine} | ${name} | ${own.loss.toFixed(6)} | ${loss.toFixed(6)} | ${off.toExponential(1)} | ${apart.toExponential(1)} |`,
  );
}
out(`\nLargest difference: ${worst.toExponential(1)}`);
if (worst > 1e-5) process.exitCode = 1;
