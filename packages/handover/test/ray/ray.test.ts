/**
 * The curriculum on a Ray cluster of this machine: CKD by two processes, Sim-RL by TRL with rewards over HTTP, and the run
 * that goes on from both. Run by `TINYSTAR_RAY_VENV=.ray-venv npm run test:ray`; see cluster.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readLines } from '../../../../test/helpers/runs.ts';
import { type Cluster, freePorts, missing, prepareVenv, startRay } from './cluster.ts';

const program = fileURLToPath(new URL('../../../../bin/tinystar.mjs', import.meta.url));
const bases = fileURLToPath(new URL('../../../../bases/', import.meta.url));

const MINUTES = 60_000;

interface Process {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<{ code: number | null; said: string }>;
}

const processes: ChildProcess[] = [];

function tinystar(...args: string[]): Process {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  processes.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, said: text }));
  return { child, said: () => text, ended };
}

async function done(...args: string[]): Promise<string> {
  const { code, said } = await tinystar(...args).ended;
  expect([code, said]).toEqual([0, expect.any(String)]);
  return said;
}

if (missing !== undefined) console.warn(`The tests with Ray are skipped: ${missing}.`);

describe.skipIf(missing !== undefined)('a curriculum on Ray', () => {
  const root = mkdtempSync(join(tmpdir(), 'tinystar-ray-'));
  const at = (...names: string[]): string => join(root, ...names);
  const recipe = at('on-ray.yaml');
  const runs = ['--runs', at('runs')];
  let cluster: Cluster;
  let rewards: Process;
  let rewardUrl = '';

  beforeAll(async () => {
    prepareVenv();
    writeFileSync(
      recipe,
      `name: on-ray
data: { source: assistant, train: 64, test: 16 }
models: { student: ${bases}student, teacher: ${bases}teacher }
stages:
  - { name: rollouts, kind: rollout, model: teacher, prompts: 8, n_samples_per_prompt: 4, generate_max_len: 64 }
  - { name: ckd, kind: distill, model: student, data: rollouts, train_batch_size: 4, lr: 1e-4, max_epochs: 1 }
  - { name: star, kind: simrl, model: ckd, steps: 2, rollout_batch_size: 2, n_samples_per_prompt: 4, train_batch_size: 8, generate_max_len: 64, kl_estimator: k3, lr: 1e-4 }
  - { name: eval, kind: eval, models: { base: student, CKD: ckd, STAR: star } }
export: { model: star, gguf: student.gguf }
`,
    );
    cluster = await startRay();
    rewards = tinystar('serve-rewards', recipe, '--port', '0');
    await vi.waitUntil(() => rewards.said().includes('at http'), { timeout: 2 * MINUTES, interval: 200 });
    rewardUrl = /at (http:\S+)/.exec(rewards.said())?.[1] ?? '';
    await done('run', recipe, ...runs, '--until', 'rollouts');
  }, 20 * MINUTES);

  afterAll(() => {
    for (const child of processes) child.kill('SIGKILL');
    cluster.end();
    rmSync(root, { recursive: true, force: true });
  });

  const log = (stage: string) =>
    readLines(at('runs', 'on-ray', 'log.jsonl')).filter((line) => line['stage'] === stage);
  const weights = (folder: string): Buffer => readFileSync(join(folder, 'model.safetensors'));

  test(
    'CKD by two processes over gloo; this side is killed meanwhile, attaches again, and has the steps and the checkpoint',
    async () => {
      const job = at('ckd');
      await done(
        'handover',
        recipe,
        ...runs,
        '--engine',
        'trl',
        '--stage',
        'ckd',
        '--processes',
        '2',
        '--out',
        job,
      );
      const first = tinystar('submit', job, '--ray', cluster.url);
      await expect.poll(first.said, { timeout: 10 * MINUTES }).toContain('ckd: running');
      first.child.kill('SIGKILL');
      await first.ended;
      const said = await done('submit', job);
      expect(said).toContain('attached to Ray');
      expect(said).not.toContain('no weight of student has changed');
      const steps = log('ckd');
      expect(steps.length).toBeGreaterThan(0);
      for (const step of steps) {
        expect(step['by']).toMatch(/^trl on Ray [\d.]+ \(torch /);
        for (const name of ['loss', 'fkl', 'tail', 'teacher_mass', 'grad_norm'])
          expect(step[name]).toEqual(expect.any(Number));
      }
      expect(weights(at('runs', 'on-ray', 'stages', 'ckd', 'model'))).not.toEqual(
        weights(join(bases, 'student')),
      );
    },
    30 * MINUTES,
  );

  test(
    'Sim-RL by TRL with its reward over HTTP; the checkpoint is sent, as if nothing were shared',
    async () => {
      const job = at('star');
      const [port = 0] = await freePorts(1);
      await done('handover', recipe, ...runs, '--engine', 'trl', '--stage', 'star', '--out', job);
      await done(
        'submit',
        job,
        '--ray',
        cluster.url,
        '--reward-url',
        rewardUrl,
        '--listen',
        `127.0.0.1:${port}`,
      );
      expect(existsSync(join(job, 'output'))).toBe(false);
      expect(log('star').map(({ step }) => step)).toEqual([1, 2]);
      for (const { reward } of log('star')) {
        expect(reward).toBeGreaterThanOrEqual(-1);
        expect(reward).toBeLessThanOrEqual(1);
      }
    },
    30 * MINUTES,
  );

  test(
    'the run goes on from there to evaluation, report and GGUF',
    async () => {
      const said = await done('run', recipe, ...runs);
      expect(said).toMatch(/STAR +\d/);
      expect(existsSync(at('runs', 'on-ray', 'student.gguf'))).toBe(true);
      const report = readFileSync(at('runs', 'on-ray', 'report.html'), 'utf8');
      for (const stage of ['ckd', 'star'])
        expect(report.includes(`Stage ${stage} was trained by trl on Ray`), stage).toBe(true);
    },
    15 * MINUTES,
  );

  test(
    'a version that the cluster does not have, and a reward server that is not there, end a job with one sentence',
    async () => {
      const [job, other] = [at('wrong'), ['--runs', at('other-runs'), '--set', 'stages.star.model=student']];
      await done('handover', recipe, ...other, '--engine', 'trl', '--stage', 'star', '--out', job);
      const [port = 0] = await freePorts(1);
      const submit = [
        'submit',
        job,
        '--ray',
        cluster.url,
        '--reward-url',
        `http://127.0.0.1:${port}/get_reward`,
      ];
      const lost = await tinystar(...submit).ended;
      expect([lost.code, lost.said]).toEqual([
        1,
        expect.stringContaining('The job lost its reward server: http://127.0.0.1'),
      ]);
      const requirements = join(job, 'requirements.txt');
      writeFileSync(requirements, readFileSync(requirements, 'utf8').replace('trl==1.16.0', 'trl==1.15.0'));
      const wrong = await tinystar(...submit).ended;
      expect([wrong.code, wrong.said]).toEqual([
        1,
        expect.stringContaining('trl 1.16.0 where 1.15.0 is needed'),
      ]);
    },
    20 * MINUTES,
  );
});
