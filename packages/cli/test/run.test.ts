import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { UserError } from '../../../src/base/errors.ts';
import type { Recipe } from '../../../src/recipe/schema.ts';
import type { RunOptions } from '../../../src/run/runner.ts';
import type { RunEvent } from '../../../src/train/events.ts';
import { runCli } from '../../../test/helpers/cli.ts';
import type { CliOptions } from '../../../test/helpers/cli.ts';
import { makeFakeRun } from '../../../test/recipe/fake-run.ts';
import { writeSmallRecipe } from './small-recipe.ts';

let folder = '';
let recipePath = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinystar-cli-'));
  recipePath = writeSmallRecipe(folder);
  return () => {
    rmSync(folder, { recursive: true });
  };
});

/** A runner that makes the files of a finished run and tells of two stages, the first of which was done before. */
async function* fakeRun(recipe: Recipe, { runsDir, signal }: RunOptions): AsyncGenerator<RunEvent> {
  makeFakeRun(join(runsDir, recipe.name));
  yield { type: 'stage', stage: 'ckd', kind: 'distill', total: 4, done: 4 };
  yield { type: 'done', stage: 'ckd', seconds: 0, outputs: {} };
  yield { type: 'stage', stage: 'star', kind: 'simrl', total: 3, done: 1, watch: ['reward', 'loss'] };
  for (const step of [2, 3]) {
    const metrics = { reward: 0.25 * step, loss: 0.1 };
    yield { type: 'step', stage: 'star', step, total: 3, tokens: 5000, seconds: 2, metrics };
    if (signal.aborted) return;
  }
  yield { type: 'warning', stage: 'star', text: 'two prompts were too long and were left out' };
  yield { type: 'checkpoint', stage: 'star', step: 3, path: 'x' };
  yield { type: 'done', stage: 'star', seconds: 4, outputs: {} };
}

const run = (options: CliOptions = {}, ...flags: string[]): ReturnType<typeof runCli> =>
  runCli(['run', recipePath, '--runs', join(folder, 'runs'), ...flags], {
    ...options,
    services: {
      runRecipe: fakeRun,
      ...options.services,
    },
  });

test('a run tells its progress on standard error and its results on standard output', async () => {
  const { stdout, stderr, code } = await run();
  expect(code).toBe(0);
  expect(stderr).toMatchInlineSnapshot(`
    "✓ ckd  was done before
    [2/2] star: going on after step 1 of 3
    [2/2] star ━━━━━━━━━━━━━━━━━━━━ 3/3  reward 0.75  2.5K tokens/s
    warning star: two prompts were too long and were left out
    ✓ star  3 steps  4.0 s  reward 0.75  10K tokens
    "
  `);
  expect(stdout.replaceAll(folder, 'DIR')).toMatchInlineSnapshot(`
    "
    model         exact match  95% interval  correct
    base                35.9%   32.8 – 39.1  310/864
    CKD                 74.0%   70.9 – 76.8  639/864
    STAR                84.8%   82.3 – 87.1  733/864
    teacher base        65.7%   62.5 – 68.8  568/864
    teacher             91.8%   89.8 – 93.4  793/864

    report  DIR/runs/small/report.html
    time    0.0 s
    "
  `);
});

test('on a terminal one line is drawn over', async () => {
  const { stderr } = await run({ terminal: 200, env: { NO_COLOR: '1' } });
  expect(stderr).toContain('\r\x1b[2K[2/2] star ━━━━━━━───────────── 1/3');
  expect(stderr).toContain('\r\x1b[2K[2/2] star ━━━━━━━━━━━━━━━━━━━━ 3/3  reward 0.75  2.5K tokens/s');
  expect(stderr).toContain('\r\x1b[2K✓ star  3 steps  4.0 s  reward 0.75  10K tokens\n');
});

test('colours are for terminals, and NO_COLOR is respected', async () => {
  expect((await run({ terminal: 200 })).stdout).toContain('\x1b[1m84.8%\x1b[22m');
  expect((await run({ terminal: 200, env: { NO_COLOR: '1' } })).stdout).not.toContain('\x1b');
  const { stdout, stderr } = await run();
  expect(stdout + stderr).not.toContain('\x1b');
});

