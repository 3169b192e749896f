/** The loop that all methods share: numbers, checkpoints, stops, and going on. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/train/events.ts';
import { runSteps, type StepReport, type SteppedStage } from '../../src/train/loop.ts';
import { Diverged } from '../../src/train/trainer.ts';
import { FakeTrainer } from '../helpers/fake-trainer.ts';
import { eventsOf, scratchFolder } from '../helpers/runs.ts';

let scratch = scratchFolder();
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());
const checkpoints = (): string => join(scratch.folder, 'checkpoints');

/** A stage whose steps add to a trainer and to a state of its own. */
class Counting implements SteppedStage {
  readonly total: number;
  readonly fake = new FakeTrainer();
  readonly trainer = this.fake.trainer;
  readonly asked: number[] = [];
  readonly warnings = ['mind the step'];
  own = 0;
  /** Other words and effects of a step. */
  more: (index: number) => Partial<StepReport> = () => ({});

  constructor(total: number) {
    this.total = total;
  }

  async step(index: number, signal: AbortSignal): Promise<StepReport> {
    this.asked.push(index);
    const more = this.more(index);
    signal.throwIfAborted();
    const result = await this.fake.step([], 0.1);
    this.own += 10;
    return { tokens: 6, metrics: { loss: result.loss }, ...more };
  }

  state(): unknown {
    return { own: this.own };
  }

  restore(state: unknown): void {
    this.own = (state as { own: number }).own;
  }
}

/** Seconds pass two by two. */
const clock = (): (() => number) => {
  let time = 0;
  return () => (time += 1000);
};

async function run(
  stage: Counting,
  stop = new AbortController(),
  onEvent: (event: RunEvent) => void = () => undefined,
): Promise<{ events: RunEvent[]; complete: boolean }> {
  const { signal } = stop;
  const surroundings = {
    name: 'counting',
    kind: 'sft',
    seed: 1,
    folder: scratch.folder,
    signal,
    now: clock(),
  };
  return eventsOf(runSteps(surroundings, stage, 2), signal, onEvent);
}

const told = (events: readonly RunEvent[]): string[] =>
  events.map(
    (event) => `${event.type} ${'step' in event ? event.step : 'done' in event ? event.done : event.type}`,
  );

describe('a stage that runs through', () => {
  test('says what it does in order, and saves every so many steps, but not at its end', async () => {
    const { events, complete } = await run(new Counting(4));
    expect(complete).toBe(true);
    expect(told(events)).toEqual([
      'stage 0',
      'warning warning',
      'step 1',
      'step 2',
      'checkpoint 2',
      'step 3',
      'step 4',
    ]);
    expect(readdirSync(checkpoints())).toEqual(['step-000002']);
  });

  test('tells time, speed and size of each step beside its own metrics', async () => {
    const { events } = await run(new Counting(1));
    expect(events.at(-1)).toEqual({
      type: 'step',
      stage: 'counting',
      step: 1,
      total: 1,
      tokens: 6,
      seconds: 1,
      metrics: { loss: 1, tokens_per_second: 6, memory_mb: expect.any(Number) as number },
    });
  });

  test('passes on warnings before the step, samples after it, and a total that became known', async () => {
    const stage = new Counting(3);
    const samples = [{ id: 'a', prompt: 'p', generation: 'g', reward: 1 }];
    stage.more = (index) => (index === 0 ? { warnings: ['hm'], samples, total: 2 } : { samples: [] });
    const { events } = await run(stage);
    expect(events.slice(2, 5)).toMatchObject([
      { type: 'warning', text: 'hm' },
      { type: 'step', step: 1, total: 2 },
      { type: 'sample', step: 1, samples },
    ]);
    expect(events.filter(({ type }) => type === 'sample')).toHaveLength(1);
  });

  test('ends early where a step says so', async () => {
    const stage = new Counting(9);
    stage.more = (index) => ({ finished: index === 1 });
    const { events, complete } = await run(stage);
    expect(complete).toBe(true);
    expect(stage.asked).toEqual([0, 1]);
    expect(told(events).at(-1)).toBe('step 2');
    expect(existsSync(checkpoints())).toBe(false);
  });
});

