/** `tinystar submit` as a process that is killed with kill -9 at the worst moments, and run again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { readLines, scratchFolder } from '../../../test/helpers/runs.ts';
import { ScriptedRay, stepLine, versionsLine } from './scripted-ray.ts';
import { leaveCheckpoint, makeToyJob, type ToyJob } from './toy-job.ts';

const program = fileURLToPath(new URL('../../../bin/tinystar.mjs', import.meta.url));

/** Milliseconds for a process to start on a machine with much else to do, of which a test takes several. */
const STARTUP = 90_000;
vi.setConfig({ testTimeout: 5 * STARTUP });

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function surroundings(): Promise<{ ray: ScriptedRay; url: string; toy: ToyJob }> {
  const { folder, remove } = scratchFolder();
  const ray = new ScriptedRay();
  const url = await ray.listen();
  onTestFinished(async () => {
    await ray[Symbol.asyncDispose]();
    remove();
  });
  return { ray, url, toy: makeToyJob(folder) };
}

function submit(...args: string[]) {
  const child = spawn(process.execPath, [program, 'submit', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  return { child, said: () => said, ended: once(child, 'exit').then(([code]) => code as number | null) };
}

test('killed while Ray is being asked, and killed while the job trains: one submission, one result', async () => {
  const { ray, url, toy } = await surroundings();
  // Ray has the job, and its answer never comes.
  ray.onSubmit = () => new Promise(() => undefined);
  const first = submit(toy.folder, '--ray', url);
  await expect.poll(() => ray.jobs.size, { timeout: STARTUP }).toBe(1);
  first.child.kill('SIGKILL');
  await first.ended;

  ray.job.status = 'RUNNING';
  ray.job.log = versionsLine() + stepLine(1, 2);
  const second = submit(toy.folder);
  await expect.poll(second.said, { timeout: STARTUP }).toContain('star: 2 steps');
  expect(second.said()).toContain('attached to Ray 2.60.0');
  second.child.kill('SIGKILL');
  await second.ended;

  ray.job.log += stepLine(2, 2) + leaveCheckpoint(toy.student, join(toy.folder, 'output'));
  ray.job.status = 'SUCCEEDED';
  const third = submit(toy.folder);
  expect([await third.ended, third.said()]).toEqual([0, expect.stringContaining('goes on from stage star')]);
  expect(ray.submitted).toBe(1);
  expect(readLines(join(toy.run, 'log.jsonl')).map(({ step }) => step)).toEqual([1, 2]);
});

test('Ctrl-C leaves the job running and says how to attach again', async () => {
  const { ray, url, toy } = await surroundings();
  ray.onState = (job) => Object.assign(job, { status: 'RUNNING', log: versionsLine() + stepLine(1, 2) });
  const one = submit(toy.folder, '--ray', url);
  await expect.poll(one.said, { timeout: STARTUP }).toContain('star: 2 steps');
  one.child.kill('SIGINT');
  expect(await one.ended).toBe(130);
  expect(one.said()).toContain(
    `Detached at step 1 of 2 of star; the job goes on: tinystar submit ${toy.folder} attaches to it again, and with --stop stops it.`,
  );
  expect(ray.job.status).toBe('RUNNING');
});
