/** Kill -9 at random moments: re-running resumes and reaches the same bytes, with nothing logged twice or never. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { runAll, runBefore, scratchFolder, SMOKE, smoke, traceOf } from '../helpers/runs.ts';

const { folder: scratch, remove } = scratchFolder();
const root = fileURLToPath(new URL('../..', import.meta.url));

beforeAll(async () => {
  await runAll(smoke(), join(scratch, 'whole'));
}, 120_000);
afterAll(remove);

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** The command in a process of its own, which ends itself at its `killAt`-th change of the disk. */
function command(
  runs: string,
  killAt: number,
  onLine: (kill: () => void) => void = () => undefined,
): Promise<Ended> {
  const args = ['--import', './test/helpers/kill-at.mjs', '--import', 'tsx', 'packages/cli/src/main.ts'];
  const child = spawn(process.execPath, [...args, 'run', SMOKE, '--runs', runs, '--json'], {
    cwd: root,
    env: { ...process.env, KILL_AT: String(killAt) },
  });
  let stderr = '';
  child.stdout.on('data', () => onLine(() => child.kill('SIGKILL')));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stderr }));
  });
}

/** Runs the command with these kills, one after the other, and then to its end. */
async function expectSameResult(runs: string, killAts: readonly number[]): Promise<void> {
  for (const killAt of killAts) {
    const { signal, stderr } = await command(runs, killAt);
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
  }
  expect(await command(runs, Infinity)).toMatchObject({ code: 0 });
  expect(traceOf(join(runs, 'smoke'))).toEqual(traceOf(join(scratch, 'whole', 'smoke')));
}

test('killed in the middle of changing the disk', async () => {
  const rng = Rng.seeded(11, 'kills');
  // A whole run changes the disk some thousand times.
  await expectSameResult(
    join(scratch, 'disk'),
    Array.from({ length: 6 }, () => 40 + rng.below(140)),
  );
}, 240_000);

test("killed in stages that learn from a teacher's stored answers beside others", async () => {
  const runs = runBefore(smoke(), join(scratch, 'whole', 'smoke'), 'luffy', join(scratch, 'mixed'));
  await expectSameResult(runs, [75, 110, 150, 190]);
}, 240_000);

test('killed while it computes', async () => {
  const runs = join(scratch, 'time');
  const rng = Rng.seeded(12, 'kills');
  for (const events of [3, 8]) {
    let seen = 0;
    const { signal } = await command(runs, Infinity, (kill) => {
      seen += 1;
      if (seen === events) setTimeout(kill, rng.below(30));
    });
    expect(signal).toBe('SIGKILL');
  }
  await expectSameResult(runs, []);
}, 240_000);