describe('a stage that is stopped', () => {
  test('saves what it has, says that it is not complete, and goes on to the same end', async () => {
    const stop = new AbortController();
    const first = new Counting(5);
    const stopped = await run(first, stop, (event) => {
      if (event.type === 'step' && event.step === 3) stop.abort();
    });
    expect(stopped.complete).toBe(false);
    expect(told(stopped.events).slice(-2)).toEqual(['step 3', 'checkpoint 3']);
    const second = new Counting(5);
    const { events, complete } = await run(second);
    expect(complete).toBe(true);
    expect(told(events)).toEqual(['stage 3', 'warning warning', 'step 4', 'checkpoint 4', 'step 5']);
    expect(second.asked).toEqual([3, 4]);
    expect([second.own, second.fake.value]).toEqual([50, 5]);
  });

  test('within a step repeats that step', async () => {
    const stop = new AbortController();
    const stage = new Counting(5);
    stage.more = (index) => {
      if (index === 1) stop.abort();
      return {};
    };
    const { events, complete } = await run(stage, stop);
    expect(complete).toBe(false);
    expect(told(events).slice(-2)).toEqual(['step 1', 'checkpoint 1']);
    const again = new Counting(5);
    await run(again);
    expect(again.asked).toEqual([1, 2, 3, 4]);
  });

  test('before its first step leaves no checkpoint', async () => {
    const stop = new AbortController();
    stop.abort();
    const stage = new Counting(5);
    const { events, complete } = await run(stage, stop);
    expect([complete, stage.asked, told(events)]).toEqual([false, [], ['stage 0', 'warning warning']]);
    expect(existsSync(checkpoints())).toBe(false);
  });

  test('right after a checkpoint does not save it again', async () => {
    const stop = new AbortController();
    const { events } = await run(new Counting(5), stop, (event) => {
      if (event.type === 'checkpoint') stop.abort();
    });
    expect(told(events).filter((one) => one.startsWith('checkpoint'))).toEqual(['checkpoint 2']);
  });
});

describe('a stage that fails', () => {
  test('passes an error on as it is, and keeps its last checkpoint', async () => {
    const stage = new Counting(5);
    stage.more = (index) => {
      if (index === 3) throw new Error('a disk broke');
      return {};
    };
    await expect(run(stage)).rejects.toThrow('a disk broke');
    expect(readdirSync(checkpoints())).toEqual(['step-000002']);
  });

  test('an error that is no stop is passed on, also while one was asked for', async () => {
    const stop = new AbortController();
    const stage = new Counting(5);
    stage.more = () => {
      stop.abort();
      throw new Error('a disk broke');
    };
    await expect(run(stage, stop)).rejects.toThrow('a disk broke');
  });

  test('where numbers are left, names the step and what is kept, and what to do', async () => {
    const stage = new Counting(5);
    stage.more = (index) => {
      if (index === 2) throw new Diverged('the loss is NaN');
      return {};
    };
    await expect(run(stage)).rejects.toMatchObject({
      code: 'NOT_A_NUMBER',
      message: expect.stringMatching(
        /^Stage counting stopped in step 3: the loss is NaN; the checkpoint of step 2 is kept; lower lr/,
      ) as string,
    });
    rmSync(checkpoints(), { recursive: true });
    const early = new Counting(5);
    early.more = () => {
      throw new Diverged('the loss is NaN');
    };
    await expect(run(early)).rejects.toThrow(/in step 1: .* there was no checkpoint yet; check the model/);
  });

  test('broken weights end it, and are neither saved nor handed on', async () => {
    const stage = new Counting(2);
    stage.fake.broken = true;
    await expect(run(stage)).rejects.toThrow(/Stage counting stopped in step 2: w holds NaN/);
    const longer = new Counting(3);
    longer.fake.broken = true;
    await expect(run(longer)).rejects.toThrow(/in step 2: w holds NaN; there was no checkpoint/);
    expect(existsSync(checkpoints()) ? readdirSync(checkpoints()) : []).toEqual([]);
  });
});
