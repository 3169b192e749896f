/** A run that is stopped by the user, again and again, in every stage: it ends at once, loses nothing, goes on. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { runRecipe } from '../../src/run/runner.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { runCli } from '../helpers/cli.ts';
import { filesOf, logOf, readLines, runAll, scratchFolder, SMOKE, smoke, traceOf } from '../helpers/runs.ts';

const { folder: scratch, remove } = scratchFolder();
const recipe = smoke();
const whole = join(scratch, 'whole');
/** Graphs that each stage computes in a run without stops. */
const graphs = new Map<string, number>();

// oxlint-disable-next-line typescript/unbound-method -- called with its device
const { compute } = Device.prototype;

/** Calls `onGraph` before every graph that any device computes, until mocks are restored. */
function watchGraphs(onGraph: () => void): void {
  vi.spyOn(Device.prototype, 'compute').mockImplementation(function (this: Device, ...args) {
    onGraph();
    return compute.apply(this, args);
  });
}

/** Runs `recipe` and calls `onGraph` before every graph that a stage computes, with its number in the stage. */
async function counted(
  runsDir: string,
  onGraph: (stage: string, number: number) => void,
  signal?: AbortSignal,
): Promise<RunEvent[]> {
  let stage = '';
  let number = 0;
  watchGraphs(() => onGraph(stage, (number += 1)));
  const onEvent = (event: RunEvent): void => {
    if (event.type !== 'stage') return;
    ({ stage } = event);
    number = 0;
  };
  try {
    return await runAll(recipe, runsDir, signal === undefined ? { onEvent } : { onEvent, signal });
  } finally {
    vi.restoreAllMocks();
  }
}

beforeAll(async () => {
  await counted(whole, (stage, number) => graphs.set(stage, number));
}, 120_000);
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(remove);

/** Conditions of a run's folder after every stop. */
function expectRest(folder: string): void {
  expect(filesOf(folder).filter((path) => /\.tmp|\.lock$/.test(path))).toEqual([]);
  for (const { name, kind } of recipe.stages) {
    const steps = logOf(folder).filter(({ stage }) => stage === name);
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1));
    const stage = join(folder, 'stages', name);
    if (steps.length === 0 || existsSync(join(stage, 'done.json'))) continue;
    const kept = {
      rollout: () => readLines(join(stage, 'rollouts', 'answers.jsonl')).length,
      eval: () => readdirSync(join(stage, 'verdicts')).length,
      training: () => Number(readdirSync(join(stage, 'checkpoints')).toSorted().at(-1)?.slice(5)),
    };
    expect(kept[kind === 'rollout' || kind === 'eval' ? kind : 'training'](), name).toBe(steps.length);
  }
}

test('stopped in the middle of every stage, a run comes to rest and reaches the same result', async () => {
  const runs = join(scratch, 'stopped');
  const order = recipe.stages.map(({ name }) => name);
  for (const [index, name] of order.entries()) {
    for (const share of [0.1, 0.5, 0.9]) {
      const stop = new AbortController();
      const at = Math.ceil((graphs.get(name) ?? 0) * share);
      let after = 0;
      const events = await counted(
        runs,
        (stage, number) => {
          if (stop.signal.aborted) after += 1;
          // The rest of the stage may be less than that; then the next one is stopped as it begins.
          if ((stage === name && number === at) || order.indexOf(stage) > index) stop.abort();
        },
        stop.signal,
      );
      expectRest(join(runs, 'smoke'));
      // Stopped late, the next stage may have begun.
      const last = events.findLast(({ type }) => type === 'stage')?.stage;
      expect(share < 0.5 ? last : name).toBe(name);
      expect(events.at(-1)?.type).not.toBe('warning');
      // The batch under way and, in the second half of a step, its update are finished: no more than a few graphs.
      expect(after, `${name} after graph ${at}`).toBeLessThan(8);
    }
  }
  await runAll(recipe, runs);
  expect(traceOf(join(runs, 'smoke'))).toEqual(traceOf(join(whole, 'smoke')));
}, 240_000);

test('stopped at every event, a run goes on from there', async () => {
  const runs = join(scratch, 'events');
  let seen = 0;
  for (let stopped = true; stopped;) {
    const stop = new AbortController();
    let fresh = 0;
    await runAll(recipe, runs, {
      signal: stop.signal,
      onEvent: ({ type }) => {
        // Work that was done before is told again; a step or a begun stage is news.
        fresh += type === 'step' || type === 'stage' ? 1 : 0;
        if (fresh > 1) stop.abort();
      },
    });
    expectRest(join(runs, 'smoke'));
    stopped = stop.signal.aborted;
    seen += 1;
  }
  expect(seen).toBeGreaterThan(recipe.stages.length);
  expect(traceOf(join(runs, 'smoke'))).toEqual(traceOf(join(whole, 'smoke')));
}, 240_000);

test('Ctrl-C in the middle of a generation is no fault: the command says how to go on', async () => {
  const runs = join(scratch, 'keys');
  let press = (): void => undefined;
  const command = (): ReturnType<typeof runCli> =>
    runCli(['run', SMOKE, '--runs', runs], {
      services: {
        onInterrupt: (listener) => {
          press = listener;
          return () => undefined;
        },
        runRecipe,
      },
    });
  let number = 0;
  const beforeEval = [...graphs].reduce((n, [stage, count]) => n + (stage === 'evaluation' ? 0 : count), 0);
  watchGraphs(() => {
    number += 1;
    if (number === beforeEval + 5) press();
  });
  const { stderr, code } = await command();
  expect(code).toBe(130);
  expect(stderr).toMatch(/Stopped at step 0 of 6 of evaluation; re-run the same command to resume\.\n$/);
  expect((await command()).code).toBe(0);
  expect(traceOf(join(runs, 'smoke'))).toEqual(traceOf(join(whole, 'smoke')));
}, 120_000);