test('a progress line never wraps on a narrow terminal', async () => {
  const { stderr } = await run({ terminal: 30 });
  const lines = stderr.replaceAll('\r\x1b[2K', '\n').split('\n');
  for (const line of lines.filter((part) => part.startsWith('[2/2]'))) {
    expect(line.length).toBeLessThan(30);
  }
});

test('--json prints every event as a line, and nothing else', async () => {
  const { stdout, stderr } = await run({}, '--json');
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as RunEvent).type);
  expect(events).toEqual(['stage', 'done', 'stage', 'step', 'step', 'warning', 'checkpoint', 'done']);
  expect(stderr).toBe('');
});

test('overrides and the device reach the recipe', async () => {
  let seen: Recipe | undefined;
  const runRecipe = (recipe: Recipe, options: RunOptions): AsyncGenerator<RunEvent> => {
    seen = recipe;
    return fakeRun(recipe, options);
  };
  await run(
    { services: { runRecipe } },
    '--set',
    'stages.star.lr=0.5',
    '--set',
    'seed=9',
    '--device',
    'Vulkan0',
  );
  expect(seen).toMatchObject({ seed: 9, device: 'Vulkan0' });
  expect(seen?.stages.find(({ name }) => name === 'star')).toMatchObject({ lr: 0.5 });
});

describe('Ctrl-C', () => {
  test('asks for a stop, keeps what was done, and says how to go on', async () => {
    let press = (): void => undefined;
    const onInterrupt = (listener: () => void): (() => void) => {
      press = listener;
      return () => undefined;
    };
    const runRecipe = (recipe: Recipe, options: RunOptions): AsyncGenerator<RunEvent> => {
      press();
      return fakeRun(recipe, options);
    };
    const { stdout, stderr, code } = await run({ services: { onInterrupt, runRecipe } });
    expect(code).toBe(130);
    expect(stderr).toContain('stopping after this step; re-run the same command to resume');
    expect(stderr).toContain('Stopped at step 2 of 3 of star; re-run the same command to resume.');
    expect(stdout).toBe('');
  });

  test('twice ends at once', async () => {
    let killed: number | undefined;
    const services = {
      onInterrupt: (listener: () => void) => {
        listener();
        listener();
        return () => undefined;
      },
      kill: (exitCode: number) => {
        killed = exitCode;
      },
    };
    await run({ services });
    expect(killed).toBe(130);
  });
});

describe('faults', () => {
  const failing = (thrown: Error): CliOptions => ({
    services: {
      runRecipe() {
        throw thrown;
      },
    },
  });

  test("of the user's are one sentence", async () => {
    const { stdout, stderr, code } = await run(
      failing(new UserError('X', 'The disk is full; free some space.')),
    );
    expect({ stdout, stderr, code }).toEqual({
      stdout: '',
      stderr: 'The disk is full; free some space.\n',
      code: 1,
    });
  });

  test('of ours say so, and show their stack with --debug', async () => {
    const fault = new TypeError('x is not a function', { cause: new Error('deeper') });
    expect((await run(failing(fault))).stderr).toBe(
      'This is a bug in tinystar (x is not a function); run the same command with --debug and report what it prints.\n',
    );
    const debugged = await run(failing(fault), '--debug');
    expect(debugged.stderr).toMatch(/TypeError: x is not a function\n {4}at /);
    expect(debugged.stderr).toContain('[cause]: Error: deeper');
    expect(debugged.code).toBe(1);
  });

  test('of a recipe stop before anything runs', async () => {
    const { stderr, code } = await run({}, '--set', 'stages.star.lrr=1');
    expect(stderr).toBe(
      '--set stages.star.lrr=1: stages.star.lrr is not a known key of a simrl stage; did you mean lr?\n',
    );
    expect(code).toBe(1);
  });

  test('of a path without a recipe say so', async () => {
    const { stderr, code } = await runCli(['run', 'nowhere.yaml']);
    expect(stderr).toBe('Cannot read nowhere.yaml: it does not exist; check the path.\n');
    expect(code).toBe(1);
  });
});
